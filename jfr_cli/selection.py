"""Many options -> one filter; the options are declared in `jfr_cli.options`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import typer

from controller import filter_texts
from controller.errors import ArgumentError, FlowNotFoundError, JobNotFoundError
from controller.filters import FlowFilter, JobFilter, failure_query, is_uuid
from jfr_cli import options
from jfr_cli.console import say
from jfr_cli.option_decorators import F, with_options
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.documents import FlowInfo, JobInfo
    from controller.reader import QueueReader
    from controller.saved_filters import Kind

P = ParamSpec("P")
R = TypeVar("R")


def _as_usage(read: Callable[P, R]) -> Callable[P, R]:
    """Turn unreadable values into errors of the command line."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except filter_texts.FlagError as error:
            raise typer.BadParameter(error.text, param_hint=error.flag) from None

    return reading


window = _as_usage(filter_texts.window)
parse_date = _as_usage(filter_texts.parse_date)
dictionary = _as_usage(filter_texts.dictionary)
typed_dictionary = _as_usage(filter_texts.typed_dictionary)
uuid_index_pairs = _as_usage(filter_texts.uuid_index_pairs)
_job_filter = _as_usage(filter_texts.job_filter)
_flow_filter = _as_usage(filter_texts.flow_filter)

_SHARED: dict[str, Any] = {
    "db_id": options.DbIds,
    "flow_id": options.FlowIds,
    "start_date": options.StartDate,
    "end_date": options.EndDate,
    "name": options.Name,
    "metadata": options.Metadata,
    "days": options.Days,
    "hours": options.Hours,
    "query": options.RawQuery,
}
_JOB: dict[str, Any] = {
    "job_id": options.JobIds,
    "state": options.JobStates,
    **_SHARED,
    "worker": options.Workers,
    "cause": options.Causes,
    "error_match": options.ErrorMatch,
}
_FLOW: dict[str, Any] = {
    "job_id": options.FlowJobIds,
    "state": options.FlowStates,
    **_SHARED,
}


def with_job_filter(command: F) -> F:
    """Give a command the options that select jobs; it receives them as ``selection``."""
    return _bundle(command, _JOB, _job_filter)


def with_stored_job_filter(command: F) -> F:
    """As `with_job_filter`, without the user's own query and options converted to one."""
    queries = ("query", "cause", "error_match")
    return _bundle(command, {k: v for k, v in _JOB.items() if k not in queries}, _job_filter)


def with_stored_flow_filter(command: F) -> F:
    """As `with_flow_filter`, without metadata and the user's own query."""
    kept = {k: v for k, v in _FLOW.items() if k not in ("query", "metadata")}
    return _bundle(command, kept, _flow_filter)


def with_saved_job_filter(command: F) -> F:
    """As `with_job_filter`, with saved filters as arguments."""
    bundle = {"saved": options.SavedJobFilters, **_JOB}
    return _bundle(command, bundle, lambda given: job_filter_with(given.pop("saved"), given))


def with_saved_flow_filter(command: F) -> F:
    """As `with_flow_filter`, with saved filters as arguments."""
    bundle = {"saved": options.SavedFlowFilters, **_FLOW}
    return _bundle(
        command, bundle, lambda given: _flow_filter(_with_saved("flow", given.pop("saved"), given))
    )


def with_job_texts(command: F) -> F:
    """Give a command the options that select jobs; it receives {key: text} as ``selection``."""
    return _bundle(command, _JOB, lambda given: given)


def with_flow_texts(command: F) -> F:
    """Give a command the options that select flows; it receives {key: text} as ``selection``."""
    return _bundle(command, _FLOW, lambda given: given)


def job_filter_with(saved: list[str] | None, given: dict[str, Any]) -> JobFilter:
    """Return the filter of jobs of saved filters and options.

    Parameters
    ----------
    saved
        Their names, with ``@``.
    given
        {key: text or None} of the options, which replace what the saved filters say.
    """
    found: JobFilter = _job_filter(_with_saved("job", saved, given))
    return found


def _with_saved(kind: Kind, saved: list[str] | None, given: dict[str, Any]) -> dict[str, Any]:
    if not saved:
        return given
    from controller.saved_filters import MARK, combined, named_filter

    for name in saved:
        if not name.startswith(MARK):
            raise typer.BadParameter(
                f"{name!r} is neither an option nor a saved filter: names of saved filters "
                f"begin with {MARK}, and ids follow --db-id",
                param_hint=f"{MARK}NAME",
            )
    return combined([named_filter(CURRENT.project_file, kind, name) for name in saved], given)


def keywords(selection: JobFilter | FlowFilter) -> dict[str, Any]:
    """Return the selection as keywords of the controller's methods.

    These have no parameters for causes and error texts, which go into the user's own query.
    """
    found = {f.name: getattr(selection, f.name) for f in fields(selection)}
    if isinstance(selection, JobFilter):
        failure = {name: found.pop(name) for name in ("causes", "error_match")}
        found["custom_query"] = failure_query(selection.custom_query, **failure)
    return {name: value for name, value in found.items() if value not in (None, False)}


def with_flow_filter(command: F) -> F:
    """Give a command the options that select flows; it receives them as ``selection``."""
    return _bundle(command, _FLOW, _flow_filter)


def _bundle(command: F, bundle: dict[str, Any], build: Callable[[dict[str, Any]], Any]) -> F:
    return with_options(
        command,
        {name: (kind, None) for name, kind in bundle.items()},
        lambda inner, given, chosen: inner(selection=build(chosen), **given),
        replaces="selection",
    )


def job_named(text: str, index: int | None) -> dict[str, Any]:
    """Return the keywords that name one job, by uuid or by db_id."""
    return {"job_id": text, "job_index": index} if is_uuid(text) else {"db_id": text}


