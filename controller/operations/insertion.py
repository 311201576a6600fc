"""Insert the jobs of a submitted flow, or of a job's response, into the database.

With transactions, a flow is inserted completely or not at all. Without them, the order ensures that
nothing runnable is left after a crash: jobs WAITING, then the flow's document, also WAITING, then
the roots become READY, then the flow. Submitting the same flow again continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.config.retries import plain_retries
from controller.documents import flow_if_named, new_flow_document, new_job_document, utc_now
from controller.errors import DuplicateKeyError, MissingDocumentError, SubmissionError
from controller.execution.values import unstorable
from controller.operations.flow_serialization import (
    NewJob,
    SerializedFlow,
    read_flow,
    serialised_flow,
    with_metadata,
)
from controller.operations.queue import Queue
from controller.operations.version import refuse_newer
from controller.rules import initial_job_state
from controller.rules.run_settings import run_settings_problem
from controller.states import FlowState, JobState
from controller.storage.sizes import document_size

if TYPE_CHECKING:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

_SURELY_FIT = 10_000
"""A flow with fewer jobs fits into one document of any database."""
_SHARE = 0.9
"""Of the largest document that a new flow may take: its jobs may add others."""
NEXT_ID = {"next_id": {"$exists": True}}


@dataclass(frozen=True)
class RunSettings:
    """Where and how jobs run unless they have their own settings.

    Attributes
    ----------
    worker
        Name of the worker.
    exec_config
        Name, dictionary, or None.
    resources
        As stored: scheduler keywords or a serialised QResources; None for the worker's default.
    priority
        Jobs with a higher priority are claimed first.
    retry
        Retry rules, as stored; None for those of the exec_config or the worker.
    """

    worker: str
    exec_config: Any = None
    resources: dict[str, Any] | None = None
    priority: int = 0
    retry: list[dict[str, Any]] | None = None

    def of_job(self, manager_config: Mapping[str, Any]) -> RunSettings:
        """Return the settings of a job that has its own in ``config.manager_config``."""
        if not manager_config:
            return self
        own = manager_config
        resources = own.get("resources")
        return RunSettings(
            worker=own.get("worker") or self.worker,
            exec_config=plain_exec_config(own.get("exec_config")) or self.exec_config,
            resources=self.resources if resources is None else plain_resources(resources),
            priority=own.get("priority") or self.priority,
            retry=self.retry if (rules := _own_retry(own)) is None else rules,
        )


@dataclass(frozen=True)
class AcceptedFlow:
    """A flow that was checked and serialised, ready to be inserted.

    Attributes
    ----------
    uuid, name, metadata
        The uuid, name and metadata of the flow.
    jobs
        Its jobs, parents before children.
    """

    uuid: str
    name: str
    metadata: dict[str, Any]
    jobs: list[NewJob]


def plain_exec_config(value: Any) -> Any:
    """Return an execution configuration as it is stored: a name or a dictionary.

    Its retry rules become those of the job (`retries_of`): jobflow-remote refuses keys here that
    it does not know.
    """
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude={"retry"})
    if isinstance(value, Mapping):
        return {k: v for k, v in value.items() if not k.startswith("@") and k != "retry"}
    return value


def retries_of(exec_config: Any) -> list[dict[str, Any]] | None:
    """Return the retry rules of an execution configuration that is no name, as they are stored."""
    if isinstance(exec_config, Mapping):
        return plain_retries(exec_config.get("retry"))
    return plain_retries(getattr(exec_config, "retry", None))


def _own_retry(manager_config: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    rules = plain_retries(manager_config.get("retry"))
    return retries_of(manager_config.get("exec_config")) if rules is None else rules


def plain_resources(value: Any) -> dict[str, Any] | None:
    """Return resources as they are stored.

    A dictionary that QResources takes as keywords, the empty one included, is stored as a
    serialised QResources; that is what jobflow-remote 1.0.1 makes of it, and what "explicitly
    empty" means there. Any other holds keywords of the scheduler, and is stored as it is.

    Raises
    ------
    SubmissionError
        It is neither.
    """
    if value is None or (isinstance(value, dict) and "@class" in value):
        return value
    if not (isinstance(value, dict) or hasattr(value, "as_dict")):
        raise SubmissionError(
            f"resources cannot be {value!r}", hint="give a dictionary or a QResources"
        )
    from controller.schedulers.resources import as_qresources

    return as_qresources(value)


def accept_flow(
    flow: Flow | Job | list[Any], *, allow_external_references: bool = False
) -> AcceptedFlow:
    """Check and serialise a flow to be submitted.

    Parameters
    ----------
    flow
        A Flow, or one or several jobs, from which a flow is made.
    allow_external_references
        Accept references to jobs outside the flow. They are not waited for.

    Raises
    ------
    SubmissionError
        It is empty or circular, refers to other jobs, or cannot be serialised or stored.
    """
    whole = _as_flow(flow)
    return _accepted(
        read_flow(whole),
        whole.uuid,
        whole.name,
        getattr(whole, "metadata", {}),
        allow_external_references=allow_external_references,
    )


def accept_data(
    data: Any,
    metadata: Mapping[str, Any] | None = None,
    *,
    allow_external_references: bool = False,
) -> AcceptedFlow:
    """As `accept_flow`, for a serialised Flow, Job or list of them, which is not decoded.

    Parameters
    ----------
    metadata
        Metadata to add to that of the flow and of its jobs.
    """
    whole = serialised_flow(data)
    if metadata:
        whole = with_metadata(whole, metadata)
    return _accepted(
        read_flow(whole),
        whole["uuid"],
        whole["name"],
        whole.get("metadata") or {},
        allow_external_references=allow_external_references,
    )


def _as_flow(flow: Any) -> Flow:
    from jobflow.core.flow import Flow, get_flow

    try:
        whole = get_flow(flow, allow_external_references=True)
    except (ValueError, TypeError, AttributeError) as error:
        raise SubmissionError(
            f"cannot submit: {error}", hint="submit a Flow, a Job or a list of them"
        ) from error
    assert isinstance(whole, Flow)
    return whole


def with_flow_metadata(flow: Any, metadata: Mapping[str, Any] | None) -> Flow:
    """Return a Flow whose metadata, and that of its jobs, has further entries.

    Parameters
    ----------
    flow
        As `accept_flow` takes it; changed in place.

    Raises
    ------
    SubmissionError
        It is no flow.
    """
    whole = _as_flow(flow)
    if metadata:
        whole.update_metadata(dict(metadata))
    return whole


def _accepted(
    serialized: SerializedFlow,
    uuid: str,
    name: str,
    metadata: Any,
    *,
    allow_external_references: bool,
) -> AcceptedFlow:
    if not serialized.jobs:
        raise SubmissionError(f"the flow {name!r} has no job")
    if serialized.external and not allow_external_references:
        missing = "; ".join(
            f"{', '.join(names)} needs {parent}" for parent, names in serialized.external.items()
        )
        raise SubmissionError(
            f"the flow {name!r} refers to jobs that are not part of it: {missing}",
            hint="add them to the flow, or set allow_external_references if they have already run",
        )
    if problem := unstorable({"name": name, "metadata": metadata}, binary=True):
        raise SubmissionError(
            f"the flow {name!r} cannot be stored: {problem}",
            hint="a database can store text, numbers, times, and lists and dictionaries of these",
        )
    return AcceptedFlow(uuid, name, metadata, serialized.jobs)


def reserve_db_ids(
    queue: Queue, count: int, prefix: str | None, *, session: Any = None
) -> list[str]:
    """Reserve db_ids; a number is never used twice.

    Raises
    ------
    MissingDocumentError
        The database has no counter.
    """
    if not count:
        return []
    found = queue.auxiliary.find_one_and_update(
        NEXT_ID, {"$inc": {"next_id": count}}, sort=[("_id", 1)], session=session
    )
    if found is None:
        raise MissingDocumentError(
            "the database has not been set up",
            hint="set it up with `jf admin reset` or `jf backup restore`",
        )
    return [f"{prefix or ''}{n}" for n in range(found["next_id"], found["next_id"] + count)]


def insert_flow(
    queue: Queue,
    flow: AcceptedFlow,
    settings: RunSettings,
    *,
    prefix: str | None = None,
    jobstore: str | None = None,
) -> list[str]:
    """Insert a flow and return the db_ids of its jobs, parents before children.

    Parameters
    ----------
    settings
        Settings of the jobs that have none of their own.
    prefix
        Prefix of every db_id.
    jobstore
        Name of an optional JobStore; None for the default one.

    Raises
    ------
    SubmissionError
        One of its jobs, or the flow, was submitted before, or ``settings`` cannot be stored.
    MissingDocumentError
        The database has not been set up.
    StorageFormatError
        The database has a newer version.
    """
    _refuse_settings(settings)
    refuse_newer(queue.auxiliary, "a submission")
    known = _left_behind(queue, flow)
    fresh = [job for job in flow.jobs if job.key not in known]
    ids = dict(known)
    ids.update(zip((job.key for job in fresh), reserve_db_ids(queue, len(fresh), prefix)))
    now = utc_now()
    documents = [_document(job, ids[job.key], settings, JobState.WAITING, now=now) for job in fresh]
    flow_document = new_flow_document(
        uuid=flow.uuid,
        name=flow.name,
        metadata=flow.metadata,
        ids=[(ids[job.key], *job.key) for job in flow.jobs],
        parents=_parents(flow.jobs),
        jobstore=jobstore,
        state=FlowState.WAITING,
        now=now,
    )
    _refuse_too_large(queue, flow_document)
    try:
        _insert_or_go_on(queue, documents, flow_document, going_on=bool(known))
    except DuplicateKeyError as error:
        raise SubmissionError(
            f"the flow {flow.name!r} ({flow.uuid}) was just submitted by another process",
            hint="find it with `jf flow list`",
        ) from error
    return [ids[job.key] for job in flow.jobs]


def _refuse_too_large(queue: Queue, flow_document: Mapping[str, Any]) -> None:
    """Refuse a flow whose list of jobs the database could not store, before anything is written."""
    limit = queue.database.largest_document
    number = len(flow_document["ids"])
    if limit is None or number < _SURELY_FIT:
        return
    size = document_size(dict(flow_document))
    if size > limit * _SHARE:
        raise SubmissionError(
            f"the flow {flow_document['name']!r} has {number} jobs: the document that lists them "
            f"would take {size / 2**20:.1f} MB, and MongoDB stores {limit >> 20} MB at most",
            hint=f"submit it as several flows, of {int(number * limit * _SHARE / size)} jobs at "
            "most, or in a project with an embedded database, where any size will do",
        )


def _refuse_settings(settings: RunSettings) -> None:
    given = vars(settings)
    problem = run_settings_problem(given) or unstorable(given)
    if problem:
        raise SubmissionError(f"the jobs cannot be run like that: {problem}")


def _insert_or_go_on(
    queue: Queue, jobs: list[dict[str, Any]], flow_document: dict[str, Any], *, going_on: bool
) -> None:
    flow = {"uuid": flow_document["uuid"]}
    with queue.database.transaction() as session:
        if session is not None:  # in one transaction: no need for several steps
            for document in jobs:
                document["state"] = initial_job_state(bool(document["parents"])).value
            flow_document["state"] = FlowState.READY.value
        queue.jobs.insert_many(jobs, session=session)
        if queue.flows.find_one(flow, ["_id"], session=session) is None:
            queue.flows.insert_one(flow_document, session=session)
        if session is None or going_on:
            _release(queue, flow_document, session)


def _release(queue: Queue, flow_document: Mapping[str, Any], session: Any) -> None:
    """Start a flow that was inserted in several steps."""
    parents = flow_document["parents"]
    roots = [db_id for db_id, uuid, index in flow_document["ids"] if not parents[uuid][str(index)]]
    queue.jobs.update_many(
        {"db_id": {"$in": roots}, "state": JobState.WAITING.value},
        {"$set": {"state": JobState.READY.value}},
        session=session,
    )
    queue.flows.update_one(
        {"uuid": flow_document["uuid"], "state": FlowState.WAITING.value},
        {"$set": {"state": FlowState.READY.value}},
        session=session,
    )


def _left_behind(queue: Queue, flow: AcceptedFlow) -> dict[tuple[str, int], str]:
    """Return the db_ids of the jobs inserted by an interrupted submission of this flow.

    The flow's document tells where the submission stopped: if it is missing, no job has started; if
    it is WAITING, the roots may have; otherwise the submission was complete.
    """
    stored = queue.flows.find_one({"uuid": flow.uuid}, ["state"])
    if stored is not None and stored["state"] != FlowState.WAITING.value:
        raise SubmissionError(
            f"the flow {flow.name!r} ({flow.uuid}) has already been submitted",
            hint="to run it again, make a new Flow with new jobs",
        )
    uuids = [job.uuid for job in flow.jobs]
    if stored is None:
        _refuse_if_archived(queue, flow, uuids)
    found = list(
        queue.jobs.find({"uuid": {"$in": uuids}}, ["uuid", "index", "db_id", "state", "job.hosts"])
    )
    for doc in found:
        ours = flow_if_named(doc) == flow.uuid
        if not ours or (stored is None and doc["state"] != JobState.WAITING.value):
            raise SubmissionError(
                f"the job {doc['uuid']} has already been submitted, as {doc['db_id']}",
                hint="to run it again, make a new job",
            )
    return {(doc["uuid"], doc["index"]): doc["db_id"] for doc in found}


def _refuse_if_archived(queue: Queue, flow: AcceptedFlow, uuids: list[str]) -> None:
    if queue.archive.find_one({}, ["_id"]) is None:
        return
    named = {"$or": [{"flow": flow.uuid}, {"hosts": flow.uuid}, {"uuids": {"$in": uuids}}]}
    part = queue.archive.find_one(named, ["flow"])
    if part is not None:
        known = f", in flow {part['flow']}" if "flow" in part else ""
        raise SubmissionError(
            f"the flow {flow.name!r} has already been submitted: it is in the archive{known}",
            hint="to run it again, make a new Flow with new jobs",
        )


def refuse_jobs_of_others(
    queue: Queue, new: Iterable[NewJob], flow_uuid: str, *, session: Any = None
) -> None:
    """Refuse jobs of a response that already belong to another flow: a job runs in one flow only.

    Raises
    ------
    SubmissionError
        One of the jobs belongs to another flow.
    """
    query = {"uuid": {"$in": [job.uuid for job in new]}}
    for doc in queue.jobs.find(query, ["uuid", "db_id", "job.hosts"], session=session):
        of = (doc["job"].get("hosts") or [None])[-1]
        if of != flow_uuid:
            raise SubmissionError(
                f"the job {doc['uuid']} has already been submitted, as {doc['db_id']} in flow {of}",
                hint="a response must create new jobs each time",
            )


def insert_new_jobs(
    queue: Queue,
    new: list[NewJob],
    settings: RunSettings,
    *,
    prefix: str | None,
    state: JobState,
    session: Any,
) -> dict[tuple[str, int], str]:
    """Insert jobs that a response adds to a flow, unless they exist already.

    Returns
    -------
    dict
        {(uuid, index): db_id} of all of them.
    """
    uuids = [job.uuid for job in new]
    found = queue.jobs.find({"uuid": {"$in": uuids}}, ["uuid", "index", "db_id"], session=session)
    ids = {(doc["uuid"], doc["index"]): doc["db_id"] for doc in found}
    missing = [job for job in new if job.key not in ids]
    fresh = reserve_db_ids(queue, len(missing), prefix, session=session)
    ids.update(zip((job.key for job in missing), fresh))
    queue.jobs.insert_many(
        [_document(job, ids[job.key], settings, state) for job in missing], session=session
    )
    return {job.key: ids[job.key] for job in new}


def _document(
    job: NewJob,
    db_id: str,
    settings: RunSettings,
    state: JobState,
    now: datetime | None = None,
) -> dict[str, Any]:
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
        retry=own.retry,
        now=now,
    )


def _parents(new: Iterable[NewJob]) -> dict[str, dict[str, list[str]]]:
    parents: dict[str, dict[str, list[str]]] = {}
    for job in new:
        uuid, index = job.key
        parents.setdefault(uuid, {})[str(index)] = job.parents
    return parents
