"""Which upgrades a database needs, as tables."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from controller.config import Project
from controller.documents import DbCollection
from controller.errors import ArgumentError, StateError
from controller.rules.upgrades import (
    UPGRADES,
    InsertMissing,
    ManualAction,
    MoveFiles,
    NoDocumentsIn,
    UpdateDocuments,
    Upgrade,
    UpgradeAction,
    compose_plan,
    environment_differences,
    parse_version,
    upgrades_between,
)

LATEST = Version("1.0.1")


@pytest.mark.parametrize(
    ("current", "target", "expected"),
    [
        ("0.1.0", "1.0.1", ["0.1.5", "1.0"]),
        ("0.1.4", "0.1.5", ["0.1.5"]),
        ("0.1.5", "1.0.1", ["1.0"]),
        ("0.1.8.post1", "1.0.0", ["1.0"]),
        ("1.0.dev3", "1.0.1", ["1.0"]),
        ("1.0", "1.0.1", []),
        ("1.0.1", "1.0.1", []),
        ("0.1.0", "0.1.4", []),
    ],
)
def test_upgrades_between_versions(current: str, target: str, expected: list[str]) -> None:
    for registry in (UPGRADES, reversed(UPGRADES)):
        found = upgrades_between(Version(current), Version(target), LATEST, registry)
        assert [u.version for u in found] == expected


def test_no_way_back_and_none_beyond() -> None:
    with pytest.raises(ArgumentError, match=r"newer than 0\.1\.5"):
        upgrades_between(Version("1.0"), Version("0.1.5"), LATEST, UPGRADES)
    with pytest.raises(ArgumentError, match=r"up to 1\.0\.1, not 2\.0"):
        upgrades_between(Version("1.0"), Version("2.0"), LATEST, UPGRADES)
    with pytest.raises(ArgumentError, match="'new' is not a version"):
        parse_version("new")
    with pytest.raises(ArgumentError, match="None is not a version"):
        parse_version(None)  # type: ignore[arg-type]


def project(*types: str) -> Project:
    workers: dict[str, Any] = {}
    for number, kind in enumerate(types):
        base: dict[str, Any] = {"type": kind, "scheduler_type": "shell", "work_dir": "/w"}
        if kind != "local":
            base["host"] = "far"
        base["batch"] = {"jobs_handle_dir": f"/pool{number}", "work_dir": "/b"}
        workers[f"w{number}"] = base
    workers["plain"] = {"type": "local", "scheduler_type": "shell", "work_dir": "/w"}
    return Project.model_validate(
        {
            "name": "p",
            "queue": {"store": {"type": "EmbeddedStore", "path": "/q.db"}},
            "workers": workers,
            "jobstore": {"docs_store": {"type": "EmbeddedStore", "path": "/o.db"}},
        }
    )


def test_weakness_33_the_record_of_a_runner_is_only_added_where_it_is_missing() -> None:
    (action,) = UPGRADES[0].actions(None)
    assert isinstance(action, InsertMissing)
    assert action.query == {"running_runner": {"$exists": True}}


def test_pools_are_renamed_here_and_named_elsewhere() -> None:
    actions = list(UPGRADES[1].actions(project("local", "remote")))
    moved = [a for a in actions if isinstance(a, MoveFiles)]
    told = [a for a in actions if isinstance(a, ManualAction)]
    assert [(a.worker, str(a.old), str(a.new)) for a in moved] == [
        ("w0", "/pool0/terminated", "/pool0/run_finished")
    ]
    assert [a.description for a in told] == [
        "on the machine of worker w1, rename /pool1/terminated to run_finished"
    ]
    assert {type(a) for a in UPGRADES[1].actions(None)}.isdisjoint({MoveFiles, ManualAction})


CONDITION = NoDocumentsIn("a", "mend a", True, DbCollection.JOBS, {})
STRICT = NoDocumentsIn("b", "mend b", False, DbCollection.JOBS, {})
ACTION = UpdateDocuments("c", DbCollection.JOBS, {}, {})


def plan(conditions: list[tuple[Any, int]], actions: list[tuple[Any, int]]) -> Any:
    return compose_plan(
        Version("0.1"),
        Version("1.0"),
        [Upgrade("1.0", lambda _: [])],
        conditions={"1.0": conditions},
        actions={"1.0": actions},
    )


def test_a_plan_has_what_there_is_to_do() -> None:
    made = plan([(CONDITION, 0)], [(ACTION, 3), (UpgradeAction("d"), 0)])
    assert [(a.version, a.action, a.count) for a in made.actions] == [("1.0", ACTION, 3)]
    assert made.failed == ()
    assert not made.is_empty
    made.check(force=False)


@pytest.mark.parametrize(
    ("conditions", "force", "refused"),
    [
        ([(CONDITION, 2)], False, "a (2)"),
        ([(CONDITION, 2)], True, None),
        ([(STRICT, 1)], True, "b (1)"),
        ([(CONDITION, 2), (STRICT, 1)], True, "b (1)"),
        ([(CONDITION, 2), (STRICT, 1)], False, "a (2); b (1)"),
    ],
)
def test_force_passes_some_conditions_by(
    conditions: list[tuple[Any, int]], force: bool, refused: str | None
) -> None:
    made = plan(conditions, [])
    if refused is None:
        made.check(force)
        return
    with pytest.raises(StateError) as error:
        made.check(force)
    assert error.value.message.endswith(f": {refused}")
    assert "mend" in str(error.value.hint)


def test_environments_are_compared_by_name_however_spelt() -> None:
    stored = {"ruamel.yaml": "1", "Jinja2": "3", "old": "1", "jobflow": "0.2"}
    installed = {"ruamel-yaml": "1", "jinja2": "3", "new": "2", "jobflow": "0.4"}
    assert environment_differences(stored, installed) == {
        "jobflow": ("0.2", "0.4"),
        "new": (None, "2"),
        "old": ("1", None),
    }
