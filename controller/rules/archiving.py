"""What may be archived, and which queries are answered without unpacking; pure.

An archived flow is one document, or several if it is large: *parts*. Each contains some of its
jobs, packed, and the values by which they are found. The first, the *head*, also has the flow.
Small flows can share a document, a *bundle*: it is a part without a ``flow``, which holds several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from controller.states import RUNNING_STATES, FlowState, JobState

FINISHED = (FlowState.COMPLETED, FlowState.FAILED, FlowState.STOPPED)
"""States of flows that can be archived."""
MANY_NAMES = 50
"""With more names of jobs than this, a part does not list them."""

WRITING, DELETING, RESTORING = "writing", "deleting", "restoring"
"""Values of a head's ``stage`` while it is incomplete; an archived flow has none."""

STAGES = (WRITING, DELETING, RESTORING)
BUNDLE = -1
"""The number ``n`` of a bundle, where that of a head is 0."""
FLOW_TIMES = ("updated_on", "created_on")
"""Times of flows of which a bundle has the first and the last."""

INDEXES: tuple[Any, ...] = (
    *(("flow", False), ("hosts", False), ("uuids", False), ("db_ids", False), ("names", False)),
    *(("last_on", False), ("newest_on", False), ("stage", False)),
    ([("n", 1), ("updated_on", 1)], False),
    ([("n", 1), ("created_on", 1)], False),
)
"""(keys, unique) of the collection of archived flows."""

Query = dict[str, Any]

_ACTIVE = frozenset(s.value for s in (JobState.READY, *RUNNING_STATES))
_NAMES = {"db_id": "db_ids", "uuid": "uuids", "worker": "workers", "state": "states"}
_OF_FLOW = ("state", "name", "updated_on", "created_on")
_POSITIVE = frozenset(("$eq", "$in", "$regex", "$options"))


def why_not(
    flow: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]], *, cleaning: bool = False
) -> str | None:
    """Return why a flow cannot be archived; None if it can.

    Parameters
    ----------
    flow
        Its document, with its state.
    jobs
        Its jobs, with ``db_id``, ``state`` and ``lock_id``.
    cleaning
        Whether work outside the database is pending for one of its jobs.
    """
    if flow["state"] not in {state.value for state in FINISHED}:
        return f"it is {flow['state']}"
    for job in jobs:
        if job["state"] in _ACTIVE:
            return f"its job {job['db_id']} is {job['state']}"
        if job.get("lock_id") is not None:
            return f"its job {job['db_id']} is locked by another process"
    return "processes, files or outputs of its jobs are still to be removed" if cleaning else None


class Part:
    """Collects the values by which the jobs of one part are found."""

    def __init__(self) -> None:
        self._lists: dict[str, dict[Any, None]] = {
            name: {} for name in ("uuids", "db_ids", "hosts", "names", "workers", "states")
        }
        self._times: dict[str, list[datetime]] = {"updated_on": [], "created_on": []}

    def add(self, job: Mapping[str, Any]) -> None:
        """Add a job."""
        data = job.get("job") or {}
        found = {
            "uuids": [job.get("uuid")],
            "db_ids": [job.get("db_id")],
            "hosts": (data.get("hosts") or [])[:-1],  # the last one is the flow
            "names": [data.get("name")],
            "workers": [job.get("worker")],
            "states": [job.get("state")],
        }
        for name, values in found.items():
            self._lists[name].update(dict.fromkeys(values))
        for name, times in self._times.items():
            if isinstance(job.get(name), datetime):
                times.append(job[name])

    def fields(self) -> dict[str, Any]:
        """Return the fields of the part."""
        fields: dict[str, Any] = {name: list(values) for name, values in self._lists.items()}
        if len(fields["names"]) > MANY_NAMES:
            fields["names"] = None
        updated, created = self._times["updated_on"], self._times["created_on"]
        return {
            **{name: values for name, values in fields.items() if values != []},
            "first_on": min(updated, default=None),
            "last_on": max(updated, default=None),
            "oldest_on": min(created, default=None),
            "newest_on": max(created, default=None),
        }


def part_id(flow_uuid: str, number: int) -> str:
    """Return the ``_id`` of a part; that of number 0 is the head."""
    return f"{flow_uuid}:{number}"


def flow_bounds(flows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a bundle that tell of the times of its flows: (first, last) of each."""
    every = list(flows)
    times = {name: [f[name] for f in every if f.get(name) is not None] for name in FLOW_TIMES}
    return {f"flows_{name}": [min(some), max(some)] for name, some in times.items() if some}


def bundles_for_flows(query: Mapping[str, Any]) -> Query:
    """Return a query for the bundles that may hold a flow of a query."""
    wanted: list[Query] = [{"n": BUNDLE}]
    for key, value in query.items():
        if key == "$and":
            wanted += [bundles_for_flows(part) for part in value]
        elif key == "uuid" and _is_positive(value):
            wanted.append({"hosts": value})
        elif key == "jobs" and _is_positive(value):
            wanted.append({"uuids": value})
    return _all_of(wanted)


def parts_for_jobs(query: Mapping[str, Any]) -> Query:
    """Return a query for the parts that may hold a job of a query, as far as that can be known."""
    wanted: list[Query] = []
    for key, value in query.items():
        if key == "$and":
            wanted += [parts_for_jobs(part) for part in value]
        elif key == "$or":
            wanted.append({"$or": [parts_for_jobs(part) for part in value]})
        elif key == "updated_on" and isinstance(value, Mapping):
            wanted += _times(value)
        elif key == "job.hosts" and _is_positive(value):
            wanted.append({"$or": [{"flow": value}, {"hosts": value}]})
        elif key == "job.name" and _is_positive(value):
            wanted.append({"$or": [{"names": value}, {"names": None}]})
        elif key in _NAMES and _is_positive(value):
            wanted.append({_NAMES[key]: value})
    return _all_of(wanted)


def heads_for_flows(query: Mapping[str, Any]) -> Query:
    """Return a query for the heads that may be of a flow of a query."""
    wanted: list[Query] = []
    for key, value in query.items():
        if key == "$and":
            wanted += [heads_for_flows(part) for part in value]
        elif key == "$or":
            wanted.append({"$or": [heads_for_flows(part) for part in value]})
        elif key == "uuid":
            wanted.append({"flow": value})
        elif key in _OF_FLOW or key.startswith("metadata."):
            wanted.append({key: value})
    return _all_of(wanted)


def _all_of(wanted: list[Query]) -> Query:
    said = [query for query in wanted if query]
    if len(said) < 2:
        return said[0] if said else {}
    return {"$and": said}


def _is_positive(value: Any) -> bool:
    """Whether an array satisfies a condition because one of its elements does."""
    if not isinstance(value, Mapping):
        return True
    return bool(value) and all(op in _POSITIVE for op in value)


def _times(window: Mapping[str, Any]) -> list[Query]:
    lower = {op: at for op, at in window.items() if op in ("$gt", "$gte")}
    upper = {op: at for op, at in window.items() if op in ("$lt", "$lte")}
    return [*([{"last_on": lower}] if lower else []), *([{"first_on": upper}] if upper else [])]
