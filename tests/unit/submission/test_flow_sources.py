"""What `jf flow submit` is told to submit: the texts, the arguments, and what is loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from monty.json import MontyEncoder

from controller.errors import ArgumentError, ControllerError, NotFoundError, SubmissionError
from controller.flow_sources import Target, load_target, local_module, read_arguments, read_target
from controller.operations.insertion import accept_data, accept_flow

MODULE = """
from dataclasses import dataclass
from jobflow import Flow, Maker, flow, job

print("a line of a user's module")


@job
def add(a, b):
    return a + b


def sums(a, b=1):
    first = add(a, b)
    return Flow([first, add(first.output, 2)], name="sums")


@flow
def decorated(a):
    return add(a, 1).output


@dataclass
class Triple(Maker):
    name: str = "triple"
    times: int = 3

    @job
    def make(self, a):
        return self.times * a


triple = Triple(times=4)
ready = Flow([add(1, 2)], name="ready")
jobs = [add(1, 2), add(3, 4)]
number = 3


def nothing():
    pass


def broken():
    return number / 0


def leaves():
    raise SystemExit(4)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("targets")
    (folder / "target_flows.py").write_text(MODULE)
    (folder / "syntax.py").write_text("def f(:\n")
    (folder / "needs.py").write_text("import not_installed_anywhere\n")
    (folder / "json.py").write_text("def f(): pass\n")
    inner = folder / "target_package" / "inner"
    inner.mkdir(parents=True)
    for path in (inner, inner.parent):
        (path / "__init__.py").touch()
    (inner / "flows.py").write_text(
        "from ..shared import add\n\n\ndef one():\n    return add(1, 2)\n"
    )
    (inner.parent / "shared.py").write_text(MODULE)
    before, known = list(sys.path), set(sys.modules)
    yield folder
    sys.path[:] = before
    for name in set(sys.modules) - known:
        if name.startswith("target_"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "module", "path", "name"),
    [
        ("a.b:make", "a.b", None, "make"),
        ("a:Maker.make", "a", None, "Maker.make"),
        ("flows.py:make", None, "flows.py", "make"),
        ("a:b/flows.py:make", None, "a:b/flows.py", "make"),
        ("./flows:make", None, "flows", "make"),
        ("flow.json", None, "flow.json", ""),
        ("-", None, None, ""),
    ],
)
def test_a_target_is_taken_apart(
    text: str, module: str | None, path: str | None, name: str
) -> None:
    assert read_target(text) == Target(text, module, path and Path(path), name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flows", "does not say what"),
        ("flows:", "does not say what"),
        ("flow.json:x", "has no names"),
        ("flows.py:1x", "cannot be the name of a function"),
        ("a-b:make", "cannot be the name of a module"),
    ],
)
def test_a_target_without_a_form(text: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said) as error:
        read_target(text)
    assert error.value.hint


def test_a_file_without_a_name_tells_its_names(folder: Path) -> None:
    with pytest.raises(ArgumentError) as error:
        read_target(str(folder / "target_flows.py"))
    assert f"{folder / 'target_flows.py'}:sums" in str(error.value.hint)


@pytest.mark.parametrize(
    ("words", "positional", "named"),
    [
        ([], (), {}),
        (["a=1", "b=0.5", "c=true", "d=null"], (), {"a": 1, "b": 0.5, "c": True, "d": None}),
        (["name=Cu", 'text="1"', "empty="], (), {"name": "Cu", "text": "1", "empty": ""}),
        (
            ["list=[1, 2]", 'x={"y": [3]}', "q=a=b"],
            (),
            {"list": [1, 2], "x": {"y": [3]}, "q": "a=b"},
        ),
        (['{"a": 1, "b": "x"}', "c=2"], (), {"a": 1, "b": "x", "c": 2}),
        (["[1, 2]", "c=3"], (1, 2), {"c": 3}),
        (["3", '"Cu"', "-0.5", "null", "c=3"], (3, "Cu", -0.5, None), {"c": 3}),
    ],
)
def test_arguments(words: list[str], positional: Any, named: Any) -> None:
    found = read_arguments(words)
    assert (found.positional, found.named) == (positional, named)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Cu"], "neither key=value nor JSON"),
        (["a b=1"], "neither key=value nor JSON"),
        (["{a: 1}"], "is not JSON"),
        (["a=1", '{"a": 2}'], "a is given twice"),
    ],
)
def test_arguments_without_a_form(words: list[str], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        read_arguments(words)


def loaded(folder: Path, text: str, *words: str, stdin: str = "") -> Any:
    return load_target(read_target(str(folder / text)), read_arguments(words), lambda: stdin)


@pytest.mark.parametrize(
    ("text", "words", "jobs"),
    [
        ("target_flows.py:sums", ["a=1"], [((1, 1), {}), "ref"]),
        ("target_flows.py:sums", ["[4, 5]"], [((4, 5), {}), "ref"]),
        ("target_flows.py:add", ["a=1", "b=x"], [((), {"a": 1, "b": "x"})]),
        ("target_flows.py:decorated", ["a=7"], [((7, 1), {})]),
        ("target_flows.py:Triple", ["a=2", "times=5"], [((), {"a": 2})]),
        ("target_flows.py:triple", ["a=2"], [((), {"a": 2})]),
        ("target_flows.py:Triple.make", ['{"self": null, "a": 1}'], [((), {"self": None, "a": 1})]),
        ("target_flows.py:ready", [], [((1, 2), {})]),
        ("target_flows.py:jobs", [], [((1, 2), {}), ((3, 4), {})]),
        ("target_package/inner/flows.py:one", [], [((1, 2), {})]),
    ],
)
def test_what_is_loaded(
    folder: Path, text: str, words: list[str], jobs: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    flow = accept_flow(loaded(folder, text, *words))
    found = [(tuple(j.data["function_args"]), j.data["function_kwargs"]) for j in flow.jobs]
    assert [here for here, wanted in zip(found, jobs, strict=True) if wanted != "ref"] == [
        wanted for wanted in jobs if wanted != "ref"
    ]
    assert capsys.readouterr().out == ""  # standard output is for the ids


def test_the_module_of_a_file_is_what_the_worker_imports(folder: Path) -> None:
    target = read_target(str(folder / "target_package" / "inner" / "flows.py:one"))
    assert local_module(target) == "target_package.inner.flows"
    (job,) = accept_flow(loaded(folder, "target_flows.py:add", "a=1", "b=2")).jobs
    assert job.data["function"]["@module"] == "target_flows"


def test_a_module_of_the_present_folder_is_one_that_the_worker_may_lack(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(folder))])
    target = read_target("target_package.inner.flows:one")
    load_target(target, read_arguments([]), str)
    assert local_module(target) == "target_package.inner.flows"
    monkeypatch.syspath_prepend(folder)  # as PYTHONPATH or an installation do
    assert local_module(target) is None
    assert local_module(read_target("controller.examples:add")) is None
    assert local_module(read_target("flow.json")) is None


