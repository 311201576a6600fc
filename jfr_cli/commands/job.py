"""``jf job``: list and inspect jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from controller.errors import ArgumentError, JobNotFoundError
from controller.filter_texts import with_flags
from controller.filters import JobFilter
from controller.states import ERROR_STATES, JobState, parse_states
from jfr_cli import command_groups, options
from jfr_cli.commands import job_actions, job_files, job_set, reports, saved_filters
from jfr_cli.console import hint, is_plain
from jfr_cli.output import (
    show_count,
    show_one,
    show_picture,
    show_report,
    show_rows,
    show_value,
    show_waited,
    shows_document,
    shows_list,
    shows_one,
    shows_table,
    wants_count,
    write_value,
)
from jfr_cli.progress import waiting_line
from jfr_cli.render.jobs import JOBS, attempt_rows, job_picture, job_table
from jfr_cli.render.outcome import counted
from jfr_cli.selection import (
    checked_sort,
    job_keywords,
    named_job,
    some_jobs,
    with_job_filter,
    with_saved_job_filter,
)
from jfr_cli.session import CURRENT

app = command_groups.command_group("List, inspect and change jobs.")
app.add_typer(job_actions.app)
app.add_typer(job_files.single)
app.add_typer(reports.jobs)
app.add_typer(job_set.app, name="set")
app.add_typer(job_files.app, name="files")
app.add_typer(saved_filters.jobs, name="filter")


@app.command("list")
@shows_list("--output", "-o")
@with_saved_job_filter
def list_jobs(
    selection: JobFilter,
    verbosity: options.Verbosity = 0,
    max_results: options.MaxResults = 100,
    sort: options.SortBy = "updated_on",
    reverse_sort: options.ReverseSort = False,
    locked: options.Locked = False,
    latest_flow: Annotated[
        int | None, typer.Option("--latest-flow", "-lf", min=1, help="Jobs of the N newest flows.")
    ] = None,
    error: Annotated[
        bool, typer.Option("--error", "-e", help="Only jobs that ended in an error.")
    ] = False,
    running: Annotated[
        bool, typer.Option("--running", "-run", help="Only jobs in progress.")
    ] = False,
    count: options.Count = False,
    stored_data_key: options.StoredDataKeys = None,
    color_flows: Annotated[
        bool, typer.Option("--color", "-col", help="Colour the names by flow.")
    ] = False,
    archived: options.Archived = False,
) -> None:
    """List jobs, most recently changed first.

    Example: jf job list -s FAILED --days 2; jf job list @NAME
    """
    if CURRENT.columns and verbosity:
        raise ArgumentError("--columns and --verbose cannot be combined")
    wanted = with_flags(selection, locked=locked, error=error, running=running)
    with CURRENT.reader() as controller:
        if latest_flow is not None:
            wanted = _of_latest_flows(controller, wanted, latest_flow)
        order = [(checked_sort(sort), 1 if reverse_sort else -1)]
        if count or wants_count():
            show_count(_number(controller, wanted, archived=archived))
            return
        if archived:
            jobs = controller.get_archived_jobs_info(wanted, order, max_results)
        else:
            query = controller.queue.query(wanted)
            jobs = controller.get_jobs_info_query(query, sort=order, limit=max_results)
    from controller.config import SETTINGS

    kind = job_table(stored_data_key or (), jobs if color_flows else ())
    show_rows(jobs, kind, verbosity=verbosity, defaults=SETTINGS.cli_job_list_columns)
    if max_results and len(jobs) == max_results:
        hint(f"only the first {max_results} are shown: -m 0 shows all")
    if shows_table() and any(job.state in ERROR_STATES for job in jobs):
        hint("what to do about jobs that failed: jf job why ID")


def _number(controller: Any, wanted: JobFilter, *, archived: bool) -> int:
    if archived:
        return len(controller.get_archived_jobs_info(wanted))
    return int(controller.queue.jobs.count_documents(controller.queue.query(wanted)))


def _of_latest_flows(controller: Any, selection: JobFilter, number: int) -> JobFilter:
    if selection.flow_ids:
        raise ArgumentError("--latest-flow and --flow-id cannot be combined")
    flows = controller.get_flows_info(sort=[("created_on", -1)], limit=number)
    return replace(selection, flow_ids=[flow.flow_id for flow in flows])


@app.command("info")
@shows_one(watchable=True)
def info(
    job: options.OptionalJobId = None,
    index: options.IndexArgument = None,
    pid: Annotated[str | None, typer.Option("--pid", help="Id in the worker's queue.")] = None,
    show_none: Annotated[
        bool, typer.Option("--show-none", "-n", help="Also show fields without a value.")
    ] = False,
    verbosity: options.Verbosity = 0,
) -> None:
    """Show everything about one job.

    Example: jf job info 12
    """
    if (job is None) == (pid is None):
        raise ArgumentError("give either an ID or --pid", hint="jf job info ID")
    with CURRENT.reader() as controller:
        if job is None:
            assert pid is not None
            found = controller.get_job_info_by_pid(pid)
            if found is None:
                raise JobNotFoundError(
                    f"no job has the queue id {pid}",
                    hint="`jf job list -v` shows the ids in queues",
                )
        else:
            found = named_job(controller, job, index, archived=True)
        more: dict[str, Any] = {}
        if verbosity:
            doc = controller.get_job_doc(db_id=found.db_id)
            assert doc is not None
            more = {
                "resources": doc.resources_data,
                "exec_config": doc.exec_config_data,
                "retry": doc.retry,
                "attempts": attempt_rows(doc.attempts),
            }
            if verbosity > 1:
                more["job"] = doc.job_data
    values = found.model_dump(exclude={"lock_lease"}) | more
    show_one(
        found,
        JOBS,
        lambda: job_picture(
            values, show_none=show_none, verbosity=verbosity, plain=is_plain(CURRENT.color)
        ),
        **more,
    )
    if found.state in ERROR_STATES:
        hint(f"what to do: jf job why {found.db_id}")


@app.command("output")
@shows_document()
def output(
    job: options.JobIdArgument,
    index: options.IndexArgument = None,
    path: Annotated[
        str | None, typer.Option("--path", "-p", help="Write to this .json or .yaml file.")
    ] = None,
    load: Annotated[
        bool, typer.Option("--load", "-l", help="Include data in additional stores.")
    ] = False,
) -> None:
    """Print what a job returned, as JSON.

    Example: jf job output 12 | jq .energy
    """
    with CURRENT.controller() as controller:
        value = controller.get_job_output(**job_keywords(controller, job, index), load=load)
    if path is None:
        show_value(value)
    else:
        write_value(value, path)


@app.command("wait")
@shows_one()
@with_job_filter
def wait(
    selection: JobFilter,
    ids: options.SomeJobIds = None,
    wanted: options.ForJobStates = None,
    timeout: options.Timeout = None,
    any_of: options.AnyOf = False,
) -> None:
    """Wait until jobs have ended; exit 7 if one did not complete, 8 on timeout.

    Example: jf job wait 12 --timeout 3600 && jf job output 12
    """
    from controller.waiting import WaitOptions, wait_for_jobs
    from jfr_cli.render.waiting import standing

    with CURRENT.reader() as controller, waiting_line(standing) as tell:
        result = wait_for_jobs(
            controller,
            some_jobs(controller, ids, selection),
            parse_states(JobState, wanted),
            any_of=any_of,
            options=WaitOptions(timeout, tell),
        )
    show_waited(result)


@app.command("why")
@shows_one(watchable=True)
def why(job: options.JobIdArgument, index: options.IndexArgument = None) -> None:
    """Explain why a job is not running and what to do.

    Example: jf job why 12
    """
    from controller.why import why
    from jfr_cli.render.waiting import REASON, why_picture, why_row

    with CURRENT.reader() as controller:
        found = named_job(controller, job, index)
        reasons = why(controller, found)
    if shows_table():
        show_picture(lambda: why_picture(found, reasons))
    elif CURRENT.output_format in ("csv", "name", "count"):
        show_rows(reasons, REASON)
    else:
        show_value(why_row(found, reasons))


@app.command("history")
@shows_list()
def history(job: options.JobIdArgument, index: options.IndexArgument = None) -> None:
    """Show the time line of a job: its states, how long each lasted and who changed it.

    Example: jf job history 12
    """
    from jfr_cli.render.events import HISTORY

    with CURRENT.reader() as controller:
        entries = controller.get_job_history(**job_keywords(controller, job, index))
    show_rows(entries, HISTORY)


@app.command("dump", hidden=True)
@shows_document()
@with_job_filter
def dump(
    selection: JobFilter,
    path: Annotated[
        str, typer.Option("--path", "-p", metavar="FILE", help="File to write.")
    ] = "jobs_dump.json",
) -> None:
    """Write the complete documents of jobs to a file, as JSON.

    Example: jf job dump -did 12 --path job.json
    """
    with CURRENT.controller() as controller:
        query = controller.queue.query(selection)
        found = [{k: v for k, v in doc.items() if k != "_id"} for doc in controller.get_jobs(query)]
    write_value(found, path)
    show_report({"jobs": len(found), "file": path}, f"wrote {counted(len(found), 'job')} to {path}")
