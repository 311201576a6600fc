"""The events of a write, and the queries of event filters; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.documents.events import event_id_at
from controller.documents.stored import flow_if_named
from controller.errors import ArgumentError
from controller.rules.causes import cause_of_failed_step
from controller.rules.why import error_line
from controller.states import EVENT_KINDS, QUEUED_STATES, STATE_CHANGES, EventKind, JobState

LONGEST_TEXT = 300
"""Maximum length of an event's text, in characters."""

JOB_FIELDS = ("db_id", "uuid", "index", "state", "worker", "lock_id", "updated_on", "job.hosts")
"""Fields of a job that its events need."""
FLOW_FIELDS = ("uuid", "name", "state", "lock_id")
"""Fields of a flow that its events need."""
KEYS = ("_id", "db_id", "uuid")
"""Fields by which a few documents are found quickly, in order of preference."""

_IN_QUEUE = frozenset(state.value for state in QUEUED_STATES)
_SUBMITTED = frozenset((JobState.SUBMITTED.value, JobState.BATCH_SUBMITTED.value))
_COMPARED = frozenset((*KEYS, "index", "state", "lock_id"))
STATE_GROUP = EVENT_KINDS[0]


@dataclass(frozen=True)
class Change:
    """The effect of a write on each document that it changes, as far as events describe it.

    Attributes
    ----------
    state
        The state it sets; None if it sets none.
    deletes, takes_over, step_failed
        Whether it deletes, takes an expired lock over, or records a failed step.
    lock_id
        The id of the lock it sets; None if it sets none, or releases the lock.
    worker, cause, text
        Worker, cause and first line of the error that it sets.
    """

    state: str | None = None
    deletes: bool = False
    takes_over: bool = False
    step_failed: bool = False
    lock_id: str | None = None
    worker: str | None = None
    cause: str | None = None
    text: str | None = None


DELETION = Change(deletes=True)


def change_of(query: Mapping[str, Any], update: Any) -> Change | None:
    """Return the effect of an update that events describe; None if there is none.

    Parameters
    ----------
    query
        The filter of the update.
    update
        Operators, or a pipeline.
    """
    fields = _set_fields(update)
    state = fields.get("state")
    state = state if isinstance(state, str) and not state.startswith("$") else None
    takes_over = "lock_lease.seq" in query and fields.get("lock_id") is not None
    step_failed = state is None and bool(fields.get("remote.step_attempts"))
    if state is None and not takes_over and not step_failed:
        return None
    error = fields.get("error") or fields.get("remote.error")
    attempt = _last_attempt(fields)
    given = shortened(error_line(error)) if isinstance(error, str) and error else None
    return Change(
        state=state,
        takes_over=takes_over,
        step_failed=step_failed,
        lock_id=fields.get("lock_id"),
        worker=fields.get("worker"),
        cause=fields.get("error_cause")
        or attempt.get("cause")
        or _cause_of_step(error if step_failed else None),
        text=given or attempt.get("error"),
    )


