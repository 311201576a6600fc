"""What actions on many things report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.states import JobState
from jfr_cli.render.outcome import (
    CHANGE,
    exit_status,
    outcome_row,
    refusal_lines,
    result_line,
    result_rows,
)


@dataclass
class Refused:
    db_id: str
    reason: str = "is COMPLETED"


@dataclass
class Changed:
    db_id: str
    before: Any = "READY"
    after: Any = "PAUSED"


@dataclass
class Done(list[str]):
    done: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    dependents: list[Changed] = field(default_factory=list)
    dry_run: bool = False

    def __post_init__(self) -> None:
        self.extend(self.done)

    @property
    def matched(self) -> int:
        return len(self) + len(self.unchanged) + len(self.refused)


@pytest.mark.parametrize(
    ("result", "status", "line"),
    [
        (Done(), 0, "no job matches: nothing to do"),
        (Done(["1", "2"]), 0, "2 jobs paused"),
        (Done(["1"]), 0, "1 job paused"),
        (Done([], ["1"]), 0, "0 jobs paused, 1 unchanged"),
        (Done(["1"], [], [Refused("2")]), 5, "1 job paused, 1 refused"),
        (Done([], ["1"], [Refused("2")]), 5, "0 jobs paused, 1 unchanged, 1 refused"),
        (Done([], [], [Refused("2"), Refused("3")]), 6, "0 jobs paused, 2 refused"),
        (Done(["1"], changes=[Changed("1")], dry_run=True), 0, "1 job would be paused"),
        (
            Done(["1", "2"], changes=[Changed("2"), Changed("1")], dependents=[Changed("2")]),
            0,
            "1 job paused, 1 more became PAUSED",
        ),
        (
            Done(
                ["1"], changes=[Changed("2"), Changed("1")], dependents=[Changed("2")], dry_run=True
            ),
            0,
            "1 job would be paused, 1 more would become PAUSED",
        ),
    ],
)
def test_what_happened(result: Done, status: int, line: str) -> None:
    assert exit_status(result) == status
    assert result_line(result, "job", "paused") == line


def test_the_data() -> None:
    result = Done(["1"], ["2"], [Refused("3")])
    assert outcome_row(result) == {
        "matched": 3,
        "modified": ["1"],
        "unchanged": ["2"],
        "refused": [{"db_id": "3", "reason": "is COMPLETED"}],
        "dependents": [],
    }
    assert [row["result"] for row in result_rows(result)] == ["modified", "unchanged", "refused"]


def test_a_table_says_what_is_gone() -> None:
    becomes = CHANGE.columns[-1].cell
    assert becomes is not None
    assert becomes({"before": JobState.READY, "after": None}) == "gone"
    assert becomes({"before": JobState.READY, "after": JobState.PAUSED}) == "‖ PAUSED"


def test_a_dry_run_modifies_nothing_and_says_what_it_would() -> None:
    row = outcome_row(Done(["1"], changes=[Changed("1")], dry_run=True))
    assert row["modified"] == []
    assert row["plan"] == [
        {"db_id": "1", "name": None, "before": "READY", "after": "PAUSED", "dependent": False}
    ]


def test_what_was_not_asked_for_is_told_apart() -> None:
    child, own = Changed("2", "WAITING", "STOPPED"), Changed("1", "FAILED", None)
    row = outcome_row(Done(["1"], changes=[child, own], dependents=[child]))
    assert row["modified"] == ["1"]
    assert [(d["db_id"], d["after"]) for d in row["dependents"]] == [("2", "STOPPED")]
    planned = Done(["1"], changes=[child, own], dependents=[child], dry_run=True)
    assert outcome_row(planned)["dependents"] == []
    assert [p["dependent"] for p in outcome_row(planned)["plan"]] == [True, False]
    told = [(r["db_id"], r["result"], r["after"]) for r in result_rows(planned)]
    assert told == [("2", "dependent", "STOPPED"), ("1", "planned", None)]


def test_refusals_are_told_up_to_a_number() -> None:
    many = [Refused(str(n), f"reason {n}") for n in range(1000)]
    lines = refusal_lines(many)
    assert lines[0] == "0: reason 0"
    assert lines[20:] == ["... and 980 more reasons"]


def test_one_reason_is_told_once() -> None:
    many = [Refused(str(n), f"job {n} is in state PAUSED: stop accepts READY") for n in range(1000)]
    other = Refused("1000", "job 1000 is locked")
    assert refusal_lines([*many, other]) == [
        "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990 more: each is in state PAUSED: stop accepts READY",
        "1000: job 1000 is locked",
    ]