def job_keywords(controller: QueueReader, text: str, index: int | None) -> dict[str, Any]:
    """Return the keywords that name one job, by db_id, uuid or abbreviated uuid.

    A note says that an index given with a db_id is ignored.

    Raises
    ------
    ArgumentError
        Several uuids start with it.
    """
    named = job_named(controller.queue.whole_job_id(text), index)
    if index is not None and "db_id" in named:
        say("note: a db_id includes the index: INDEX is ignored")
    return named


def flow_keywords(controller: QueueReader, text: str, *, by_job: bool = False) -> dict[str, Any]:
    """Return the keywords that name one flow: by its uuid, or by the db_id or uuid of a job.

    A uuid may be abbreviated if unambiguous (otherwise ArgumentError).
    """
    queue = controller.queue
    whole = queue.whole_job_id(text) if by_job else queue.whole_flow_id(text)
    if not is_uuid(whole):
        return {"db_id": whole}
    return {"job_id": whole} if by_job else {"flow_id": whole}


def existing_flow(
    controller: QueueReader,
    text: str,
    *,
    by_job: bool = False,
    jobs_sort: list[tuple[str, int]] | None = None,
    archived: bool = False,
) -> FlowInfo:
    """Return a flow with its jobs, by its uuid, or by the db_id or uuid of a job.

    Parameters
    ----------
    archived
        Accept an archived one.

    Raises
    ------
    FlowNotFoundError
        There is no such flow.
    """
    named = flow_keywords(controller, text, by_job=by_job)
    found = controller.get_flows_info(
        **{f"{name}s": value for name, value in named.items()},
        limit=1,
        with_jobs_info=True,
        jobs_sort=jobs_sort,
    )
    if not found and archived:
        ids = {f"{name}s": value for name, value in named.items()}
        found = controller.get_archived_flows_info(
            FlowFilter(**ids), limit=1, with_jobs_info=True, jobs_sort=jobs_sort
        )
    if not found:
        raise FlowNotFoundError(
            f"there is no flow {text}", hint="`jf flow list` lists the existing ones"
        )
    return found[0]


def checked_sort(field: str) -> str:
    """Check a field to sort by, and return it."""
    if field not in options.SORTS:
        raise ArgumentError(
            f"cannot sort by {field!r}", hint=f"choose one of {', '.join(options.SORTS)}"
        )
    return field


def named_job(
    controller: QueueReader, text: str, index: int | None = None, *, archived: bool = False
) -> JobInfo:
    """Return the job with an id.

    Parameters
    ----------
    archived
        Accept an archived one.

    Raises
    ------
    JobNotFoundError
        There is no such job.
    """
    named = job_keywords(controller, text, index)
    found = controller.get_job_info(**named, archived=archived)
    if found is not None:
        return found
    if not archived and controller.get_job_info(**named) is not None:
        raise JobNotFoundError(
            f"job {text} is archived", hint=f"bring its flow back: jf flow unarchive -fid {text}"
        )
    uuid = named.get("job_id")
    indices = controller.queue.jobs.find({"uuid": uuid}, ["index"]) if uuid else []
    if known := sorted(doc["index"] for doc in indices):
        raise JobNotFoundError(
            f"job {uuid} has no index {index}", hint=f"it has {', '.join(map(str, known))}"
        )
    raise JobNotFoundError(f"there is no job {text}", hint="`jf job list` lists the existing ones")


def some_jobs(controller: QueueReader, ids: list[str] | None, selection: JobFilter) -> list[str]:
    """Return the db_ids of the jobs that ids or options select.

    Raises
    ------
    ArgumentError
        Both, or neither, were given.
    JobNotFoundError
        There is no job with an id.
    """
    _one_way("jobs", ids, selection)
    if ids:
        return list(dict.fromkeys(named_job(controller, text).db_id for text in ids))
    found = controller.queue.jobs.find(controller.queue.query(selection), ["db_id"])
    return _unless_named([doc["db_id"] for doc in found], selection, JobNotFoundError, "job")


def some_flows(controller: QueueReader, ids: list[str] | None, selection: FlowFilter) -> list[str]:
    """Return the uuids of the flows that ids or options select; errors as `some_jobs`."""
    _one_way("flows", ids, selection)
    if not ids:
        found = controller.queue.flows.find(controller.queue.query(selection), ["uuid"])
        return _unless_named([doc["uuid"] for doc in found], selection, FlowNotFoundError, "flow")
    ids = [controller.queue.whole_flow_id(text) for text in ids]
    by_job = controller.queue.flow_uuids([text for text in ids if not is_uuid(text)])
    unknown = [text for text in ids if not is_uuid(text) and text not in by_job]
    if unknown:
        raise FlowNotFoundError(
            f"there is no flow with a job {', '.join(unknown)}",
            hint="`jf flow list` lists the existing ones",
        )
    return list(dict.fromkeys(by_job.get(text, text) for text in ids))


def _unless_named(
    found: list[str],
    selection: JobFilter | FlowFilter,
    error: type[JobNotFoundError | FlowNotFoundError],
    noun: str,
) -> list[str]:
    """Return what was found; if ids were given, nothing found is an error."""
    if not found and (selection.job_ids or selection.db_ids or selection.flow_ids):
        raise error(f"no {noun} matches", hint=f"`jf {noun} list` lists the existing ones")
    return found


def _one_way(noun: str, ids: list[str] | None, selection: JobFilter | FlowFilter) -> None:
    if bool(ids) is not selection.is_empty:
        said = "not by both" if ids else "such as --flow-id"
        raise ArgumentError(f"select the {noun} by ids or by options, {said}")
