"""``jf job``: list jobs, and look into one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from controller.errors import ArgumentError, JobNotFoundError
from controller.filters import JobFilter
from controller.states import ERROR_STATES, RUNNING_STATES
from jfr_cli import options
from jfr_cli.console import hint, print_data, print_renderable, print_table
from jfr_cli.render import data
from jfr_cli.selection import checked_sort, job_named, with_job_filter
from jfr_cli.session import CURRENT

app = options.command_group("List jobs, and look into one.")


@app.command("list")
@with_job_filter
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
        bool, typer.Option("--error", "-e", help="Jobs that ended in an error.")
    ] = False,
    running: Annotated[bool, typer.Option("--running", "-run", help="Jobs under way.")] = False,
    count: options.Count = False,
    stored_data_key: options.StoredDataKeys = None,
    color_flows: Annotated[
        bool, typer.Option("--color", "-col", help="Colour the names, one colour per flow.")
    ] = False,
    columns: options.Columns = None,
    output_format: options.OutputFormat = None,
    json: options.Json = False,
) -> None:
    """List jobs, the one that changed last first.

    Example: jf job list -s FAILED --days 2
    """
    form = CURRENT.use_format(output_format, json)
    wanted = _extended(selection, locked=locked, error=error, running=running)
    with CURRENT.controller() as controller:
        if latest_flow is not None:
            wanted = _of_latest_flows(controller, wanted, latest_flow)
        query = controller.queue.query(wanted)
        if count or form == "count":
            print_data(str(controller.jobs.count_documents(query)))
            return
        way = 1 if reverse_sort else -1
        jobs = controller.get_jobs_info_query(
            query, sort=[(checked_sort(sort), way)], limit=max_results
        )
    _show(jobs, form, verbosity, columns, stored_data_key or [], by_flow=color_flows)
    if max_results and len(jobs) == max_results:
        hint(f"only the first {max_results} are shown: -m 0 shows all")


def _extended(selection: JobFilter, *, locked: bool, error: bool, running: bool) -> JobFilter:
    further = (ERROR_STATES if error else ()) + (RUNNING_STATES if running else ())
    states = (*(selection.states or ()), *further) if further else selection.states
    return replace(selection, locked=locked, states=states)


def _of_latest_flows(controller: Any, selection: JobFilter, number: int) -> JobFilter:
    if selection.flow_ids:
        raise ArgumentError("--latest-flow and --flow-id exclude each other")
    flows = controller.get_flows_info(sort=[("created_on", -1)], limit=number)
    return replace(selection, flow_ids=[flow.flow_id for flow in flows])


def _show(
    jobs: list[Any],
    form: str,
    verbosity: int,
    columns: str | None,
    stored: list[str],
    *,
    by_flow: bool,
) -> None:
    if form not in ("table", "wide"):
        print_data(data.written([data.job_row(job) for job in jobs], form))
        return
    from controller.config import SETTINGS
    from jfr_cli.render import tables

    chosen = [key.strip() for key in columns.split(",")] if columns else None
    if chosen and verbosity:
        raise ArgumentError("--output and --verbose exclude each other")
    keys = tables.job_columns(verbosity + (form == "wide"), chosen, SETTINGS.cli_job_list_columns)
    print_table(
        lambda narrow: tables.jobs_table(
            jobs, keys, stored_data=stored, by_flow=by_flow, narrow=narrow
        ),
        CURRENT.color,
    )


@app.command("info")
def info(
    job: options.OptionalJobId = None,
    index: options.IndexArgument = None,
    pid: Annotated[str | None, typer.Option("--pid", help="Id in the worker's queue.")] = None,
    show_none: Annotated[
        bool, typer.Option("--show-none", "-n", help="Show what has no value, too.")
    ] = False,
    verbosity: options.Verbosity = 0,
    output_format: options.OutputFormat = None,
    json: options.Json = False,
) -> None:
    """Show everything about one job.

    Example: jf job info 12
    """
    form = CURRENT.use_format(output_format, json)
    if (job is None) == (pid is None):
        raise ArgumentError("one job is named by an ID or by --pid", hint="jf job info ID")
    with CURRENT.controller() as controller:
        if job is None:
            assert pid is not None
            found = controller.get_job_info_by_pid(pid)
        else:
            found = controller.get_job_info(**job_named(job, index))
        if found is None:
            raise JobNotFoundError(
                f"there is no job {job or pid}", hint="`jf job list` shows those there are"
            )
        values = found.model_dump(exclude={"lock_lease"})
        if verbosity:
            doc = controller.get_job_doc(db_id=found.db_id)
            assert doc is not None
            values.update(resources=doc.resources_data, exec_config=doc.exec_config)
            if verbosity > 1:
                values["job"] = doc.job_data
    if form not in ("table", "wide"):
        row = data.job_row(found) | data.plain(values)
        print_data(data.one_written(row, form))
        return
    from jfr_cli.render import tables

    panel = tables.job_panel(values, show_none=show_none, verbosity=verbosity)
    print_renderable(panel, CURRENT.color)
    _advise(found)


def _advise(job: Any) -> None:
    if job.state.value == "FAILED":
        hint("the job's own function failed: mend its cause and submit the flow again;")
        hint(f"its files are in {job.run_dir}")
    elif job.state.value == "REMOTE_ERROR":
        hint(f"a step of the runner failed in state {job.previous_state}: see remote.error above")


@app.command("output")
def output(
    job: options.JobIdArgument,
    index: options.IndexArgument = None,
    path: Annotated[
        str | None, typer.Option("--path", "-p", help="Write to this .json or .yaml file.")
    ] = None,
    load: Annotated[
        bool, typer.Option("--load", "-l", help="With what lies in additional stores.")
    ] = False,
    output_format: options.OutputFormat = None,
    json: options.Json = False,
) -> None:
    """Print what a job returned, as JSON.

    Example: jf job output 12 | jq .energy
    """
    form = CURRENT.use_format(output_format, json)
    with CURRENT.controller() as controller:
        value = data.plain(controller.get_job_output(**job_named(job, index), load=load))
    as_yaml = form == "yaml" or (path or "").endswith((".yaml", ".yml"))
    text = data.one_written(value, "yaml" if as_yaml else "json")
    if path is None:
        print_data(text)
        return
    from pathlib import Path

    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"cannot write {path}: {error.strerror}") from None
