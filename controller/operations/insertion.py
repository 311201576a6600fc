"""Jobs enter the database: of a submitted flow, or of a job's response.

A flow comes in whole or not at all where the engine has transactions. Without them the order
leaves nothing runnable behind a crash: jobs WAITING, then the flow's document, WAITING too, then
the roots become READY, then the flow. Submitting the same flow again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.documents import new_flow_document, new_job_document, utc_now
from controller.errors import MissingDocumentError, SubmissionError
from controller.operations.queue import Queue
from controller.rules import initial_job_state
from controller.states import FlowState, JobState

if TYPE_CHECKING:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

NEXT_ID = {"next_id": {"$exists": True}}


@dataclass(frozen=True)
class RunSettings:
    """Where and how jobs run unless they say otherwise themselves.

    Attributes
    ----------
    worker
        Name of the worker.
    exec_config
        Name, dictionary, or None.
    resources
        As stored: scheduler keywords or a serialised QResources; None for the worker's.
    priority
        Jobs with a larger one are claimed first.
    """

    worker: str
    exec_config: Any = None
    resources: dict[str, Any] | None = None
    priority: int = 0

    def of_job(self, manager_config: Mapping[str, Any]) -> RunSettings:
        """Return the settings of a job that has its own in ``config.manager_config``."""
        own = manager_config or {}
        resources = own.get("resources")
        return RunSettings(
            worker=own.get("worker") or self.worker,
            exec_config=plain_exec_config(own.get("exec_config")) or self.exec_config,
            resources=self.resources if resources is None else plain_resources(resources),
            priority=own.get("priority") or self.priority,
        )


@dataclass(frozen=True)
class NewJob:
    """A job ready to enter: serialised once, its parents known."""

    data: dict[str, Any]
    parents: list[str]

    @property
    def key(self) -> tuple[str, int]:
        """(uuid, index)."""
        return self.data["uuid"], self.data["index"]


def plain_exec_config(value: Any) -> Any:
    """Return an execution configuration as it is stored: a name or a dictionary."""
    return value.model_dump() if hasattr(value, "model_dump") else value


def plain_resources(value: Any) -> dict[str, Any] | None:
    """Return resources as they are stored.

    A dictionary that QResources takes as keywords, the empty one included, is stored as a
    serialised QResources; that is what jobflow-remote 1.0.1 makes of it, and what "explicitly
    empty" means there.

    Raises
    ------
    SubmissionError
        QResources knows the keywords but not their combination.
    """
    if value is None or (isinstance(value, dict) and "@class" in value):
        return value
    from controller.schedulers.resources import as_qresources

    return as_qresources(value)


def serialise(flow: Flow) -> list[NewJob]:
    """Serialise the jobs of a flow, once each, parents before children.

    Raises
    ------
    SubmissionError
        The jobs depend on each other in a circle, or one of them cannot be serialised.
    """
    from monty.json import jsanitize

    new = []
    try:
        for job, parents in flow.iterflow():
            new.append(NewJob(jsanitize(job, strict=True, allow_bson=True), list(parents)))
    except ValueError as error:
        if "cycle" in str(error):
            names = ", ".join(_cycle(flow))
            raise SubmissionError(f"the jobs wait for each other in a circle: {names}") from None
        raise SubmissionError(f"a job cannot be serialised: {error}") from error
    except (AttributeError, TypeError) as error:
        raise SubmissionError(f"a job cannot be serialised: {error}") from error
    return new


def _cycle(flow: Flow) -> list[str]:
    from networkx import find_cycle

    graph = flow.graph
    return [str(graph.nodes[u].get("label", u)) for u, *_ in find_cycle(graph)]


def checked_flow(flow: Flow | Job | list[Any], *, allow_external_references: bool) -> Flow:
    """Wrap what a user submits in a Flow, and check its references.

    Raises
    ------
    SubmissionError
        It is empty, or refers to jobs outside itself.
    """
    from jobflow.core.flow import Flow, get_flow

    if isinstance(flow, (list, tuple)) and not flow:
        raise SubmissionError("there is no job to submit")
    try:
        whole = get_flow(flow, allow_external_references=allow_external_references)
    except (ValueError, TypeError) as error:
        raise SubmissionError(str(error).replace("\n", " ")) from None
    assert isinstance(whole, Flow)
    if not whole.job_uuids:
        raise SubmissionError(f"the flow {whole.name!r} has no job")
    return whole


def reserve_db_ids(
    queue: Queue, count: int, prefix: str | None, *, session: Any = None
) -> list[str]:
    """Reserve db_ids; a number is never given out twice.

    Raises
    ------
    MissingDocumentError
        The counter is not in the database.
    """
    found = queue.auxiliary.find_one_and_update(
        NEXT_ID, {"$inc": {"next_id": count}}, sort=[("_id", 1)], session=session
    )
    if found is None:
        raise MissingDocumentError("the database has not been set up", hint="`jf admin reset` does")
    return [f"{prefix or ''}{n}" for n in range(found["next_id"], found["next_id"] + count)]


def insert_flow(
    queue: Queue,
    flow: Flow,
    settings: RunSettings,
    *,
    prefix: str | None = None,
    jobstore: str | None = None,
) -> list[str]:
    """Insert a checked flow and return the db_ids of its jobs, parents before children.

    Raises
    ------
    SubmissionError
        One of its jobs, or the flow, was submitted before.
    """
    new = serialise(flow)
    _refuse_twins(new)
    known = _known_db_ids(queue, flow.uuid, new)
    fresh = iter(
        reserve_db_ids(queue, len(new) - len(known), prefix) if len(known) < len(new) else ()
    )
    ids = {job.key: known.get(job.key) or next(fresh) for job in new}
    now = utc_now()
    documents = [
        _document(job, ids[job.key], settings, JobState.WAITING)
        | {"created_on": now, "updated_on": now}
        for job in new
        if job.key not in known
    ]
    roots = [ids[job.key] for job in new if not job.parents]
    flow_document = new_flow_document(
        uuid=flow.uuid,
        name=flow.name,
        metadata=getattr(flow, "metadata", None),
        ids=[(ids[job.key], *job.key) for job in new],
        parents=_parents(new),
        jobstore=jobstore,
        state=FlowState.WAITING,
        now=now,
    )
    with queue.database.transaction() as session:
        if session is not None:  # in one step: no need to come in by degrees
            for document in documents:
                document["state"] = initial_job_state(bool(document["parents"])).value
            flow_document["state"] = FlowState.READY.value
        if documents:
            queue.jobs.insert_many(documents, session=session)
        if queue.flows.find_one({"uuid": flow.uuid}, ["_id"], session=session) is None:
            queue.flows.insert_one(flow_document, session=session)
        if session is None:
            _release(queue, flow.uuid, roots)
    return [ids[job.key] for job in new]


def _release(queue: Queue, flow_uuid: str, roots: list[str]) -> None:
    queue.jobs.update_many(
        {"db_id": {"$in": roots}, "state": JobState.WAITING.value},
        {"$set": {"state": JobState.READY.value}},
    )
    queue.flows.update_one(
        {"uuid": flow_uuid, "state": FlowState.WAITING.value},
        {"$set": {"state": FlowState.READY.value}},
    )


def _refuse_twins(new: list[NewJob]) -> None:
    seen: set[tuple[str, int]] = set()
    for job in new:
        if job.key in seen:
            raise SubmissionError(f"the flow holds the job {job.key[0]} twice")
        seen.add(job.key)


def _known_db_ids(queue: Queue, flow_uuid: str, new: list[NewJob]) -> dict[tuple[str, int], str]:
    """db_ids of jobs that an interrupted submission of this flow has inserted."""
    flow = queue.flows.find_one({"uuid": flow_uuid}, ["state"])
    if flow is not None and flow["state"] != FlowState.WAITING.value:
        raise SubmissionError(
            f"the flow {flow_uuid} was submitted before",
            hint="make a new Flow, with jobs of its own, to run it again",
        )
    uuids = [job.key[0] for job in new]
    found = list(
        queue.jobs.find({"uuid": {"$in": uuids}}, ["uuid", "index", "db_id", "state", "job.hosts"])
    )
    for doc in found:
        ours = flow_uuid in (doc["job"].get("hosts") or [])
        if not ours or doc["state"] != JobState.WAITING.value:
            raise SubmissionError(
                f"the job {doc['uuid']} was submitted before, as {doc['db_id']}",
                hint="make a new job to run it again",
            )
    return {(doc["uuid"], doc["index"]): doc["db_id"] for doc in found}


def insert_new_jobs(
    queue: Queue,
    new: list[NewJob],
    settings: RunSettings,
    *,
    prefix: str | None,
    state: JobState,
    session: Any,
) -> dict[tuple[str, int], str]:
    """Insert jobs that a response adds to a flow, unless they are there already.

    Returns
    -------
    dict
        {(uuid, index): db_id} of all of them.
    """
    uuids = [job.key[0] for job in new]
    found = queue.jobs.find({"uuid": {"$in": uuids}}, ["uuid", "index", "db_id"], session=session)
    ids = {(doc["uuid"], doc["index"]): doc["db_id"] for doc in found}
    missing = [job for job in new if job.key not in ids]
    if missing:
        fresh = reserve_db_ids(queue, len(missing), prefix, session=session)
        ids.update({job.key: db_id for job, db_id in zip(missing, fresh)})
        queue.jobs.insert_many(
            [_document(job, ids[job.key], settings, state) for job in missing], session=session
        )
    return {job.key: ids[job.key] for job in new}


def _document(job: NewJob, db_id: str, settings: RunSettings, state: JobState) -> dict[str, Any]:
    own = settings.of_job((job.data.get("config") or {}).get("manager_config") or {})
    return new_job_document(
        job.data,
        db_id=db_id,
        parents=job.parents,
        state=state,
        worker=own.worker,
        exec_config=own.exec_config,
        resources=own.resources,
        priority=own.priority,
    )


def _parents(new: Iterable[NewJob]) -> dict[str, dict[str, list[str]]]:
    parents: dict[str, dict[str, list[str]]] = {}
    for job in new:
        uuid, index = job.key
        parents.setdefault(uuid, {})[str(index)] = job.parents
    return parents
