"""What queues answer to a submission, and whether waiting helps."""

from __future__ import annotations

import pytest

from controller.schedulers.refusals import why_not_now

POLICY = (
    "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy "
    "(job submit limit, user's size and/or time limits)"
)
NOT_NOW = [
    (f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{POLICY}", "QOSMaxSubmitJobPerUserLimit"),
    (f"sbatch: error: AssocMaxSubmitJobLimit\n{POLICY}", "AssocMaxSubmitJobLimit"),
    (f"sbatch: error: AssocGrpSubmitJobsLimit\n{POLICY}", "AssocGrpSubmitJobsLimit"),
    ("QOSGrpSubmitJobsLimit", "QOSGrpSubmitJobsLimit"),
    (
        POLICY,
        "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
    ),
    (
        "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying.\n"
        "sbatch: error: Batch job submission failed: Resource temporarily unavailable",
        "Slurm temporarily unable to accept job",
    ),
    (
        "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
        "(connect failure)",
        "Unable to contact slurm controller (connect failure)",
    ),
    (
        "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
        "Socket timed out on send/recv operation",
    ),
    (
        "Unable to run job: job rejected: only 2 jobs are allowed per user "
        "(current job count: 2).\nExiting.",
        "job rejected: only 2 jobs are allowed per user (current job count: 2)",
    ),
    (
        "error: commlib error: got select error (Connection refused)\n"
        'Unable to run job: unable to contact qmaster using port 6444 on host "head".',
        'unable to contact qmaster using port 6444 on host "head"',
    ),
    (
        "qsub: would exceed queue generic's per-user limit of jobs in 'Q' state",
        "would exceed queue generic's per-user limit of jobs in 'Q' state",
    ),
    (
        "qsub: submit error (Maximum number of jobs already in queue for user MSG=total number)",
        "Maximum number of jobs already in queue for user MSG=total number)",
    ),
    (
        "qsub: cannot connect to server head (errno=15010)",
        "cannot connect to server head (errno=15010)",
    ),
]
ERRORS = [
    "sbatch: error: Batch job submission failed: Invalid account or account/partition combination",
    "sbatch: error: invalid partition specified: nowhere",
    "sbatch: unrecognized option '--foo'",
    f"sbatch: error: QOSMaxCpuPerUserLimit\n{POLICY}",
    f"sbatch: error: QOSMaxWallDurationPerJobLimit\n{POLICY}",
    f"sbatch: error: AssocGrpCpuLimit\n{POLICY}",
    "sbatch: error: Batch job submission failed: Requested node configuration is not available",
    "Unable to run job: unknown resource 'foo'.\nExiting.",
    "qsub: Job violates queue and/or server resource limits",
    "qsub: Unauthorized Request",
    "bash: sbatch: command not found",
    "",
]


@pytest.mark.parametrize(("answer", "reason"), NOT_NOW)
def test_a_queue_that_is_full_or_away_takes_the_job_later(answer: str, reason: str) -> None:
    assert why_not_now(answer) == reason


@pytest.mark.parametrize("answer", ERRORS)
def test_what_waiting_does_not_mend_is_an_error(answer: str) -> None:
    assert why_not_now(answer) is None
