"""Retries by cause: every row of the table, the growth of resources, what is kept of attempts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.config.retries import (
    DEFAULT_RETRIES,
    LONGEST_DELAY,
    RetryRule,
    plain_retries,
    read_retries,
)
from controller.documents.attempts import KEPT, ended_attempts, with_withdrawn
from controller.errors import ArgumentError
from controller.rules.growth import exclude_node, grow
from controller.rules.retries import (
    AttemptEnd,
    NoRetry,
    PlannedRetry,
    delay_before,
    plan_retry_after,
    retries_in_a_row,
)
from controller.states import Cause, JobState

NOW = datetime(2026, 3, 1, 12)
DEFAULT_LABEL = DEFAULT_RETRIES[0].label


def end(cause: Cause, error: str = "no", **more: Any) -> AttemptEnd:
    return AttemptEnd(cause, error, NOW, **more)


def rules(*given: dict[str, Any]) -> list[RetryRule]:
    return read_retries(list(given))


@pytest.mark.parametrize("cause", Cause)
def test_by_default_only_what_is_nobodys_mistake_is_retried(cause):
    found = plan_retry_after(end(cause), [])
    if cause in (Cause.PREEMPTED, Cause.NODE_FAILED):
        assert found == PlannedRetry(1, 3, NOW + timedelta(seconds=60), DEFAULT_LABEL)
    else:
        assert found == NoRetry()


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_can_be_retried_where_a_rule_says_so(cause):
    found = plan_retry_after(end(cause), rules({"causes": [cause.value], "times": 1, "delay": 0}))
    assert found == PlannedRetry(1, 1, NOW, cause.value)


def tried(number: int, label: str = DEFAULT_LABEL) -> dict[str, Any]:
    return {"number": number, "retry": {"number": number, "rule": label}}


@pytest.mark.parametrize(
    ("earlier", "number"),
    [
        ([], 1),
        ([tried(1)], 2),
        ([tried(1), tried(2)], 3),
        ([tried(1), tried(2), tried(3)], None),
        ([tried(1), tried(2), tried(3), {"number": 4}], 1),  # a user began it anew
        ([tried(1), tried(2), {"number": 3, "state": "COMPLETED"}], 1),
        ([tried(1), tried(1, "walltime"), tried(2, "walltime")], 2),  # each rule counts its own
        ([tried(2, "walltime")], 1),
    ],
)
def test_retries_are_counted_by_rule_since_a_user_began_the_job(earlier, number):
    found = plan_retry_after(end(Cause.PREEMPTED, earlier=earlier), [])
    if number is None:
        assert found == NoRetry("it was retried 3 times")
    else:
        assert isinstance(found, PlannedRetry)
        assert found.number == number
    assert retries_in_a_row(earlier, "another") == 0


@pytest.mark.parametrize(
    ("given", "number", "seconds"),
    [
        ({}, 1, 60),
        ({}, 2, 120),
        ({}, 3, 240),
        ({}, 30, 3600),
        ({}, 1000, 3600),
        ({"delay": 0}, 5, 0),
        ({"delay": 10, "delay_growth": 1}, 9, 10),
        ({"delay": 7200}, 2, 7200),  # a first delay beyond delay_max is meant
        ({"delay_growth": 100, "delay_max": LONGEST_DELAY}, 1000, LONGEST_DELAY),
    ],
)
def test_delays_grow_up_to_a_limit(given, number, seconds):
    assert delay_before(RetryRule(causes=[Cause.PREEMPTED], **given), number) == seconds


@pytest.mark.parametrize(("chance", "seconds"), [(-1, 54), (0, 60), (1, 66), (0.5, 63)])
def test_jitter_moves_a_delay_by_a_tenth(chance, seconds):
    assert delay_before(DEFAULT_RETRIES[0], 1, chance) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("given", "cause", "error", "label"),
    [
        ([{"match": "ZBRENT"}], Cause.JOB_ERROR, "x\nZBRENT: fatal", "/ZBRENT/"),
        ([{"match": "^ZBRENT"}], Cause.JOB_ERROR, "x\nZBRENT: fatal", "/^ZBRENT/"),
        ([{"match": "ZBRENT"}], Cause.JOB_ERROR, "other", None),
        ([{"match": "ZBRENT", "causes": "walltime"}], Cause.JOB_ERROR, "ZBRENT", None),
        ([{"match": "x", "causes": "walltime"}], Cause.WALLTIME, "x", "walltime /x/"),
        ([{"causes": "job_error", "times": 0}, {"match": "x"}], Cause.JOB_ERROR, "x", None),
        ([{"match": "x"}, {"causes": "job_error"}], Cause.JOB_ERROR, "x", "/x/"),
        ([{"causes": ["preempted"], "times": 0}], Cause.PREEMPTED, "x", None),
        ([{"causes": ["walltime"]}], Cause.PREEMPTED, "x", DEFAULT_LABEL),
        ([{"match": "end"}], Cause.JOB_ERROR, "a" * 50_000 + "end", "/end/"),
        ([{"match": "mid"}], Cause.JOB_ERROR, "a" * 30_000 + "mid" + "a" * 30_000, None),
    ],
)
def test_the_first_rule_that_fits_decides(given, cause, error, label):
    found = plan_retry_after(end(cause, error), rules(*given))
    assert (found.rule if isinstance(found, PlannedRetry) else None) == label


@pytest.mark.parametrize(
    ("rule", "resources", "changes", "reason"),
    [
        ({"grow": {"time": 2}}, {"time": "01:00:00"}, ("time 01:00:00 -> 02:00:00",), ""),
        ({"grow": {"time": 2}}, {}, None, "its resources set no time that could grow"),
        (
            {"grow": {"time": 2}, "grow_max": {"time": "1:00:00"}},
            {"time": "01:00:00"},
            None,
            "its time cannot grow beyond grow_max",
        ),
        (
            {"grow": {"time": 2, "mem": 2}, "grow_max": {"time": 3600}},
            {"time": "01:00:00", "mem": "4G"},
            ("mem 4G -> 8G",),
            "",
        ),
        (
            {"grow": {"time": 2, "mem": 1.5}},
            {"nodes": 2},
            None,
            "its resources set no time and mem that could grow",
        ),
    ],
)
def test_a_rule_that_cannot_grow_what_it_says_does_not_retry_blindly(
    rule, resources, changes, reason
):
    found = plan_retry_after(
        end(Cause.WALLTIME, resources=resources), rules({"causes": ["walltime"], **rule})
    )
    if changes is None:
        assert found == NoRetry(reason)
    else:
        assert isinstance(found, PlannedRetry)
        assert found.changes == changes
        assert found.resources is not None
        assert found.resources is not resources


def test_a_failed_node_is_kept_off_and_files_may_stay():
    (rule,) = rules({"causes": ["node_failed"], "exclude": True, "keep_files": True})
    ended = end(Cause.NODE_FAILED, scheduler="slurm", node="n3", resources={"nodes": 1})
    found = plan_retry_after(ended, [rule])
    assert isinstance(found, PlannedRetry)
    assert found.resources == {"nodes": 1, "exclude_nodes": "n3"}
    assert found.changes == ("not on n3",)
    assert found.keeps_files
    again = plan_retry_after(end(Cause.NODE_FAILED, scheduler="pbs", node="n3"), [rule])
    assert isinstance(again, PlannedRetry)
    assert again.resources is None


TIMES = [
    ({"time": "90"}, {"time": "03:00:00"}),  # minutes
    ({"time": 90}, {"time": "03:00:00"}),
    ({"time": "30:00"}, {"time": "01:00:00"}),
    ({"time": "12:30:00"}, {"time": "1-01:00:00"}),
    ({"time": "2-0"}, {"time": "4-00:00:00"}),
    ({"time": "1-12:30"}, {"time": "3-01:00:00"}),
    ({"time": "1-00:00:01"}, {"time": "2-00:00:02"}),
    ({"time": "UNLIMITED"}, None),
    ({"time": "0"}, None),
    ({"walltime": "01:00:00"}, {"walltime": "02:00:00"}),
    ({"walltime": 3600}, {"walltime": "02:00:00"}),  # seconds
    ({"walltime": "3600"}, {"walltime": "02:00:00"}),
    ({"walltime": "20:00:00"}, {"walltime": "40:00:00"}),
    ({"walltime": "1:00:00:00"}, {"walltime": "48:00:00"}),
    (
        {"walltime": "10:00", "soft_walltime": "09:00"},
        {"walltime": "00:20:00", "soft_walltime": "00:18:00"},
    ),
    ({"@class": "QResources", "time_limit": 3600}, {"@class": "QResources", "time_limit": 7200}),
    (
        {"@class": "QResources", "scheduler_kwargs": {"time": "60"}},
        {"@class": "QResources", "scheduler_kwargs": {"time": "02:00:00"}},
    ),
    ({"select": "h_rt=3600,h_vmem=4G"}, {"select": "h_rt=02:00:00,h_vmem=4G"}),
    ({"qverbatim": "#SBATCH --time=60"}, {"qverbatim": "#SBATCH --time=02:00:00"}),
    (
        {"qverbatim": "#$ -l s_rt=0:10:0\n#$ -m n"},
        {"qverbatim": "#$ -l s_rt=00:20:00\n#$ -m n"},
    ),
    ({"qverbatim": "#PBS -l walltime=1:0:0"}, {"qverbatim": "#PBS -l walltime=02:00:00"}),
    ({"nodes": 2, "time": None}, None),
]
MEMORY = [
    ({"mem": "4G"}, {"mem": "6G"}),
    ({"mem": "5G"}, {"mem": "7680M"}),
    ({"mem": "4000"}, {"mem": 6000}),
    ({"mem": 4000}, {"mem": 6000}),
    ({"mem": "512M"}, {"mem": "768M"}),
    ({"mem": "2T"}, {"mem": "3072G"}),
    ({"mem": "4GB"}, {"mem": "6G"}),
    ({"mem": "0"}, None),  # Slurm: all that the node has
    ({"mem_per_cpu": "2G"}, {"mem_per_cpu": "3G"}),
    ({"@class": "QResources", "memory_per_thread": 1000}, {"memory_per_thread": 1500}),
    ({"select": "2:ncpus=4:mem=8gb"}, {"select": "2:ncpus=4:mem=12288mb"}),
    ({"select": "1:mem=1gb+2:mem=2gb"}, {"select": "1:mem=1536mb+2:mem=3072mb"}),
    ({"select": "select=1:ncpus=1:mem=1048576"}, {"select": "select=1:ncpus=1:mem=2mb"}),
    ({"select": "h_vmem=4G"}, {"select": "h_vmem=6144M"}),
    ({"select": "mem_free=1000M,h_rt=60"}, {"select": "mem_free=1500M,h_rt=60"}),
    ({"qverbatim": "#SBATCH --mem=4000"}, {"qverbatim": "#SBATCH --mem=6000"}),
    ({"qverbatim": "#SBATCH --mem-per-cpu=2G"}, {"qverbatim": "#SBATCH --mem-per-cpu=3G"}),
    ({"qverbatim": "#PBS -l vmem=100mb"}, {"qverbatim": "#PBS -l vmem=150mb"}),
    ({"mem": "a lot"}, None),
    ({}, None),
]


@pytest.mark.parametrize(
    ("what", "factor", "resources", "grown"),
    [("time", 2, *row) for row in TIMES] + [("mem", 1.5, *row) for row in MEMORY],
)
def test_resources_grow_in_the_notation_of_their_scheduler(what, factor, resources, grown):
    before = dict(resources)
    found = grow(resources, what, factor)
    assert found.resources == (resources if grown is None else {**resources, **grown})
    assert bool(found.changes) is (grown is not None)
    assert resources == before


@pytest.mark.parametrize(
    ("what", "resources", "limit", "grown", "at_limit"),
    [
        ("time", {"time": "20:00:00"}, "24:00:00", {"time": "1-00:00:00"}, False),
        ("time", {"time": "20:00:00"}, 86400, {"time": "1-00:00:00"}, False),
        ("time", {"time": "20:00:00"}, "1-0:0:0", {"time": "1-00:00:00"}, False),
        ("time", {"time": "1-0"}, "24:00:00", None, True),
        ("time", {"time": "2-0"}, "24:00:00", None, True),  # never less
        ("mem", {"mem": "40G"}, "64G", {"mem": "64G"}, False),
        ("mem", {"mem": "64G"}, "64G", None, True),
        ("mem", {"mem": "40000"}, 64000, {"mem": 64000}, False),
        ("mem", {"select": "1:mem=40gb"}, "64G", {"select": "1:mem=65536mb"}, False),
    ],
)
def test_resources_grow_up_to_a_limit(what, resources, limit, grown, at_limit):
    found = grow(resources, what, 2, limit)
    assert found.resources == {**resources, **(grown or {})}
    assert found.at_limit is at_limit


@pytest.mark.parametrize(
    ("resources", "node", "scheduler", "changed"),
    [
        ({}, "n1", "slurm", {"exclude_nodes": "n1"}),
        ({"exclude_nodes": "n1,n2"}, "n3", "slurm", {"exclude_nodes": "n1,n2,n3"}),
        ({"exclude_nodes": "n1"}, "n1", "slurm", None),
        ({}, "n[1-3]", "slurm", None),
        ({}, "n1,n2", "slurm", None),
        ({}, None, "slurm", None),
        ({}, "n1", "pbs", None),
        ({}, "n1", "shell", None),
        ({}, "n1", "sge", {"qverbatim": "#$ -l hostname=!n1"}),
        (
            {"qverbatim": "#$ -m n"},
            "n1",
            "sge",
            {"qverbatim": "#$ -m n\n#$ -l hostname=!n1"},
        ),
        (
            {"qverbatim": "#$ -l hostname=!n1"},
            "n2",
            "sge",
            {"qverbatim": "#$ -l hostname=!n1&!n2"},
        ),
        ({"qverbatim": "#$ -l hostname=!n1&!n2"}, "n2", "sge", None),
        (
            {"@class": "QResources", "scheduler_kwargs": {}},
            "n1",
            "slurm",
            {"scheduler_kwargs": {"exclude_nodes": "n1"}},
        ),
    ],
)
def test_a_node_is_excluded_where_the_scheduler_can_be_asked(resources, node, scheduler, changed):
    found = exclude_node(resources, node, scheduler)
    assert found.resources == {**resources, **(changed or {})}
    assert bool(found.changes) is (changed is not None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs causes or match"),
        ({"causes": ["bad_luck"]}, "walltime"),
        ({"causes": ["walltime"], "times": -1}, "times"),
        ({"causes": ["walltime"], "tims": 1}, "tims"),
        ({"match": "("}, "is not a valid regular expression"),
        ({"match": "(a+)+"}, "forever"),
        ({"causes": ["walltime"], "grow": {"time": 1}}, "time"),
        ({"causes": ["walltime"], "grow": {"nodes": 2}}, "nodes"),
        ({"causes": ["walltime"], "grow_max": {"time": "long"}}, "cannot be 'long'"),
        ({"causes": ["walltime"], "grow_max": {"mem": "64 apples"}}, "cannot be '64 apples'"),
        ("walltime", "retry rules"),
        ([1], "retry rules"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(given, said):
    with pytest.raises(ArgumentError) as caught:
        read_retries(given)
    assert said in str(caught.value)


def test_documents_hold_what_was_said_and_no_more():
    assert plain_retries(None) is None
    assert plain_retries([]) == []
    assert plain_retries({"causes": "walltime", "grow": {"time": 2}}) == [
        {"causes": ["walltime"], "grow": {"time": 2.0}}
    ]


def test_attempts_keep_the_newest_and_their_numbers():
    doc: dict[str, Any] = {
        "worker": "w",
        "start_time": NOW,
        "remote": {"process_id": "7", "submission_token": "t", "queue_state": "DONE"},
    }
    for _ in range(KEPT + 5):
        doc["attempts"] = ended_attempts(
            doc, now=NOW, state=JobState.FAILED, cause="walltime", headline="x" * 999
        )
    assert [a["number"] for a in doc["attempts"]] == list(range(6, KEPT + 6))
    assert doc["attempts"][-1] == {
        "number": KEPT + 5,
        "state": "FAILED",
        "cause": "walltime",
        "error": "x" * 300,
        "worker": "w",
        "queue_id": "7",
        "submission_token": "t",
        "start_time": NOW,
        "ended_on": NOW,
    }


def test_an_attempt_that_a_user_took_back_is_kept_when_the_next_begins():
    taken_back = {"worker": "w", "remote": {"submission_token": "a", "process_id": "1"}}
    (entry,) = with_withdrawn(taken_back, now=NOW) or []
    assert entry["number"] == 1
    assert entry["queue_id"] == "1"
    assert "state" not in entry
    assert with_withdrawn({**taken_back, "attempts": [entry]}, now=NOW) is None
    assert with_withdrawn({"remote": {"submission_token": None}}, now=NOW) is None
    assert with_withdrawn({}, now=NOW) is None