def _last_attempt(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attempt that a write ends, if it records one: a retried job has no error of its own."""
    attempts = fields.get("attempts")
    return attempts[-1] if isinstance(attempts, list) and attempts else {}


def _cause_of_step(error: Any) -> str | None:
    if not isinstance(error, str):
        return None
    return cause_of_failed_step(error, reads_result=False).value


def _set_fields(update: Any) -> Mapping[str, Any]:
    if isinstance(update, Mapping):
        given = update.get("$set", {})
        return given if isinstance(given, Mapping) else {}
    merged: dict[str, Any] = {}
    for stage in update:
        merged.update(stage.get("$set", {}))
    return merged


def shortened(text: str) -> str:
    """Cut a text to the length that an event keeps, and escape what a database cannot store."""
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def kind_of_transition(before: str | None, after: str) -> EventKind:
    """Return the kind of a change of a job's state."""
    if after == JobState.CHECKED_OUT.value:
        return EventKind.CLAIM
    if after in _SUBMITTED:
        return EventKind.ATTEMPT_STARTED
    if before in _IN_QUEUE and after not in _IN_QUEUE:
        return EventKind.ATTEMPT_ENDED
    return EventKind.STATE


def job_events(doc: Mapping[str, Any], change: Change) -> list[dict[str, Any]]:
    """Return the events of a change of one job, without id, time and actor.

    For a change of state, ``since`` is the time at which the job entered the state that it leaves.

    Parameters
    ----------
    doc
        The job before the change, with `JOB_FIELDS`; the state may be missing.
    """
    before, about = doc.get("state"), _job(doc)
    events = []
    if change.takes_over:
        events.append({"kind": EventKind.TAKEOVER.value, "to": before, **about})
    if change.deletes:
        events.append({"kind": EventKind.DELETED.value, "from": before, **about})
    if change.step_failed:
        failed = {"kind": EventKind.STEP_FAILED.value, "to": before, **about}
        events.append({**failed, "cause": change.cause, "text": change.text})
    if change.state is not None and change.state != before:
        kind = kind_of_transition(before, change.state)
        moved = {"kind": kind.value, "from": before, "to": change.state, **about}
        if change.worker:
            moved["worker"] = change.worker
        if doc.get("updated_on") is not None:
            moved["since"] = doc["updated_on"]
        events.append({**moved, "cause": change.cause, "text": change.text})
    return events


def flow_events(doc: Mapping[str, Any], change: Change) -> list[dict[str, Any]]:
    """Return the events of a change of one flow; like `job_events`, with `FLOW_FIELDS`."""
    before = doc.get("state")
    about = {"flow": doc.get("uuid"), "name": doc.get("name")}
    events = []
    if change.takes_over:
        events.append({"kind": EventKind.TAKEOVER.value, **about})
    if change.deletes:
        events.append({"kind": EventKind.DELETED.value, "from": before, **about})
    if change.state is not None and change.state != before:
        events.append({"kind": EventKind.FLOW.value, "from": before, "to": change.state, **about})
    return events


def added_flow(doc: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a flow that was submitted."""
    about = {"flow": doc.get("uuid"), "name": doc.get("name"), "count": len(doc.get("jobs") or ())}
    return {"kind": EventKind.ADDED.value, "to": doc.get("state"), **about}


def added_jobs(docs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of jobs that were inserted: one for each flow, not one for each job."""
    by_flow: dict[str | None, list[Mapping[str, Any]]] = {}
    for doc in docs:
        by_flow.setdefault(flow_if_named(doc), []).append(doc)
    events = []
    for flow, jobs in by_flow.items():
        first, last = jobs[0].get("db_id"), jobs[-1].get("db_id")
        text = f"job {first}" if len(jobs) == 1 else f"jobs {first} to {last}"
        events.append(
            {"kind": EventKind.ADDED.value, "flow": flow, "count": len(jobs), "text": text}
        )
    return events


def _job(doc: Mapping[str, Any]) -> dict[str, Any]:
    about = {key: doc.get(key) for key in ("db_id", "uuid", "index", "worker")}
    return {**about, "flow": flow_if_named(doc)}


def is_comparable(query: Mapping[str, Any]) -> bool:
    """Whether `selects` can evaluate a query on `JOB_FIELDS` or `FLOW_FIELDS`."""
    return _COMPARED.issuperset(query) and any(key in query for key in KEYS)


def selects(query: Mapping[str, Any], doc: Mapping[str, Any], *, known: str | None = None) -> bool:
    """Whether a comparable query selects a document.

    Parameters
    ----------
    known
        A field known to match: its value in the document is one of `wanted_values`.
    """
    return all(
        _meets(condition, doc.get(key))
        for key, condition in query.items()
        if key != known or (isinstance(condition, Mapping) and len(condition) > 1)
    )


def _meets(condition: Any, value: Any) -> bool:
    if not isinstance(condition, Mapping):
        return bool(condition == value)
    return all(
        (op == "$in" and value in given) or (op == "$ne" and value != given)
        for op, given in condition.items()
    )


def wanted_values(condition: Any) -> list[Any] | None:
    """Return the values that a condition on a key requires; None if it names none."""
    if not isinstance(condition, Mapping):
        return [condition]
    return list(condition["$in"]) if "$in" in condition else None


@dataclass(frozen=True)
class EventFilter:
    """A filter of events; all conditions must hold.

    Attributes
    ----------
    kinds
        Values of `EventKind`, or `STATE_GROUP`.
    db_ids, uuids
        Jobs, by db_id or uuid; one of them must match.
    index
        Index of the jobs of ``uuids``.
    flows
        Uuids of flows.
    workers, runners, actors
        Names of workers, ids of runners, ``user@host`` of the authors.
    states
        States that jobs or flows changed to.
    since, until
        Times, naive UTC or aware; ``since`` is included, ``until`` is not.
    """

    kinds: Sequence[str] | None = None
    db_ids: Sequence[str] | None = None
    uuids: Sequence[str] | None = None
    index: int | None = None
    flows: Sequence[str] | None = None
    workers: Sequence[str] | None = None
    runners: Sequence[str] | None = None
    actors: Sequence[str] | None = None
    states: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> dict[str, Any]:
        """Return the query for a database.

        Raises
        ------
        ArgumentError
            There is no such kind.
        """
        named = {
            "kind": expand_kinds(self.kinds),
            "flow": self.flows,
            "worker": self.workers,
            "runner": self.runners,
            "actor": self.actors,
            "to": self.states,
        }
        query: dict[str, Any] = {k: {"$in": list(v)} for k, v in named.items() if v is not None}
        jobs = [{"db_id": self.db_ids}, {"uuid": self.uuids}]
        given = [{k: {"$in": list(v)}} for one in jobs for k, v in one.items() if v is not None]
        if len(given) > 1:
            query["$or"] = given
        for one in given if len(given) == 1 else ():
            query.update(one)
        if self.index is not None:
            query["index"] = self.index
        bounds = {"$gte": self.since, "$lt": self.until}
        times = {op: event_id_at(at) for op, at in bounds.items() if at is not None}
        return {**query, "_id": times} if times else query


def expand_kinds(kinds: Sequence[str] | None) -> list[str] | None:
    """Return the kinds, with `STATE_GROUP` replaced by its members.

    Raises
    ------
    ArgumentError
        There is no such kind.
    """
    if kinds is None:
        return None
    unknown = [kind for kind in kinds if kind not in EVENT_KINDS]
    if unknown:
        raise ArgumentError(
            f"there is no kind of event {unknown[0]!r}",
            hint=f"one of {', '.join(EVENT_KINDS)}",
        )
    chosen = dict.fromkeys(kind for kind in kinds if kind != STATE_GROUP)
    if STATE_GROUP in kinds:
        chosen.update(dict.fromkeys(kind.value for kind in STATE_CHANGES))
    return list(chosen)
