"""The state of a flow, derived from the states of its jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.states import NOT_STARTED_STATES, FlowState, JobState

_STOPPED = frozenset({JobState.STOPPED, JobState.USER_STOPPED})


def flow_state(jobs: Iterable[JobState], leaves: Iterable[JobState]) -> FlowState:
    """Derive the state of a flow from the first rule that applies.

    1. every job WAITING, or no job at all: WAITING
    2. every job WAITING or READY: READY
    3. every leaf COMPLETED: COMPLETED, whatever the states of the others
    4. any job FAILED: FAILED
    5. any job STOPPED or USER_STOPPED: STOPPED
    6. any job PAUSED: PAUSED
    7. otherwise RUNNING. A REMOTE_ERROR alone does not fail a flow: it may be transient, and
       the runner step that sets it does not hold the flow.

    Parameters
    ----------
    jobs
        States of all jobs of the flow, every index of every uuid.
    leaves
        States of its leaf jobs; see `get_flow_leafs`.

    Notes
    -----
    Rules as of jobflow-remote 1.0.1.
    """
    states = set(jobs)
    if states <= {JobState.WAITING}:
        return FlowState.WAITING
    if states <= set(NOT_STARTED_STATES):
        return FlowState.READY
    leaf_states = set(leaves)
    if leaf_states <= {JobState.COMPLETED}:
        return FlowState.COMPLETED
    if JobState.FAILED in states:
        return FlowState.FAILED
    if states & _STOPPED:
        return FlowState.STOPPED
    if JobState.PAUSED in states:
        return FlowState.PAUSED
    return FlowState.RUNNING


def newest_by_uuid(job_docs: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return {uuid: document with the largest index}.

    A job that was replaced keeps its uuid; the largest index is the one that counts.

    Parameters
    ----------
    job_docs
        Job documents with at least ``uuid`` and ``index``.
    """
    newest: dict[str, Mapping[str, Any]] = {}
    for doc in job_docs:
        known = newest.get(doc["uuid"])
        if known is None or doc["index"] > known["index"]:
            newest[doc["uuid"]] = doc
    return newest


def get_flow_leafs(job_docs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the leaf jobs: the newest index of every uuid that is not a parent of any job.

    Parameters
    ----------
    job_docs
        All job documents of one flow, with at least ``uuid``, ``index`` and ``parents``.

    Returns
    -------
    list
        The documents themselves, in the order in which their uuids first appear.
    """
    parents = {uuid for doc in job_docs for uuid in doc.get("parents") or ()}
    newest = newest_by_uuid(job_docs)
    return [dict(doc) for uuid, doc in newest.items() if uuid not in parents]
