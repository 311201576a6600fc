"""``jf flow``: list and inspect flows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from controller.filters import FlowFilter
from controller.states import FlowState, parse_states
from jfr_cli import choices, command_groups, options
from jfr_cli.commands import (
    flow_actions,
    flow_archive,
    flow_graph,
    flow_submit,
    reports,
    saved_filters,
)
from jfr_cli.console import hint
from jfr_cli.output import (
    picked_rows,
    show_count,
    show_one,
    show_picture,
    show_rows,
    show_waited,
    shows_list,
    shows_object,
    shows_one,
    shows_table,
    wants_count,
    wants_wide,
)
from jfr_cli.progress import waiting_line
from jfr_cli.render.flows import FLOWS, flow_tree, needs_jobs
from jfr_cli.render.jobs import job_table
from jfr_cli.render.waiting import standing
from jfr_cli.selection import (
    checked_sort,
    existing_flow,
    some_flows,
    with_flow_filter,
    with_saved_flow_filter,
)
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.reader import QueueReader

app = command_groups.command_group("List, inspect and change flows.")
app.add_typer(flow_submit.app)
app.add_typer(flow_actions.app)
app.add_typer(flow_archive.app)
app.add_typer(flow_graph.app)
app.add_typer(reports.flows)
app.add_typer(flow_actions.set_app, name="set")
app.add_typer(saved_filters.flows, name="filter")


@app.command("list")
@shows_list()
@with_saved_flow_filter
def list_flows(
    selection: FlowFilter,
    verbosity: options.Verbosity = 0,
    max_results: options.MaxResults = 100,
    sort: options.SortBy = "updated_on",
    reverse_sort: options.ReverseSort = False,
    locked: options.Locked = False,
    count: options.Count = False,
    archived: options.Archived = False,
) -> None:
    """List flows, most recently changed first.

    Example: jf flow list -s RUNNING
    """
    order = [(checked_sort(sort), 1 if reverse_sort else -1)]
    with CURRENT.reader() as controller:
        if archived:
            _list_archived(controller, selection, order, max_results, verbosity, count=count)
            return
        query = controller.queue.query(replace(selection, locked=locked))
        if count or wants_count():
            show_count(controller.queue.flows.count_documents(query))
            return
        flows = controller.get_flows_info(
            custom_query=query,
            sort=order,
            limit=max_results,
            with_jobs_info=needs_jobs(CURRENT.columns, verbosity + wants_wide()),
        )
    show_rows(flows, FLOWS, verbosity=verbosity)
    if max_results and len(flows) == max_results:
        hint(f"only the first {max_results} are shown: -m 0 shows all")


def _list_archived(
    controller: QueueReader,
    selection: FlowFilter,
    order: list[tuple[str, int]],
    limit: int,
    verbosity: int,
    *,
    count: bool,
) -> None:
    if count or wants_count():
        show_count(len(controller.get_archived_flows_info(selection)))
        return
    jobs = needs_jobs(CURRENT.columns, verbosity + wants_wide())
    flows = controller.get_archived_flows_info(selection, order, limit, with_jobs_info=bool(jobs))
    show_rows(flows, FLOWS, verbosity=verbosity)
    if limit and len(flows) == limit:
        hint(f"only the first {limit} are shown: -m 0 shows all")


@app.command("info")
@shows_list("--output", "-o")
def info(
    flow: options.FlowIdArgument,
    by_job: Annotated[bool, typer.Option("--job", "-j", help="The uuid is that of a job.")] = False,
    verbosity: options.Verbosity = 0,
    stored_data_key: options.StoredDataKeys = None,
    jobs_sort: Annotated[
        str,
        typer.Option(
            "--jobs-sort",
            "--sort",
            metavar="FIELD",
            help="Sort the jobs by this field.",
            **choices.choice(options.SORTS),
        ),
    ] = "db_id",
    reverse_jobs_sort: Annotated[
        bool,
        typer.Option(
            "--reverse-jobs-sort",
            "-jrevs",
            "--reverse-sort",
            "-revs",
            help="Reverse the order.",
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report", "-rep", help="Show times, states and progress instead of the jobs."
        ),
    ] = False,
) -> None:
    """Show a flow: its structure and its jobs.

    The columns are those of `jf job list`. The formats csv, name and count list its jobs.

    Example: jf flow info 12
    """
    order = [(checked_sort(jobs_sort), -1 if reverse_jobs_sort else 1)]
    with CURRENT.reader() as controller:
        found = existing_flow(controller, flow, by_job=by_job, jobs_sort=order, archived=True)
    kind = job_table(stored_data_key or ())
    if shows_object():
        jobs = picked_rows(found.jobs_info or [], kind)
        show_one(found, FLOWS, None, jobs=jobs)
        return
    title = f"Flow: {found.name} - {found.flow_id} - {found.state.value}"
    if report and shows_table():
        from jfr_cli.render.reports import one_flow_report

        show_picture(lambda: one_flow_report(found, title))
        return
    from controller.config import SETTINGS

    show_rows(
        found.jobs_info or [],
        kind,
        verbosity=verbosity,
        defaults=SETTINGS.cli_job_list_columns,
        title=title,
        below=lambda: flow_tree(found),
    )


@app.command("wait")
@shows_one()
@with_flow_filter
def wait(
    selection: FlowFilter,
    ids: options.SomeFlowIds = None,
    wanted: options.ForFlowStates = None,
    timeout: options.Timeout = None,
    any_of: options.AnyOf = False,
) -> None:
    """Wait until flows have ended; exit 7 if one did not complete, 8 on timeout.

    Example: jf flow wait 12 --timeout 3600
    """
    from controller.waiting import WaitOptions, wait_for_flows

    with CURRENT.reader() as controller, waiting_line(standing) as tell:
        result = wait_for_flows(
            controller,
            some_flows(controller, ids, selection),
            parse_states(FlowState, wanted),
            any_of=any_of,
            options=WaitOptions(timeout, tell),
        )
    show_waited(result)
