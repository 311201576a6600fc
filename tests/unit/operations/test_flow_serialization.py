"""Flows are read the same from jobflow's objects and from their serialised form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jobflow import Flow, flow, job
from monty.json import MontyDecoder, MontyEncoder

from controller import testing
from controller.errors import SubmissionError
from controller.operations.flow_serialization import (
    SerializedFlow,
    not_importable,
    read_flow,
    references,
)


@job
def add(a: Any, b: Any = 1) -> Any:
    return a + b


@flow
def decorated(a: Any) -> Any:
    return add(add(a).output).output


@pytest.mark.parametrize("uuid", ["../elsewhere", "a/b", "-rf", "", "two words", "x" * 300])
def test_a_uuid_that_no_folder_can_have_is_refused_before_anything_is_stored(uuid: str) -> None:
    made = add(1)
    data = {**json.loads(json.dumps(made, cls=MontyEncoder)), "uuid": uuid}
    with pytest.raises(SubmissionError, match="cannot be used as the name of a folder"):
        read_flow(data)


def shape(serialized: SerializedFlow) -> dict[str, list[str]]:
    """{name of a job: names of its parents}."""
    names = {j.uuid: j.data["name"] for j in serialized.jobs}
    return {j.data["name"]: sorted(names[p] for p in j.parents) for j in serialized.jobs}


def named(name: str, *args: Any) -> Any:
    made = add(*args)
    made.name = name
    return made


def fan() -> Flow:
    root = named("root", 1)
    middle = [named(f"m{i}", root.output, {"deep": [i]}) for i in range(2)]
    return Flow([named("end", [m.output for m in middle]), *middle, root])


def lines() -> Flow:
    a, b, c, d = (named(n, 1) for n in "abcd")
    return Flow([a, Flow([b, Flow([c, d], order="linear")]), named("e", 1)], order="linear")


def across() -> Flow:
    """A linear flow whose second member already refers to the first."""
    a = named("a", 1)
    return Flow([Flow([a]), Flow([named("b", a.output)])], order="linear")


FLOWS = {
    "fan": (
        fan,
        {"root": [], "m0": ["root"], "m1": ["root"], "end": ["m0", "m1"]},
    ),
    "lines": (lines, {"a": [], "b": ["a"], "c": ["a"], "d": ["c"], "e": ["b", "d"]}),
    "across": (across, {"a": [], "b": ["a"]}),
}


@pytest.mark.parametrize("name", FLOWS)
def test_parents_from_objects_and_from_data(name: str) -> None:
    make, expected = FLOWS[name]
    live = make()
    data = json.loads(json.dumps(live, cls=MontyEncoder))
    for source in (live, data):
        serialized = read_flow(source)
        assert shape(serialized) == expected
        seen: set[str] = set()
        for each in serialized.jobs:
            assert set(each.parents) <= seen
            seen.add(each.uuid)
    assert [j.data for j in read_flow(data).jobs] == [j.data for j in read_flow(live).jobs]


def test_leaves_are_nobodys_parents() -> None:
    serialized = read_flow(fan())
    assert [j.data["name"] for j in serialized.jobs if j.uuid in serialized.leaves] == ["end"]


def test_a_decorated_flow_is_read() -> None:
    assert len(read_flow(decorated(1)).jobs) == 2


def test_a_circle_is_named() -> None:
    a, b = named("first", 1), named("second", 1)
    a.function_args, b.function_args = (b.output,), (a.output,)
    with pytest.raises(SubmissionError, match=r"first .* -> second|second .* -> first"):
        read_flow(Flow([a, b]))


def test_references_elsewhere_are_reported_with_who_needs_them() -> None:
    other = add(1)
    serialized = read_flow(Flow([named("needy", other.output)]))
    assert serialized.external == {other.uuid: ["needy"]}
    assert serialized.jobs[0].parents == []


def test_what_cannot_be_serialised_is_named() -> None:
    bad = named("bad", 1)
    bad.function_args = (object(),)
    with pytest.raises(SubmissionError, match="bad"):
        read_flow(bad)


def test_references_are_found_where_they_lie_and_not_within_arrays() -> None:
    reference = {"@module": "jobflow.core.reference", "@class": "OutputReference", "uuid": "u"}
    data = {
        "function_args": [1, {"a": [reference]}],
        "function_kwargs": {"k": {"@module": "numpy", "@class": "array", "data": [reference]}},
        "metadata": {"r": {**reference, "uuid": "elsewhere"}},
    }
    assert list(references(data)) == ["u"]


def test_what_a_maker_holds_is_plain_data() -> None:
    """jobflow leaves an enumeration of a maker as it is, which no database takes."""
    chosen = testing.EnumMaker(e=testing.TestEnum.B)
    data = read_flow(chosen.make()).jobs[0].data
    json.dumps(data)
    decoded = MontyDecoder().process_decoded(data)
    assert decoded.function.__self__ == chosen


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ({"@module": "a.b", "@callable": "f", "@bound": None}, None),
        ({"@module": "a.b", "@callable": "M.make", "@bound": {"@module": "a.b"}}, None),
        (
            {"@module": "__main__", "@callable": "f", "@bound": None},
            "f is defined in the script or notebook itself",
        ),
        (
            {"@module": "a.b", "@callable": "M.make", "@bound": {"@module": "__main__"}},
            "M.make is defined in the script or notebook itself",
        ),
        ({"@module": "a.b", "@callable": "<lambda>"}, "<lambda> is defined inside a function"),
        ("something else", None),
    ],
)
def test_which_functions_no_worker_can_import(function: Any, problem: str | None) -> None:
    said = not_importable(function)
    assert said is None if problem is None else str(said).startswith(problem)