@pytest.mark.parametrize(
    ("text", "words", "kind", "said"),
    [
        ("none.py:f", [], NotFoundError, "there is no file"),
        ("target_flows.py:sms", ["a=1"], NotFoundError, "no 'sms' .did you mean sums"),
        ("target_flows.py:sums", [], ArgumentError, r"missing.*'a' \(its arguments are \(a, b=1\)"),
        ("target_flows.py:sums", ["a=1", "c=2"], ArgumentError, "unexpected keyword argument 'c'"),
        ("target_flows.py:ready", ["a=1"], ArgumentError, "is a Flow: it takes no arguments"),
        ("target_flows.py:number", [], SubmissionError, "is an object of the class int"),
        ("target_flows.py:nothing", [], SubmissionError, "returns None"),
        ("target_flows.py:broken", [], SubmissionError, r"ZeroDivisionError.*flows.py, line \d+"),
        ("target_flows.py:leaves", [], SubmissionError, "ends the program.*exit 4"),
        ("syntax.py:f", [], SubmissionError, r"SyntaxError.*syntax.py, line 1"),
        ("needs.py:f", [], SubmissionError, "No module named 'not_installed_anywhere'.*line 1"),
        ("json.py:f", [], SubmissionError, "json is another module"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(
    folder: Path, text: str, words: list[str], kind: type[ControllerError], said: str
) -> None:
    with pytest.raises(kind, match=said) as error:
        loaded(folder, text, *words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("no_such_module:f", NotFoundError, "there is no module no_such_module"),
        ("json.nothing:f", NotFoundError, "there is no module json.nothing"),
    ],
)
def test_a_module_that_is_not_there(text: str, kind: type[ControllerError], said: str) -> None:
    with pytest.raises(kind, match=said):
        load_target(read_target(text), read_arguments([]), str)


@pytest.mark.parametrize("text", ["target_flows.py:ready", "target_flows.py:jobs"])
def test_serialised_jobs_are_submitted_as_they_are(folder: Path, text: str) -> None:
    made = loaded(folder, text)
    written = json.dumps(made, cls=MontyEncoder)
    (folder / "flow.json").write_text(written)
    plain = accept_flow(made)
    for data in (
        loaded(folder, "flow.json"),
        load_target(read_target("-"), read_arguments([]), lambda: written),
    ):
        flow = accept_data(data, {"tag": 1})
        assert [job.key for job in flow.jobs] == [job.key for job in plain.jobs]
        assert flow.metadata == {"tag": 1}
        for job in flow.jobs:
            assert job.data["hosts"][-1] == flow.uuid
            assert job.data["metadata"] == {"tag": 1}
            assert job.data["metadata_updates"][0]["update"] == {"tag": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "standard input is empty"),
        ("{", "standard input is not JSON"),
        ("3", "it contains int where a job is expected"),
        ("{}", "it has no jobs"),
        ("[]", "has no job"),
        ('{"@class": "Flow", "name": "x", "jobs": []}', "'x' has no usable 'uuid'"),
        ('{"@class": "Job", "uuid": "u", "index": 1, "name": "n"}', "'n' has no usable 'function'"),
    ],
)
def test_data_that_is_no_flow(text: str, said: str) -> None:
    with pytest.raises(SubmissionError, match=said):
        accept_data(load_target(read_target("-"), read_arguments([]), lambda: text))
