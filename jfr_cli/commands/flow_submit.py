"""``jf flow submit``: submit a flow from a shell script or cron."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.errors import ArgumentError
from jfr_cli import command_groups, complete, options
from jfr_cli.console import hint, say
from jfr_cli.output import (
    print_lines,
    show_count,
    show_rows,
    show_value,
    show_waited,
    shows_object,
    shows_one,
    shows_table,
    wants_count,
)
from jfr_cli.selection import dictionary, typed_dictionary
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.submission import PreparedFlow
    from controller.waiting import WaitResult

app = command_groups.part_of_group()


@app.command("submit")
@shows_one()
def submit(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="MODULE:FUNCTION, FILE.py:FUNCTION, FILE.json, or - for JSON from a pipe.",
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Arguments of the function; values as JSON."),
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option(
            "--worker",
            "-wk",
            metavar="NAME",
            help="Worker of jobs that name none; default: the project's first.",
            autocompletion=complete.worker_names,
        ),
    ] = None,
    resources: Annotated[
        str | None,
        typer.Option("--resources", metavar="DICT", help='JSON, or "key=value,key2=value2".'),
    ] = None,
    exec_config: Annotated[
        str | None,
        typer.Option(
            "--exec-config",
            metavar="NAME",
            help="An exec_config of the project, or JSON.",
            autocompletion=complete.exec_config_names,
        ),
    ] = None,
    priority: Annotated[
        int, typer.Option("--priority", metavar="NUMBER", help="The highest priority runs first.")
    ] = 0,
    metadata: Annotated[
        str | None,
        typer.Option(
            "--metadata", "-meta", metavar="DICT", help="Metadata to add to the flow and its jobs."
        ),
    ] = None,
    jobstore: Annotated[
        str | None,
        typer.Option("--jobstore", metavar="NAME", help="One of optional_jobstores."),
    ] = None,
    external: Annotated[
        bool,
        typer.Option(
            "--allow-external-references", help="Allow references to jobs outside the flow."
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait for its end; exit 7 if it does not complete."),
    ] = False,
    timeout: options.Timeout = None,
    dry_run: options.DryRun = False,
) -> None:
    """Submit a flow; in a pipe, print the ids as JSON.

    The function returns a Flow, a Job or a list of jobs. Arguments: name=Cu n=3, or JSON.

    Example: jf flow submit flows.py:relax element=Cu --worker cluster --wait
    """
    if timeout is not None and not wait:
        raise ArgumentError("--timeout requires --wait", hint="add --wait")
    from controller.flow_sources import load_target, local_module, read_arguments, read_target
    from controller.submission import SubmissionOptions, prepare_submission

    chosen = SubmissionOptions(
        worker=worker,
        resources=typed_dictionary("--resources", resources),
        exec_config=_name_or_object(exec_config),
        priority=priority,
        metadata=typed_dictionary("--metadata", metadata),
        jobstore=jobstore,
        allow_external_references=external,
    )
    where, given = read_target(target), read_arguments(arguments or ())
    project = CURRENT.project
    prepared = prepare_submission(project, load_target(where, given, sys.stdin.read), chosen)
    if (name := local_module(where)) and _functions_of(name, prepared):
        say(f"note: the worker must be able to import the module {name} (PYTHONPATH, or pip)")
    if dry_run:
        _show(prepared, [], None)
        return
    with CURRENT.controller() as controller:
        db_ids = prepared.insert(controller)
    if wait:
        _wait(prepared, db_ids, timeout)
        return
    _show(prepared, db_ids, None)
    if shows_table():
        hint(f"follow it with `jf flow wait {db_ids[0]}` or `jf flow info {db_ids[0]}`")


def _wait(prepared: PreparedFlow, db_ids: list[str], timeout: float | None) -> None:
    from controller.waiting import WaitOptions, wait_for_flows
    from jfr_cli.progress import waiting_line
    from jfr_cli.render.submissions import submission_line
    from jfr_cli.render.waiting import standing

    say(submission_line(prepared, db_ids))  # at once: a wait may be cut off
    with CURRENT.reader() as controller, waiting_line(standing) as tell:
        result = wait_for_flows(
            controller, [prepared.flow.uuid], options=WaitOptions(timeout, tell)
        )
    show_waited(result, lambda: _show(prepared, db_ids, result, said=True))


def _show(
    prepared: PreparedFlow, db_ids: list[str], waited: WaitResult | None, *, said: bool = False
) -> None:
    from jfr_cli.render.submissions import (
        SUBMITTED_JOB,
        job_rows,
        submission_line,
        submission_row,
    )

    for_a_script = shows_table() and not sys.stdout.isatty()
    if shows_object() or for_a_script:
        show_value(submission_row(prepared, db_ids, waited))
    elif CURRENT.output_format == "name":
        print_lines(db_ids)
    elif wants_count():
        show_count(len(prepared.flow.jobs))
    elif not shows_table() or not db_ids:
        show_rows(job_rows(prepared, db_ids), SUBMITTED_JOB)
    if shows_table() and not for_a_script and not said:
        say(submission_line(prepared, db_ids))


def _name_or_object(text: str | None) -> Any:
    """Read an exec_config: the name of one, or itself as JSON."""
    if text is not None and text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            return dictionary("--exec-config", text)  # which says what is wrong
    return text


def _functions_of(module: str, prepared: PreparedFlow) -> bool:
    """Whether a job's function is in a module."""
    return any(job.data["function"].get("@module") == module for job in prepared.flow.jobs)
