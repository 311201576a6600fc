"""The cause of every end that is no success, from what schedulers and Python write."""

from __future__ import annotations

import pytest

from controller.documents import get_reset_job_base_dict
from controller.errors import ArgumentError
from controller.filters import failure_query
from controller.operations.failures import with_cause
from controller.rules.causes import EndFacts, cause_of_end, cause_of_failed_step
from controller.states import Cause

SLURM = "slurmstepd: error: *** JOB 4242 ON node03 CANCELLED AT 2026-03-01T10:15:02"
LOGS = [
    (f"{SLURM} DUE TO TIME LIMIT ***", Cause.WALLTIME),
    (f"{SLURM} DUE TO PREEMPTION ***", Cause.PREEMPTED),
    (f"{SLURM} DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***", Cause.NODE_FAILED),
    (f"{SLURM} ***", Cause.CANCELLED_OUTSIDE),
    (
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=4242.batch. "
        "Some of your processes may have been killed by the cgroup out-of-memory handler.",
        Cause.OUT_OF_MEMORY,
    ),
    ("slurmstepd: error: Detected 1 oom_kill event in StepId=7.0.", Cause.OUT_OF_MEMORY),
    ("slurmstepd: error: Exceeded job memory limit", Cause.OUT_OF_MEMORY),
    ("srun: error: node03: task 0: Out Of Memory", Cause.OUT_OF_MEMORY),
    ("=>> PBS: job killed: walltime 3630 exceeded limit 3600", Cause.WALLTIME),
    ("=>> PBS: job killed: mem 2099612kb exceeded limit 1048576kb", Cause.OUT_OF_MEMORY),
    ("job 17.1 exceeded hard wallclock time - initiate terminate method", Cause.WALLTIME),
    (
        'job 17 exceeds job hard limit "h_vmem" of queue "all.q@node03" (1.1G > limit:1.0G) '
        "- sending SIGKILL",
        Cause.OUT_OF_MEMORY,
    ),
    ("cp: error writing 'x': No space left on device", Cause.DISK_FULL),
    ("OSError: [Errno 122] Disk quota exceeded", Cause.DISK_FULL),
    ("Traceback ...\nModuleNotFoundError: No module named 'jobflow'", Cause.IMPORT_FAILED),
    ("Traceback ...\nMemoryError", Cause.OUT_OF_MEMORY),
    ("a warning", Cause.NO_OUTPUT),
    ("", Cause.NO_OUTPUT),
]


@pytest.mark.parametrize(("log", "cause"), LOGS)
def test_a_job_without_a_result_ended_as_its_log_says(log, cause):
    assert cause_of_end(EndFacts("the job wrote no result", False, log)) is cause


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("OUT_OF_MEMORY", Cause.OUT_OF_MEMORY),
        ("TIMEOUT", Cause.WALLTIME),
        ("DEADLINE", Cause.WALLTIME),
        ("PREEMPTED", Cause.PREEMPTED),
        ("NODE_FAIL", Cause.NODE_FAILED),
        ("BOOT_FAIL", Cause.NODE_FAILED),
        ("CANCELLED", Cause.CANCELLED_OUTSIDE),
        ("CANCELLED by 1000", Cause.CANCELLED_OUTSIDE),
        ("RUNNING", Cause.NO_OUTPUT),
    ],
)
def test_the_queue_has_the_first_word(state, cause):
    assert cause_of_end(EndFacts("no result", False, queue_state=state)) is cause


@pytest.mark.parametrize(
    ("status", "cause"),
    [(143, Cause.CANCELLED_OUTSIDE), (152, Cause.WALLTIME), (137, Cause.NO_OUTPUT)],
)
def test_a_signal_tells_what_nothing_else_does(status, cause):
    assert cause_of_end(EndFacts("no result", False, exit_status=status)) is cause


def test_a_script_that_ended_before_its_job():
    ended = EndFacts("pre_run ended with status 7", False, ended_in_pre_run=True)
    assert cause_of_end(ended) is Cause.PRE_RUN_FAILED
    killed = EndFacts("pre_run ended with", False, LOGS[0][0], ended_in_pre_run=True)
    assert cause_of_end(killed) is Cause.WALLTIME


def raised(what: str) -> str:
    return f'{what}\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n{what}\n'


@pytest.mark.parametrize(
    ("error", "log", "cause"),
    [
        (raised("ValueError: no"), "", Cause.JOB_ERROR),
        (raised("ValueError: no"), f"{SLURM} DUE TO PREEMPTION ***", Cause.JOB_ERROR),
        (raised("CalledProcessError: vasp"), LOGS[4][0], Cause.OUT_OF_MEMORY),
        (raised("MemoryError"), "", Cause.OUT_OF_MEMORY),
        (raised("numpy._core._exceptions._ArrayMemoryError: x"), "", Cause.OUT_OF_MEMORY),
        (raised("ModuleNotFoundError: No module named 'x'"), "", Cause.IMPORT_FAILED),
        (raised("ImportError: cannot import"), "", Cause.IMPORT_FAILED),
        (raised("OSError: [Errno 28] No space left on device"), "", Cause.DISK_FULL),
        ("the job was terminated (SIGTERM): cancelled, or", LOGS[0][0], Cause.WALLTIME),
        ("the job was terminated (SIGTERM): cancelled, or", "", Cause.CANCELLED_OUTSIDE),
    ],
)
def test_a_result_of_the_jobs_own_says_what_it_raised(error, log, cause):
    assert cause_of_end(EndFacts(error, True, log)) is cause


@pytest.mark.parametrize(
    ("text", "reads", "cause"),
    [
        ("scp: write: No space left on device", False, Cause.DISK_FULL),
        ("me@host: Permission denied (publickey,password).", False, Cause.AUTHENTICATION),
        ("Remote error: x.json must contain exactly one document", True, Cause.UNREADABLE_OUTPUT),
        ("Remote error: x.json cannot be read: Expecting value", True, Cause.UNREADABLE_OUTPUT),
        ("the file cannot be read", False, Cause.UNKNOWN),
        ("sbatch: error: invalid partition", False, Cause.UNKNOWN),
    ],
)
def test_a_step_that_failed_for_good(text, reads, cause):
    assert cause_of_failed_step(text, reads_result=reads) is cause


def test_every_cause_has_words_and_a_rerun_forgets_it():
    assert all(cause.words for cause in Cause)
    assert get_reset_job_base_dict()["error_cause"] is None
    assert with_cause("x", Cause.WALLTIME) == "killed: time limit exceeded\nx"
    assert with_cause("x", Cause.JOB_ERROR) == "x"


def test_jobs_are_found_by_cause_and_by_their_error():
    both = failure_query({"a": 1}, causes=["Walltime"], error_match="no .* left")
    found = {"$regex": "no .* left"}
    errors = {"$or": [{"error": found}, {"remote.error": found}]}
    assert both == {"a": 1, "$and": [{"error_cause": "walltime"}, errors]} or both == {
        "a": 1,
        "$and": [{"error_cause": {"$in": ["walltime"]}}, errors],
    }
    assert failure_query(None, causes=None, error_match=None) is None


@pytest.mark.parametrize("bad", ["(", "(a+)+", "x" * 201])
def test_an_expression_that_is_none_or_takes_forever_is_refused(bad):
    with pytest.raises(ArgumentError):
        failure_query(None, causes=None, error_match=bad)


def test_an_unknown_cause_is_refused_with_the_known_ones():
    with pytest.raises(ArgumentError) as caught:
        failure_query(None, causes=["bad_luck"], error_match=None)
    assert "walltime" in str(caught.value.hint)
