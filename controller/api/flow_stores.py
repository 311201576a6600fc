"""The JobStore for the outputs of a flow."""

from __future__ import annotations

from controller.api.base import ControllerGroup
from controller.api.flow_queries import find_flow
from controller.documents import utc_now
from controller.errors import FlowLockedError, FlowNotFoundError, LockedDocumentError, StateError
from controller.leases import locked_error
from controller.locks import MongoLock
from controller.states import NOT_STARTED_STATES, FlowState

_NOT_STARTED = [state.value for state in NOT_STARTED_STATES]
_FIELDS = ["uuid", "state", "jobstore"]


class FlowStores(ControllerGroup):
    """Methods that deal with the optional JobStores of a project."""

    def get_flow_store(self, flow_id: str) -> str | None:
        """Return the name of the optional JobStore of a flow. Nothing is locked.

        Parameters
        ----------
        flow_id
            Uuid of the flow.

        Returns
        -------
        str or None
            None stands for the default JobStore.

        Raises
        ------
        FlowNotFoundError
            There is no such flow.
        """
        flow = self.queue.flows.find_one({"uuid": flow_id}, ["jobstore"])
        if flow is None:
            raise _no_flow(flow_id)
        return flow.get("jobstore")

    def set_flow_store(
        self,
        store: str | None,
        db_id: str | None = None,
        job_id: str | None = None,
        flow_id: str | None = None,
        *,
        dry_run: bool = False,
    ) -> None:
        """Choose where the outputs of a flow go, before any of its jobs has started.

        The flow is locked for the change; a flow that another process has locked is refused.

        Parameters
        ----------
        store
            Name of an optional JobStore of the project; None or "" for its default one.
        db_id, job_id, flow_id
            db_id or uuid of any job of the flow, or its own uuid; exactly one of the three.
        dry_run
            Only check whether it is possible.

        Raises
        ------
        ArgumentError
            None or more than one of the three was given.
        ConfigError
            The project has no such JobStore, or the controller no project.
        FlowNotFoundError
            There is no such flow.
        FlowLockedError
            Another process has locked it.
        StateError
            It is not READY, or one of its jobs has started: outputs would be in two places.
        """
        name = store or None
        self._need_project().jobstore_spec(name)
        found = find_flow(self.queue, db_id=db_id, job_id=job_id, flow_id=flow_id)
        uuid = found["uuid"]
        if dry_run:
            self._refuse_begun(uuid, FlowState(found["state"]))
            return
        with MongoLock(
            self.queue.flows, {"uuid": uuid}, projection=_FIELDS, get_locked_doc=True
        ) as lock:
            flow = lock.locked_document
            if flow is None:
                raise _unavailable(lock, uuid)
            self._refuse_begun(uuid, FlowState(flow["state"]))
            if flow.get("jobstore") != name:
                lock.update_on_release = {"$set": {"jobstore": name, "updated_on": utc_now()}}

    def _refuse_begun(self, uuid: str, state: FlowState) -> None:
        begun = None
        if state is FlowState.READY:
            # A checkout changes the job first and the flow right after, without a lock.
            query = {"job.hosts": uuid, "state": {"$nin": _NOT_STARTED}}
            begun = self.queue.jobs.find_one(query, ["db_id", "state"])
            if begun is None:
                return
        why = f"job {begun['db_id']} is {begun['state']}" if begun else f"it is {state.value}"
        raise StateError(
            f"the JobStore of flow {uuid} cannot be changed: {why}",
            action="set_flow_store",
            db_id=uuid,
            state=state,
            allowed=(FlowState.READY,),
            hint="it can be changed only while the flow is READY and none of its jobs has started",
        )


def _no_flow(which: str) -> FlowNotFoundError:
    return FlowNotFoundError(
        f"there is no flow {which}", hint="`jf flow list` lists the existing ones"
    )


def _unavailable(lock: MongoLock, uuid: str) -> FlowNotFoundError | LockedDocumentError:
    held = lock.unavailable_document
    if held is None:
        return _no_flow(uuid)
    return locked_error(FlowLockedError, uuid, held)
