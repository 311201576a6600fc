"""Damages to plant, each with what an examination has to make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from jobflow import Flow
from lifecycle_jobs import add
from world import World

from controller.documents import utc_now
from controller.leases import this_owner
from controller.rules.diagnosis import FindingKind as K
from controller.rules.diagnosis import Severity

OLD = utc_now() - timedelta(days=2)
GHOST = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Damage:
    """Something that is not as it should be.

    Attributes
    ----------
    name
        Of the test.
    plant
        Does it to a world of one flow: C -> R, C -> R, R -> W (ids "1" to "4").
    kind, severity, subject
        Of the finding; subject None stands for the uuid of the flow.
    mendable
        Whether mending leaves nothing to find.
    consents
        Arguments of ``mend`` that it takes.
    """

    name: str
    plant: Callable[[World], None]
    kind: K
    severity: Severity = Severity.PROBLEM
    subject: str | None = None
    mendable: bool = True
    consents: dict[str, bool] = field(default_factory=dict)


def flow_of(world: World) -> dict[str, Any]:
    flow = world.controller.flows.find_one({})
    assert flow is not None
    return flow


def job_of(world: World, db_id: str) -> dict[str, Any]:
    job = world.controller.jobs.find_one({"db_id": db_id})
    assert job is not None
    return job


def set_job(db_id: str, **fields: Any) -> Callable[[World], None]:
    def plant(world: World) -> None:
        world.controller.jobs.update_one({"db_id": db_id}, {"$set": fields})

    return plant


def set_flow(**fields: Any) -> Callable[[World], None]:
    def plant(world: World) -> None:
        world.controller.flows.update_one({}, {"$set": fields})

    return plant


def drop_job(db_id: str) -> Callable[[World], None]:
    def plant(world: World) -> None:
        world.controller.jobs.delete_one({"db_id": db_id})

    return plant


def drop_flow(world: World) -> None:
    world.controller.flows.delete_many({})


def half_inserted(world: World) -> None:
    drop_flow(world)
    world.controller.jobs.update_many({}, {"$set": {"state": "WAITING"}})


def empty_flow(world: World) -> None:
    world.controller.jobs.delete_many({})
    world.controller.flows.update_one({}, {"$set": {"state": "READY"}})


def unlisted(world: World) -> None:
    flow, job = flow_of(world), job_of(world, "4")
    set_flow(
        ids=[e for e in flow["ids"] if e[0] != "4"],
        jobs=[u for u in flow["jobs"] if u != job["uuid"]],
        parents={u: p for u, p in flow["parents"].items() if u != job["uuid"]},
    )(world)


def not_in_jobs(world: World) -> None:
    set_flow(jobs=flow_of(world)["jobs"][:-1])(world)


def ghosts(world: World) -> None:
    flow = flow_of(world)
    set_flow(
        ids=[*flow["ids"], ["77", GHOST, 1]],
        jobs=[*flow["jobs"], GHOST],
        parents={**flow["parents"], GHOST: {"1": []}},
    )(world)


def ghost_index(world: World) -> None:
    flow = flow_of(world)
    uuid = flow["jobs"][0]
    parents = {**flow["parents"], uuid: {**flow["parents"][uuid], "2": []}}
    set_flow(ids=[*flow["ids"], ["78", uuid, 2]], parents=parents)(world)


def wrong_db_id(world: World) -> None:
    flow = flow_of(world)
    set_flow(ids=[["79", *flow["ids"][0][1:]], *flow["ids"][1:]])(world)


def listed_twice(world: World) -> None:
    flow = flow_of(world)
    set_flow(ids=[*flow["ids"], flow["ids"][0]])(world)


def other_parents(world: World) -> None:
    flow, job = flow_of(world), job_of(world, "4")
    set_flow(parents={**flow["parents"], job["uuid"]: {"1": []}})(world)


def lost_parent(world: World) -> None:
    """What jobflow-remote leaves when a parent is deleted: the flow knows, the child does not."""
    job, flow = job_of(world, "3"), flow_of(world)
    drop_job("3")(world)
    uuid = job["uuid"]
    set_flow(
        ids=[e for e in flow["ids"] if e[1] != uuid],
        jobs=[u for u in flow["jobs"] if u != uuid],
        parents={
            u: {i: [p for p in many if p != uuid] for i, many in by_index.items()}
            for u, by_index in flow["parents"].items()
            if u != uuid
        },
    )(world)


def lock(db_id: str, *, alive: bool, time: Any = OLD) -> Callable[[World], None]:
    owner = this_owner() if alive else {**this_owner(), "start_time": "before the crash"}
    return set_job(
        db_id,
        lock_id="l",
        lock_time=time,
        lock_lease={"id": "l", "owner": owner, "seq": 3},
    )


def dead_lock_of_flow(world: World) -> None:
    lease = {"id": "l", "owner": {**this_owner(), "start_time": "before"}, "seq": 3}
    set_flow(lock_id="l", lock_time=OLD, lock_lease=lease, state="PAUSED")(world)


def ended_and_locked(world: World) -> None:
    """The end of job 1 is recorded, its child was not made READY, and the process died."""
    set_job("2", state="WAITING")(world)
    lock("1", alive=False)(world)


def foreign_lock_of_runner(world: World) -> None:
    world.controller.auxiliary.update_one(
        {"running_runner": None}, {"$set": {"lock_id": "theirs", "lock_time": OLD}}
    )


def counter_behind(world: World) -> None:
    world.controller.auxiliary.update_one({"next_id": {"$exists": True}}, {"$set": {"next_id": 2}})


def without(name: str) -> Callable[[World], None]:
    def plant(world: World) -> None:
        world.controller.auxiliary.delete_many({name: {"$exists": True}})

    return plant


def not_set_up(world: World) -> None:
    for collection in (world.controller.jobs, world.controller.flows, world.controller.auxiliary):
        collection.delete_many({})


def without_indexes(world: World) -> None:
    world.controller.jobs.drop_indexes()
    world.controller.flows.drop_indexes()


def doubled(world: World) -> None:
    world.controller.jobs.drop_indexes()
    job = job_of(world, "4")
    del job["_id"]
    world.controller.jobs.insert_one({**job, "uuid": str(uuid4())})


def elsewhere(world: World) -> None:
    hosts = job_of(world, "4")["job"]["hosts"]
    set_job("4", **{"job.hosts": [*hosts[:-1], GHOST]})(world)


def of_another_flow(world: World) -> None:
    """As two responses left it that added the same job."""
    other = add(1, 2)
    (db_id,) = world.submit(Flow([other]))
    world.controller.flows.update_one(
        {"jobs": {"$ne": other.uuid}},
        {
            "$push": {"ids": [db_id, other.uuid, 1], "jobs": other.uuid},
            "$set": {f"parents.{other.uuid}.1": []},
        },
    )


DAMAGES = [
    Damage("flow state", set_flow(state="COMPLETED"), K.FLOW_STATE),
    Damage("a flow state that is none", set_flow(state="EXPLODED"), K.FLOW_STATE),
    Damage("waits for nothing", set_job("2", state="WAITING"), K.JOB_STATE, subject="2"),
    Damage("ready too early", set_job("4", state="READY"), K.JOB_STATE, subject="4"),
    Damage(
        "a job state that is none",
        set_job("2", state="TERMINATED"),
        K.UNKNOWN_STATE,
        subject="2",
        mendable=False,
    ),
    Damage("owner of a job died", lock("2", alive=False), K.LOCK_DEAD, subject="2"),
    Damage("owner of a flow died", dead_lock_of_flow, K.LOCK_DEAD),
    Damage(
        "foreign lock",
        set_job("2", lock_id="theirs", lock_time=OLD),
        K.LOCK_FOREIGN,
        subject="2",
        consents={"foreign_locks": True},
    ),
    Damage(
        "foreign lock of this minute",
        lambda world: set_job("2", lock_id="theirs", lock_time=utc_now())(world),
        K.LOCK_FOREIGN,
        Severity.WARNING,
        subject="2",
        consents={"foreign_locks": True},
    ),
    Damage(
        "foreign lock of a flow",
        set_flow(lock_id="theirs", lock_time=OLD),
        K.LOCK_FOREIGN,
        consents={"foreign_locks": True},
    ),
    Damage(
        "foreign lock of the runner's record",
        foreign_lock_of_runner,
        K.LOCK_FOREIGN,
        subject="running_runner",
        consents={"foreign_locks": True},
    ),
    Damage(
        "lock time without lock",
        set_job("2", lock_time=OLD),
        K.LOCK_REMAINS,
        Severity.WARNING,
        subject="2",
    ),
    Damage(
        "lease without lock",
        set_flow(lock_lease={"id": "l", "owner": {}, "seq": 1}),
        K.LOCK_REMAINS,
        Severity.WARNING,
    ),
    Damage(
        "jobs without their flow, not begun",
        half_inserted,
        K.HALF_INSERTED,
        consents={"half_inserted": True},
    ),
    Damage("a flow without jobs", empty_flow, K.HALF_INSERTED, consents={"half_inserted": True}),
    Damage("jobs without their flow, begun", drop_flow, K.JOB_WITHOUT_FLOW),
    Damage(
        "a job without hosts",
        set_job("2", **{"job.hosts": []}),
        K.JOB_WITHOUT_FLOW,
        subject="2",
        mendable=False,
    ),
    Damage("a job of another flow", elsewhere, K.JOB_ELSEWHERE, subject="4", mendable=False),
    Damage("a job that another flow has, too", of_another_flow, K.JOB_ELSEWHERE, subject="5"),
    Damage("a deleted leaf", drop_job("4"), K.FLOW_ENTRY),
    Damage("a deleted parent", drop_job("3"), K.PARENT_MISSING, subject="4"),
    Damage("a deleted parent, the flow knows", lost_parent, K.PARENT_MISSING, subject="4"),
    Damage("ghosts", ghosts, K.FLOW_ENTRY),
    Damage("a ghost of an index", ghost_index, K.FLOW_ENTRY),
    Damage("a wrong db_id", wrong_db_id, K.FLOW_MISSES_JOB),
    Damage("listed twice", listed_twice, K.FLOW_ENTRY, Severity.WARNING),
    Damage("an unlisted job", unlisted, K.FLOW_MISSES_JOB),
    Damage("a uuid missing in jobs", not_in_jobs, K.FLOW_MISSES_JOB),
    Damage("other parents", other_parents, K.PARENTS_DIFFER, Severity.WARNING),
    Damage("counter behind", counter_behind, K.COUNTER, subject="next_id"),
    Damage("no counter", without("next_id"), K.AUXILIARY, subject="next_id"),
    Damage("no record", without("running_runner"), K.AUXILIARY, subject="running_runner"),
    Damage(
        "no pings",
        without("runner_pings"),
        K.AUXILIARY,
        Severity.WARNING,
        subject="runner_pings",
    ),
    Damage(
        "no version",
        without("jobflow_remote_version"),
        K.AUXILIARY,
        Severity.WARNING,
        subject="jobflow_remote_version",
        mendable=False,
    ),
    Damage("not set up", not_set_up, K.NOT_SET_UP, subject="database", mendable=False),
    Damage("no indexes", without_indexes, K.INDEX, Severity.WARNING, subject="jobs"),
    Damage("a db_id twice", doubled, K.DUPLICATE, subject="db_id 4", mendable=False),
    Damage(
        "an unknown worker",
        set_job("2", worker="gone"),
        K.UNKNOWN_WORKER,
        subject="gone",
        mendable=False,
    ),
    Damage(
        "nobody works on it",
        set_job("2", state="CHECKED_OUT"),
        K.UNATTENDED,
        Severity.NOTE,
        subject="CHECKED_OUT",
        mendable=False,
    ),
]
