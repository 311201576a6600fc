"""What was found on a worker, and what of it would break jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.rules.worker_facts import (
    LITTLE_SPACE,
    WorkerFacts,
    duration,
    problems_of,
    read_facts,
    summary,
)

GOOD = WorkerFacts(
    host="login1",
    user="bob",
    program="/env/bin/jf",
    python="3.11.9",
    packages={"jfr": "1.0", "jobflow": "0.2.1"},
    clock=0.0,
    free=10 * LITTLE_SPACE,
)
HERE = {"jfr": "1.0", "jobflow": "0.2.1", "numpy": "2.1"}


@pytest.mark.parametrize(
    ("facts", "said", "is_fatal"),
    [
        (GOOD, None, False),
        (WorkerFacts(), None, False),
        (replace(GOOD, clock=3600.0), "its clock is 60.0 minutes ahead of this one", False),
        (replace(GOOD, clock=-7200.0), "its clock is 2.0 hours behind this one", False),
        (replace(GOOD, clock=30.0), None, False),
        (replace(GOOD, free=50_000_000), "only 0.05 GB are free for work_dir", False),
        (replace(GOOD, free=0), "only 0.00 GB are free for work_dir", False),
        (replace(GOOD, python="3.9.2"), "Python is 3.11.2 here and 3.9.2 there", False),
        (replace(GOOD, python="3.11.0"), None, False),
        (replace(GOOD, packages={"numpy": "1.26"}), "has neither jfr nor jobflow-remote", True),
        (replace(GOOD, packages={"jfr": "1.0"}), "has no jobflow", True),
        (
            replace(GOOD, packages={"jobflow-remote": "1.0.1", "jobflow": "0.1.19"}),
            "jobflow is 0.2.1 here and 0.1.19 on the worker",
            False,
        ),
        (replace(GOOD, missing_commands=("sbatch",)), "scheduler's sbatch is not found", True),
    ],
)
def test_what_would_break_jobs(facts: WorkerFacts, said: str | None, is_fatal: bool) -> None:
    found = list(problems_of(facts, HERE, "3.11.2", own_command=False))
    if said is None:
        assert found == []
        return
    assert said in found[0].text
    assert found[0].is_fatal is is_fatal
    assert found[0].hint


def test_a_command_of_the_users_own_need_not_be_a_jf() -> None:
    facts = replace(GOOD, packages={"jobflow": "0.2.1"})
    assert list(problems_of(facts, HERE, "3.11.2", own_command=True)) == []


def test_the_answer_is_found_among_what_a_shell_prints() -> None:
    output = (
        "Welcome!\njfr:clock=1000\njfr:user=bob\njfr:host=login1\njfr:program=/env/bin/jf\n"
        "jfr:command.sbatch=/usr/bin/sbatch\njfr:command.squeue=\njfr:free=2048\n"
        'a warning\njfr:python=3.11.9\njfr:packages={"jfr": "1.0"}\n'
    )
    facts = read_facts(output, "slurm", started=1000.2, ended=1000.9)
    assert facts == WorkerFacts(
        host="login1",
        user="bob",
        program="/env/bin/jf",
        python="3.11.9",
        packages={"jfr": "1.0"},
        clock=0.0,
        free=2048 * 1024,
        missing_commands=("squeue", "scancel"),
    )
    assert read_facts("", "shell", started=0.0, ended=1.0) == WorkerFacts()
    assert read_facts("jfr:packages={", "shell", started=0.0, ended=1.0).packages == {}


@pytest.mark.parametrize(
    ("there", "started", "ended", "ahead"),
    [(100, 100.5, 103.0, 0.0), (102, 100.5, 103.0, 0.0), (110, 100.5, 103.0, 7.0)],
)
def test_what_a_slow_answer_cannot_tell_is_no_difference(there, started, ended, ahead) -> None:
    found = read_facts(f"jfr:clock={there}", "shell", started=started, ended=ended)
    assert found.clock == ahead


def test_it_is_said_in_one_line() -> None:
    said = summary(GOOD, "slurm")
    assert said == "bob@login1, jfr 1.0, Python 3.11.9, jobflow 0.2.1, slurm, 10.0 GB free"
    assert duration(200_000) == "2.3 days"
