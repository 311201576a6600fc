"""What a runner decides about pools and pilots, and the files of both programs, as tables."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from controller.rules.pilots import (
    DEATHS,
    PilotFacts,
    Verdict,
    cause_of_pilots_end,
    deaths_of,
    judge_end,
    judge_unmarked_end,
    orphans,
    pilots_to_submit,
)
from controller.rules.pool_files import (
    BatchInfo,
    Entry,
    PilotReport,
    claimed_file,
    job_file,
    read_claimed_file,
    read_job_file,
)
from controller.runner.pilot_ends import given_back_fields
from controller.states import Cause

V = Verdict
UID = "8d2c1f0e-8a34-4c3a-9a53-2f6a7f1f1c11"


@pytest.mark.parametrize(
    ("state", "token", "entry", "verdict"),
    [
        ("BATCH_RUNNING", "t", Entry("t"), V.SETTLE),
        ("BATCH_SUBMITTED", "t", Entry("t"), V.SETTLE),  # it was never seen to run
        ("BATCH_RUNNING", "t", Entry("old"), V.FORGET),
        ("BATCH_RUNNING", "t", Entry("t", lost="why"), V.GIVE_BACK),
        ("BATCH_SUBMITTED", "t", Entry("t", refused="why"), V.REFUSE),
        ("BATCH_RUNNING", "t", Entry("old", lost="why"), V.FORGET),
        ("BATCH_RUNNING", "t", Entry(), V.LOOK_CLOSER),  # of jobflow-remote's pilot
        ("BATCH_RUNNING", None, Entry(), V.SETTLE),  # and of its runner as well
        ("UPLOADED", "t", Entry("t"), V.WAIT),  # the submission is not recorded yet
        ("UPLOADED", "t", Entry("old"), V.FORGET),
        ("DOWNLOADED", "t", Entry("t"), V.FORGET),
        ("USER_STOPPED", "t", Entry("t"), V.FORGET),
        ("READY", "t", Entry("t", lost="why"), V.FORGET),
        (None, None, Entry("t"), V.FORGET),
        (None, None, Entry(), V.FORGET),
    ],
)
def test_what_a_pilot_has_left(
    state: str | None, token: str | None, entry: Entry, verdict: Verdict
) -> None:
    job = None if state is None else {"state": state, "remote": {"submission_token": token}}
    assert judge_end(job, entry) is verdict


@pytest.mark.parametrize(
    ("started_as", "runs_elsewhere", "verdict"),
    [
        ("t", False, V.SETTLE),
        ("t", True, V.FORGET),
        ("old", False, V.FORGET),
        (None, False, V.FORGET),
    ],
)
def test_what_a_pilot_has_left_that_tells_no_attempt(
    started_as: str | None, runs_elsewhere: bool, verdict: Verdict
) -> None:
    found = judge_unmarked_end(started_as=started_as, token="t", runs_elsewhere=runs_elsewhere)
    assert found is verdict


WAITS = PilotFacts("a")
IDLE = PilotFacts("b", 0, PilotReport(slots=2))
BUSY = PilotFacts("c", 2, PilotReport(slots=2))
DRAINS = PilotFacts("d", 1, PilotReport(slots=2, takes_jobs=False))


@pytest.mark.parametrize(
    ("waiting", "pilots", "max_jobs", "parallel", "wanted"),
    [
        (0, [], 3, 1, 0),
        (1, [], 3, 1, 1),
        (9, [], 3, 1, 3),
        (9, [], None, 1, 1),  # without max_jobs, one at a time
        (9, [], 0, None, 1),
        (3, [], 9, 2, 2),
        (1, [WAITS], 3, 1, 0),  # one that waits in the queue will take it
        (2, [WAITS], 3, 1, 1),
        (2, [WAITS], 1, 1, 0),
        (2, [IDLE], 3, 2, 0),
        (2, [BUSY], 3, 2, 1),
        (2, [DRAINS], 3, 2, 1),  # its free place is none
        (2, [DRAINS], 1, 2, 0),
        (5, [WAITS, IDLE, BUSY], 9, 2, 1),
    ],
)
def test_how_many_pilots_to_submit(
    waiting: int, pilots: list[PilotFacts], max_jobs: int | None, parallel: int, wanted: int
) -> None:
    found = pilots_to_submit(waiting, pilots, max_jobs=max_jobs, parallel_jobs=parallel)
    assert found == wanted


def test_orphans_are_those_of_pilots_known_to_have_ended() -> None:
    claims = [(("u", 1), "gone"), (("v", 1), "alive"), (("w", 1), "unknown")]
    assert orphans(claims, {"alive"}, {"gone"}) == [(("u", 1), "gone")]


def job(*attempts: dict[str, Any]) -> dict[str, Any]:
    return {
        "db_id": "1",
        "worker": "w",
        "state": "BATCH_RUNNING",
        "remote": {"submission_token": "t"},
        "attempts": list(attempts),
    }


DIED = {"batch_uid": "p", "cause": "unknown"}
MOVED = {"batch_uid": "p", "cause": "preempted"}


@pytest.mark.parametrize(
    ("attempts", "deaths"),
    [
        ([], 0),
        ([DIED], 1),
        ([DIED, DIED], 2),
        ([DIED, MOVED, DIED], 2),
        ([DIED, {"state": "COMPLETED"}], 0),
        ([DIED, {"cause": "unknown"}, DIED], 1),  # a person has begun it anew
        ([{**DIED, "state": "REMOTE_ERROR"}, DIED], 1),
    ],
)
def test_how_many_pilots_a_job_has_outlived(attempts: list[Any], deaths: int) -> None:
    assert deaths_of(job(*attempts)) == deaths


@pytest.mark.parametrize(
    ("word", "cause", "counts"),
    [
        (None, Cause.UNKNOWN, True),
        ("COMPLETED", Cause.UNKNOWN, True),
        ("OUT_OF_MEMORY", Cause.OUT_OF_MEMORY, True),
        ("TIMEOUT", Cause.WALLTIME, True),
        ("CANCELLED by 1000", Cause.CANCELLED_OUTSIDE, False),
        ("PREEMPTED", Cause.PREEMPTED, False),
        ("NODE_FAIL", Cause.NODE_FAILED, False),
    ],
)
def test_the_end_of_a_pilot_costs_no_attempt_until_a_job_is_to_blame(
    word: str | None, cause: Cause, counts: bool
) -> None:
    assert cause_of_pilots_end(word) is cause
    doc = job()
    for number in range(1, DEATHS + 1):
        fields = given_back_fields(doc, "p", "", word)
        doc["attempts"] = fields["attempts"]
        is_poison = counts and number == DEATHS
        assert fields["state"] == ("REMOTE_ERROR" if is_poison else "READY")
        if is_poison:
            assert fields["previous_state"] == "CHECKED_OUT"
            assert fields["error_cause"] == cause.value
            assert "pilots in a row" in fields["remote.error"]
        else:
            assert fields["remote.prerun_cleanup"] is True
    assert deaths_of(doc) == 0 or counts is False


def test_what_a_pilot_gives_back_itself_is_nobodys_fault() -> None:
    doc = job(DIED, DIED)
    fields = given_back_fields(doc, "p", "its pilot was asked to end", "COMPLETED")
    assert fields["state"] == "READY"
    assert deaths_of({"attempts": fields["attempts"]}) == 2


@pytest.mark.parametrize(
    "entry",
    [
        Entry(),
        Entry("t"),
        Entry("t", 60.0, 2, True, "lost", "refused"),
        Entry(refused='a "reason"\nof two lines'),
    ],
)
def test_entries_survive_their_files(entry: Entry) -> None:
    text = entry.encode()
    assert Entry.decode(text) == entry
    assert text.count("\n") == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"token": 3}', '{"more": 1}', "\0"])
def test_entries_of_others_say_nothing(text: str) -> None:
    assert Entry.decode(text) == Entry()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (job_file(UID, 1), (UID, 1)),
        (f".{UID}_1.part", None),
        ("", None),
        ("..", None),
        (f"{UID}_x", None),
        (claimed_file(job_file(UID, 1), "b"), None),
    ],
)
def test_names_of_jobs(name: str, key: tuple[str, int] | None) -> None:
    assert read_job_file(name) == key


def test_names_of_claims() -> None:
    assert read_claimed_file(claimed_file(job_file(UID, 12), "b-1")) == (UID, 12, "b-1")
    assert read_claimed_file(job_file(UID, 12)) is None
    assert read_claimed_file(f"{UID}_12_b_1") is None


def test_the_heartbeat_is_read_by_both_programs() -> None:
    monty = pytest.importorskip("monty.json")
    time = datetime(2026, 5, 1, 10, 30, 0, 250000)
    info = BatchInfo(time, time, None, PilotReport(3, "n1", 2, ("u_1_b",), 7, 1, False, "why", 60))
    assert BatchInfo.decode(info.encode()) == info
    theirs = monty.MontyDecoder().decode(info.encode())
    assert theirs["start_time"].replace(tzinfo=None) == time
    assert theirs["start_time"].utcoffset().total_seconds() == 0
    assert "end_time" not in theirs
    written = json.dumps({"start_time": theirs["start_time"]}, cls=monty.MontyEncoder)
    assert BatchInfo.decode(written) == BatchInfo(time)
    assert BatchInfo.decode('{"start_time": {"string": "x"}}') == BatchInfo()
    assert BatchInfo.decode("") == BatchInfo()
