"""``jf job pause`` and so on: change the states of jobs, run them again, delete them."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.states import JobState, parse_state
from jfr_cli import command_groups, options
from jfr_cli.bulk_actions import ChosenJobs, changes_jobs
from jfr_cli.console import say

app = command_groups.part_of_group()
_LOCKS = ("wait", "break_lock")


@app.command("set-state")
@changes_jobs(*_LOCKS)
def set_state(
    jobs: ChosenJobs,
    new_state: Annotated[
        str,
        typer.Argument(
            metavar="STATE",
            help="The new state, upper or lower case.",
            autocompletion=options.job_states,
        ),
    ],
) -> None:
    """Set the state of jobs without any checks. For repairs only.

    Example: jf job set-state FAILED 12
    """
    state = parse_state(JobState, new_state)
    jobs.change(
        lambda c: c.set_jobs_state, f"set to {state.value}", state=state, raise_on_error=False
    )


@app.command("rerun")
@changes_jobs(*_LOCKS, "raise_on_error")
def rerun(
    jobs: ChosenJobs,
    force: Annotated[
        bool,
        typer.Option("--force", "-f", help="Also completed jobs and all that depend on them."),
    ] = False,
    no_delete: Annotated[
        bool, typer.Option("--no-delete", "-nd", help="Keep the files of the last run.")
    ] = False,
) -> None:
    """Run jobs again from the start; running ones are cancelled first.

    Example: jf job rerun -s FAILED --days 1
    """
    jobs.change(lambda c: c.rerun_jobs, "rerun", force=force, delete_files=not no_delete)


@app.command("retry")
@changes_jobs(*_LOCKS, "raise_on_error")
def retry(jobs: ChosenJobs) -> None:
    """Retry the step that ended in a REMOTE_ERROR.

    Example: jf job retry -s REMOTE_ERROR
    """
    jobs.change(lambda c: c.retry_jobs, "retried")


@app.command("pause")
@changes_jobs("wait", "raise_on_error")
def pause(jobs: ChosenJobs) -> None:
    """Pause jobs that have not started.

    Example: jf job pause --worker cluster
    """
    jobs.change(lambda c: c.pause_jobs, "paused")


@app.command("resume")
@changes_jobs(*_LOCKS, "raise_on_error")
def resume(jobs: ChosenJobs) -> None:
    """Resume paused and stopped jobs.

    Example: jf job resume -s PAUSED
    """
    jobs.change(lambda c: c.resume_jobs, "resumed")


@app.command("play", hidden=True)
@changes_jobs(*_LOCKS, "raise_on_error")
def play(jobs: ChosenJobs) -> None:
    """Old name of `jf job resume`.

    Example: jf job play 12
    """
    say("note: `jf job play` is called `jf job resume` now")
    jobs.change(lambda c: c.resume_jobs, "resumed")


@app.command("stop")
@changes_jobs(*_LOCKS, "raise_on_error")
def stop(jobs: ChosenJobs) -> None:
    """Stop jobs that are READY or in progress; cancels them in the queue.

    Example: jf job stop -fid 12
    """
    jobs.change(lambda c: c.stop_jobs, "stopped")


@app.command("delete")
@changes_jobs(*_LOCKS, "raise_on_error")
def delete(
    jobs: ChosenJobs,
    output: Annotated[bool, typer.Option("--output", "-o", help="Delete outputs too.")] = False,
    files: Annotated[bool, typer.Option("--files", "-fi", help="Delete run folders too.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Delete outputs and run folders too.")
    ] = False,
) -> None:
    """Delete jobs, at most 10 unless --max allows more. Their flows stay consistent.

    Example: jf job delete -s FAILED --max 100 --files
    """
    jobs.change(
        lambda c: c.delete_jobs,
        "deleted",
        default_limit=10,
        delete_output=output or everything,
        delete_files=files or everything,
    )
