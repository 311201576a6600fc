"""Files as jobflow-remote writes them, in its three formats; and the parsers underneath."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from config_samples import GENERATED, GENERATED_FULL, content, put
from hypothesis import given
from hypothesis import strategies as st

from controller.config import ConfigManager, RemoteWorker
from controller.config.files import project_files, read_mapping
from controller.config.tomltext import dump_toml
from controller.config.yamltext import (
    YAMLTextError,
    compiled_engine,
    load_yaml,
    pure_engine,
    yaml_lines,
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return value


def as_format(text: str, extension: str) -> str:
    if extension == "yaml":
        return text
    data = load_yaml(text)
    return json.dumps(data) if extension == "json" else dump_toml(without_nulls(data))


@pytest.mark.parametrize("extension", ["yaml", "json", "toml"])
def test_generated_file(folder: Path, extension: str) -> None:
    put(folder, f"any_name.{extension}", as_format(GENERATED, extension))
    data = ConfigManager().get_project_data("std")
    assert (data.filepath, data.ext) == (str(folder / f"any_name.{extension}"), extension)
    worker = data.project.workers["example_worker"]
    assert isinstance(worker, RemoteWorker)
    assert (worker.host, worker.user, worker.timeout_execute) == ("remote.host.net", "bob", 60)
    assert worker.pre_run == "source /path/to/python/environment/activate"
    assert data.project.queue.store["password"] == "secret_password"
    assert data.project.jobstore["additional_stores"]["data"]["type"] == "GridFSStore"
    assert data.project.base_dir == str(folder / "std")


@pytest.mark.parametrize("extension", ["yaml", "json", "toml"])
def test_generated_full_file(folder: Path, extension: str) -> None:
    put(folder, f"full.{extension}", as_format(GENERATED_FULL, extension))
    project = ConfigManager().get_project("full")
    kinds = [type(w).__name__ for w in project.workers.values()]
    assert kinds == ["RemoteWorker", "LocalWorker"]
    assert list(project.runner.delta_retry) == [30, 300, 1200]
    assert project.exec_config["example_config"].export == {"PATH": "/path/to/binaries:$PATH"}
    assert project.base_dir == "/home/bob/.jfremote/full"
    assert project.optional_jobstores == {}


def test_only_files_directly_in_the_folder_count(folder: Path) -> None:
    for name in ("a.yaml", "b.json", "c.toml", "d.yml", "e.yaml.bak.0", "f.txt", ".g.yaml.x1"):
        (folder / name).write_text("{}")
    (folder / "sub").mkdir()
    (folder / "sub" / "h.yaml").write_text("{}")
    (folder / "dir.yaml").mkdir()
    assert [p.name for p in project_files(folder)] == ["a.yaml", "b.json", "c.toml"]


def test_a_folder_that_is_not_there_is_empty(folder: Path) -> None:
    assert list(project_files(folder / "none")) == []


SCALARS = """
a 1 01 010 0o10 0x1F 0b11 1e5 1.5 1. .5 .5e+3 -3 +4 1_000 true True TRUE yes no on off y n
null ~ Null .inf -.inf .nan 2024-01-01 12:30 01:00:00 1:2:3.5 1-2 0 -0 -1.5e-3 1e 0x 1__2
_1 1.2.3 'yes' "1" $HOME/x ~/x 1e+5_0 0o 10s 1.0e+3 -.5 +.inf
"""


@pytest.mark.parametrize("text", [*SCALARS.split(), "2024-01-01 10:00:00", "10 s", "", "# nothing"])
def test_scalars_are_read_by_the_rules_of_yaml_1_2(text: str) -> None:
    document = f"key: {text}"
    expected, found = pure_engine().load(document), compiled_engine().load(document)
    assert type(expected["key"]) is type(found["key"])
    if not (isinstance(found["key"], float) and math.isnan(found["key"])):
        assert expected == found


DOCUMENTS = [
    "",
    "a: &x {p: 1}\nb:\n  <<: *x\n  q: 2\n",
    "a: |\n  line 1\n  line 2\nb: >\n  folded\n  text\n",
    "a: 'it''s'\nb: \"tab\\t\"\nc: [1, two, {d: 3}]\n",
    "? [1, 2]\n: sequence as key\n",
    GENERATED,
    GENERATED_FULL,
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_both_parsers_agree(text: str) -> None:
    if text.startswith("?"):
        with pytest.raises(compiled_engine().errors):
            compiled_engine().load(text)
    else:
        assert compiled_engine().load(text) == pure_engine().load(text)


@pytest.mark.parametrize("engine", [compiled_engine, pure_engine])
def test_lines(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.config.yamltext._engine", engine)
    text = "# head\na: 1\nb:\n  - x\n  - {y: 2,\n     z: 3}\n5: {}\n"
    assert yaml_lines(text) == {
        ("a",): 2,
        ("b",): 3,
        ("b", "0"): 4,
        ("b", "1"): 5,
        ("b", "1", "y"): 5,
        ("b", "1", "z"): 6,
        ("5",): 7,
    }
    assert yaml_lines("a: [") == {}
    with pytest.raises(YAMLTextError) as caught:
        load_yaml("a: 1\na: 2\n")
    assert caught.value.line == 2


keys = st.text(min_size=1, max_size=8)
values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_toml_is_read_as_it_was_written(data: dict[str, Any]) -> None:
    import tomllib

    assert tomllib.loads(dump_toml(data)) == data


def test_toml_leaves_out_nulls() -> None:
    assert dump_toml({"a": None, "b": {"c": None}, "d": [1, None]}) == "d = [1]\n\n[b]\n"


@pytest.mark.parametrize("name", ["p.yaml", "p.json"])
def test_values_are_the_same_in_both_formats(folder: Path, name: str) -> None:
    given_content = content(metadata={"text": "é", "number": 1.5, "none": None, "list": [1]})
    assert read_mapping(put(folder, name, given_content)) == given_content
