"""Filters that are saved under a name: the file, and what a command makes of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from controller.config.files import project_files
from controller.errors import ArgumentError, ConfigError, ControllerError, NotFoundError
from controller.filter_texts import flow_filter, job_filter
from controller.saved_filters import (
    KEYS,
    SavedFilter,
    combined,
    delete_filters,
    filter_names,
    filters_path,
    named_filter,
    save_filter,
    saved_filters,
)
from controller.states import JobState


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    return path


def test_saved_read_and_deleted(project: Path) -> None:
    assert saved_filters(project, "job") == {}
    save_filter(project, "job", "broken", {"state": ["FAILED"], "days": 7, "name": None})
    save_filter(project, "job", "@all.of-it_2", {"name": "a b*", "query": '{"x": 1}'})
    save_filter(project, "flow", "broken", {"state": ["FAILED"]})
    assert list(saved_filters(project, "job")) == ["all.of-it_2", "broken"]
    found = named_filter(project, "job", "@broken")
    assert found == SavedFilter("job", "broken", {"state": ["FAILED"], "days": "7"})
    assert found.flags == "--state FAILED --days 7"
    assert "--name 'a b*'" in named_filter(project, "job", "all.of-it_2").flags
    assert [saved.name for saved in delete_filters(project, "job", ["broken", "@broken"])] == [
        "broken"
    ]
    assert filter_names(project, "job") == ["all.of-it_2"]
    assert filter_names(project, "flow") == ["broken"]


def test_it_is_no_project_file(project: Path) -> None:
    save_filter(project, "job", "x", {"state": ["FAILED"]})
    assert filters_path(project).exists()
    assert list(project_files(project.parent)) == [project]


def test_a_dry_run_checks_and_writes_nothing(project: Path) -> None:
    save_filter(project, "job", "x", {"name": "y"}, dry_run=True)
    with pytest.raises(ArgumentError, match="did you mean FAILED"):
        save_filter(project, "job", "x", {"state": ["FIALED"]}, dry_run=True)
    assert not filters_path(project).exists()


@pytest.mark.parametrize(
    ("name", "texts", "said"),
    [
        ("", {"name": "y"}, "cannot be the name"),
        ("a b", {"name": "y"}, "cannot be the name"),
        ("-x", {"name": "y"}, "cannot be the name"),
        ("x", {"name": None, "state": []}, "needs a condition"),
        ("x", {"days": "soon"}, "not a whole number"),
        ("x", {"days": "1", "hours": "2"}, "cannot be combined"),
        ("taken", {"name": "y"}, "there is a saved filter @taken already"),
    ],
)
def test_what_cannot_be_saved(project: Path, name: str, texts: dict[str, Any], said: str) -> None:
    save_filter(project, "job", "taken", {"name": "z"})
    before = filters_path(project).read_text()
    with pytest.raises(ArgumentError, match=said):
        save_filter(project, "job", name, texts)
    assert filters_path(project).read_text() == before
    save_filter(project, "job", "taken", {"name": "y"}, replace=True)


def test_comments_of_the_user_stay(project: Path) -> None:
    filters_path(project).write_text("# mine\njob:\n  old: {state: FAILED}  # since May\n")
    save_filter(project, "job", "new", {"name": "y"})
    text = filters_path(project).read_text()
    assert "# mine" in text
    assert "# since May" in text


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ("{state: FAILED}", {"state": ["FAILED"]}),
        ("{state: 'FAILED, READY', db_id: 12}", {"state": ["FAILED", "READY"], "db_id": ["12"]}),
        ("{start_date: 2026-01-31, days: 3}", None),
        ("{start_date: 2026-01-31}", {"start_date": "2026-01-31"}),
        ("{metadata: {a: 1}}", {"metadata": '{"a": 1}'}),
    ],
)
def test_written_by_hand(project: Path, written: str, texts: dict[str, Any] | None) -> None:
    filters_path(project).write_text(f"job:\n  x: {written}\n")
    if texts is None:
        with pytest.raises(ControllerError, match="cannot be combined"):
            named_filter(project, "job", "x")
    else:
        assert named_filter(project, "job", "x").texts == texts


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ("job: [", ConfigError, "filters.*line|line.*filters|filters"),
        ("- 1", ConfigError, "must contain the keys job and flow"),
        ("job: [x]", ConfigError, "names and filters"),
        ("job: {x: 1}", ConfigError, "keys and values"),
        ("job: {x: {stat: FAILED}}", ConfigError, "has the key 'stat' .did you mean state"),
        ("job: {y: {state: FAILED}}", NotFoundError, "no saved filter @x.*known: y"),
        ("flow: {x: {state: FAILED}}", NotFoundError, "filter save NAME"),
    ],
)
def test_a_file_that_cannot_be_used(
    project: Path, content: str, kind: type[ControllerError], said: str
) -> None:
    filters_path(project).write_text(content)
    with pytest.raises(kind, match=said):
        named_filter(project, "job", "x")
    if kind is ConfigError:
        filter_names(project, "job")  # TAB says nothing


@pytest.mark.parametrize(
    ("saved", "given", "expected"),
    [
        ([{"days": "7", "name": "a"}], {}, {"days": "7", "name": "a"}),
        ([{"days": "7", "name": "a"}], {"name": "b", "state": None}, {"days": "7", "name": "b"}),
        ([{"days": "7"}], {"hours": 3}, {"hours": 3}),
        (
            [{"start_date": "12:00"}, {"days": "7"}],
            {"end_date": "x"},
            {"days": "7", "end_date": "x"},
        ),
        ([{"state": ["READY"]}, {"state": ["FAILED"]}], {}, {"state": ["FAILED"]}),
    ],
)
def test_options_win(saved: list[Any], given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert combined([SavedFilter("job", "x", texts) for texts in saved], given) == expected


def test_the_keys_are_those_that_a_filter_reads() -> None:
    class Asked(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.add(key)
            return default

    for kind, reads in (("job", job_filter), ("flow", flow_filter)):
        asked: set[str] = set()
        reads(Asked())
        assert asked == KEYS[kind]  # type: ignore[index]
    found = job_filter(combined([SavedFilter("job", "x", {"state": ["FAILED"], "days": "1"})], {}))
    assert list(found.states or ()) == [JobState.FAILED]
    assert isinstance(found.start_date, datetime)


def test_what_two_terminals_save_at_once_is_kept(project: Path) -> None:
    names = [f"f{n}" for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: save_filter(project, "job", name, {"days": 1}), names))
    assert filter_names(project, "job") == sorted(names)
