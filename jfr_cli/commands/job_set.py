"""``jf job set``: worker, execution settings, priority and retry rules of jobs."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from controller.errors import ArgumentError
from jfr_cli import command_groups, complete
from jfr_cli.bulk_actions import ChosenJobs, changes_jobs
from jfr_cli.selection import typed_dictionary

app = command_groups.command_group("Set worker, execution settings, priority and retries of jobs.")


@app.command("worker")
@changes_jobs("wait", "break_lock", "raise_on_error", named=False)
def worker(
    jobs: ChosenJobs,
    worker_name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A worker of the project.", autocompletion=complete.worker_names
        ),
    ],
) -> None:
    """Move jobs to another worker. Jobs in progress are refused.

    Example: jf job set worker cluster -did 12
    """
    jobs.change(lambda c: c.set_job_run_properties, "changed", worker=worker_name)


@app.command("exec-config")
@changes_jobs("wait", "break_lock", "raise_on_error", named=False)
def exec_config(
    jobs: ChosenJobs,
    exec_config_name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="An exec_config of the project.",
            autocompletion=complete.exec_config_names,
        ),
    ],
) -> None:
    """Set the exec_config of jobs.

    Example: jf job set exec-config gpu -did 12
    """
    jobs.change(lambda c: c.set_job_run_properties, "changed", exec_config=exec_config_name)


@app.command("resources")
@changes_jobs("wait", "break_lock", "raise_on_error", named=False)
def resources(
    jobs: ChosenJobs,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="DICT", help='"key=value,key2=value2", also as several words; or JSON.'
        ),
    ],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", "-r", help="Replace a job's resources instead of adding to them."
        ),
    ] = False,
    qresources: Annotated[
        bool, typer.Option("--qresources", "-qr", help="The keys are those of QResources.")
    ] = False,
) -> None:
    """Set resources of jobs; nodes=2 is the number 2.

    Example: jf job set resources nodes=2 ntasks=8 -did 12
    """
    found: Any = typed_dictionary("DICT", ",".join(values))
    if qresources:
        from controller.schedulers.resources import qresources_from

        found = qresources_from(found)
    jobs.change(lambda c: c.set_job_run_properties, "changed", resources=found, update=not replace)


@app.command("retry")
@changes_jobs("wait", "break_lock", "raise_on_error", named=False)
def retry(
    jobs: ChosenJobs,
    rules: Annotated[
        str, typer.Argument(metavar="RULES", help="JSON: a retry rule or a list; [] for none.")
    ],
) -> None:
    """Set the retry rules of jobs in any state; see docs/retries.md.

    Example: jf job set retry '{"causes": ["walltime"], "grow": {"time": 2}}' -did 12
    """
    try:
        found = json.loads(rules)
    except ValueError as error:
        raise ArgumentError(
            f"RULES is not JSON: {error}",
            hint="""for example '{"causes": ["walltime"], "times": 2, "grow": {"time": 2}}'""",
        ) from None
    jobs.change(lambda c: c.set_job_run_properties, "changed", retry=found)


@app.command("priority")
@changes_jobs("wait", "break_lock", "raise_on_error", named=False)
def priority(
    jobs: ChosenJobs,
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="The highest priority runs first.")
    ],
) -> None:
    """Set the priority of jobs in any state.

    Example: jf job set priority 10 -fid 12
    """
    jobs.change(lambda c: c.set_job_run_properties, "changed", priority=number)
