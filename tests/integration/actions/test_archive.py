"""Finished flows leave the queue and come back as they were, on each engine, whatever is killed."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from crashes import Fuse, Killed, bury, dying
from staged import Stage
from thoroughness import THOROUGH

from controller.config import EventOptions, Project
from controller.doctor import diagnosing
from controller.doctor.diagnosing import diagnose
from controller.doctor.mending import mend
from controller.errors import JobNotFoundError, NotFoundError, SubmissionError
from controller.filters import FlowFilter, JobFilter
from controller.operations import archiving
from controller.operations.archiving import archive_flows, unarchive_flows
from controller.operations.backup import dump, restore, standard_names
from controller.operations.bulk import Options
from controller.operations.insertion import AcceptedFlow, RunSettings, insert_flow
from controller.rules.diagnosis import FindingKind, Severity
from controller.runner.upkeep import EventUpkeep
from controller.states import FlowState, JobState


def contents(stage: Stage) -> dict[str, Any]:
    """Jobs and flows of the queue, without their locks, which leave fields of null."""
    locks = ("lock_id", "lock_time", "lock_lease")
    return {
        name: {
            doc["_id"]: {k: v for k, v in doc.items() if k not in locks}
            for doc in getattr(stage.controller, name).find({})
        }
        for name in ("jobs", "flows")
    }


def problems(stage: Stage) -> list[Any]:
    """What is wrong with the queue; that no runner attends to it is not."""
    found = diagnose(stage.controller).findings
    ignored = (FindingKind.UNATTENDED, FindingKind.COUNTER)
    return [f for f in found if f.severity is Severity.PROBLEM and f.kind not in ignored]


def two_flows(stage: Stage) -> tuple[dict[str, str], dict[str, str]]:
    done = stage.flow(a="COMPLETED", b=("COMPLETED", "a"), c=("COMPLETED", "b"))
    stage.controller.jobs.update_one(
        {"db_id": done["a"]},
        {"$set": {"job.metadata": {"tag": "x"}, "error": None, "job.function_args": ["y" * 3000]}},
    )
    return done, stage.flow(d="FAILED", e=("WAITING", "d"))


def test_there_and_back(stage: Stage) -> None:
    done, failed = two_flows(stage)
    going = stage.flow(f="RUNNING")
    paused = stage.flow(g="PAUSED")
    before, controller = contents(stage), stage.controller
    planned = controller.archive_flows(dry_run=True)
    assert (len(planned), len(planned.refused)) == (2, 2)
    assert contents(stage) == before
    moved = controller.archive_flows()
    assert set(moved) == {done["flow"], failed["flow"]}
    assert moved.jobs == 5
    assert [r.db_id for r in moved.refused] == [going["flow"], paused["flow"]]
    assert "is RUNNING" in moved.refused[0].reason
    assert len(contents(stage)["jobs"]) == len(contents(stage)["flows"]) == 2
    stage.check()

    info = controller.get_job_info(db_id=done["a"])
    assert info is not None
    assert info.state is JobState.COMPLETED
    doc = controller.get_job_doc(db_id=done["a"])
    assert doc is not None
    assert doc.job_data["function_args"] == ["y" * 3000]
    assert controller.get_job_info(db_id=done["a"], archived=False) is None
    flows = controller.get_archived_flows_info(FlowFilter(db_ids=done["b"]), with_jobs_info=True)
    assert [job.db_id for job in flows[0].jobs_info or []] == [done[n] for n in "abc"]
    assert not problems(stage)

    assert len(controller.unarchive_flows(dry_run=True)) == 2
    back = controller.unarchive_flows(selection=FlowFilter(states=FlowState.COMPLETED))
    assert list(back) == [done["flow"]]
    controller.unarchive_flows([failed["d"]])
    assert contents(stage) == before
    assert controller.queue.archive.count_documents({}) == 0
    told = [e.name for e in controller.queue.events.find_where({"kind": "action"})]
    assert told == ["archive", "archive", "unarchive", "unarchive"]


def many_flows(stage: Stage) -> list[dict[str, str]]:
    flows = [stage.flow(**{f"n{n}": "COMPLETED"}) for n in range(6)]
    return [*flows, stage.flow(two="FAILED", three=("WAITING", "two"))]


def test_small_flows_share_a_document(stage: Stage) -> None:
    flows = many_flows(stage)
    before, controller = contents(stage), stage.controller
    archive = controller.queue.archive
    assert controller.archive_flows().jobs == 8
    shares = controller.queue.takes_turns
    assert archive.count_documents({}) == (1 if shares else len(flows))
    assert not problems(stage)
    again = AcceptedFlow(flows[2]["flow"], "again", {}, [])
    with pytest.raises(SubmissionError, match="archive"):
        insert_flow(controller.queue, again, RunSettings("local"))

    for flow in flows:
        db_id = next(db_id for name, db_id in flow.items() if name != "flow")
        info = controller.get_job_info(db_id=db_id)
        assert info is not None
        for given in ({"flow_ids": flow["flow"]}, {"db_ids": db_id}, {"job_ids": info.uuid}):
            [found] = controller.get_archived_flows_info(FlowFilter(**given), with_jobs_info=True)
            assert found.flow_id == flow["flow"]
            assert next(job.db_id for job in found.jobs_info or []) == db_id
    failed = controller.get_archived_flows_info(FlowFilter(states=FlowState.FAILED))
    assert [flow.flow_id for flow in failed] == [flows[-1]["flow"]]

    assert len(controller.unarchive_flows(dry_run=True)) == len(flows)
    assert list(controller.unarchive_flows([flows[3]["flow"]])) == [flows[3]["flow"]]
    assert archive.count_documents({}) == (1 if shares else len(flows) - 1)
    assert controller.unarchive_flows(flows[0]["flow"]).jobs == 1
    orders = [(field, way) for field in ("updated_on", "created_on", "db_id") for way in (1, -1)]
    for order in orders:  # some in a document of their own, some together
        whole = controller.get_archived_flows_info(sort=[order])
        assert len(whole) == len(flows) - 2
        times = [flow.updated_on if order[0] == "updated_on" else flow.created_on for flow in whole]
        assert times == sorted(times, reverse=order[1] < 0)
        for skip, limit in ((0, 2), (1, 2), (3, 9), (9, 1)):
            some = controller.get_archived_flows_info(sort=[order], limit=limit, skip=skip)
            assert some == whole[skip : skip + limit]
    controller.archive_flows([flows[0]["flow"]])
    assert len(controller.unarchive_flows()) == len(flows) - 1
    assert contents(stage) == before
    assert archive.count_documents({}) == 0


def test_killed_while_a_bundle_is_dissolved(stage: Stage) -> None:
    """Also where a bundle came with a backup, and there are no transactions."""
    flows = many_flows(stage)
    queue, controller, uuid = stage.controller.queue, stage.controller, flows[1]["flow"]
    if not queue.takes_turns:
        pytest.skip("makes no bundles")
    before = contents(stage)
    for transactions in (True, False):
        at = 0
        while True:
            at += 1
            controller.archive_flows()
            assert queue.archive.count_documents({}) == 1
            fuse = Fuse(at, after=False)
            with suppress(Killed):
                unarchive_flows(dying(queue, fuse, transactions=transactions), [uuid], Options())
            bury(queue)
            gone = {"$set": {"lock_lease.owner.start_time": "before the crash"}}
            queue.archive.update_many({"lock_id": {"$ne": None}}, gone)
            mend(controller, diagnose(controller), dry_run=False)
            archived = {flow.flow_id for flow in controller.get_archived_flows_info()}
            live = {flow["uuid"] for flow in queue.flows.find({})}
            assert archived | live == {flow["flow"] for flow in flows}, at
            assert not archived & live, at
            controller.unarchive_flows()
            assert contents(stage) == before, at
            if not fuse.blown:
                break
        assert at > 2


SELECTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "abcde"),
    ({"states": "FAILED"}, "d"),
    ({"name": "[ab]"}, "ab"),
    ({"name": "zz*"}, ""),
    ({"name": "c"}, "c"),
    ({"metadata": {"tag": "x"}}, "a"),
    ({"workers": "other"}, ""),
    ({"workers": ["local"], "states": ["WAITING", "FAILED"]}, "de"),
    ({"db_ids": ["1", "5"]}, "ae"),
    ({"flow_ids": "4"}, "de"),
    ({"custom_query": {"priority": {"$gt": 3}}}, ""),
    ({"custom_query": {"$or": [{"job.name": "a"}, {"state": {"$nin": ["COMPLETED"]}}]}}, "ade"),
]


def test_files_of_archived_jobs_are_found(stage: Stage) -> None:
    done, _ = two_flows(stage)
    controller = stage.controller
    controller.jobs.update_one({"db_id": done["a"]}, {"$set": {"run_dir": None}})
    controller.archive_flows()
    for read in (controller.list_job_files, controller.read_job_log, controller.read_queue_files):
        with pytest.raises(NotFoundError, match=rf"job {done['a']} has no (run directory|log) yet"):
            read(db_id=done["a"])
        with pytest.raises(JobNotFoundError):
            read(db_id="none")


def test_filters_and_orders_of_the_archive(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "PART_JOBS", 2)
    two_flows(stage)
    live = stage.controller
    fields = ("updated_on", "created_on", "db_id")
    orders = [(field, way) for field in fields for way in (1, -1)]
    asked = [(JobFilter(**given), order) for given, _ in SELECTIONS for order in orders]

    def names(jobs: Any) -> str:
        return "".join(job.name for job in jobs)

    before = [
        names(live.get_jobs_info_query(live.queue.query(s), sort=[order])) for s, order in asked
    ]
    assert len(live.archive_flows()) == 2
    assert live.queue.archive.count_documents({}) == 3
    after = [names(live.get_archived_jobs_info(s, [order])) for s, order in asked]
    assert [sorted(x) for x in after] == [sorted(x) for x in before]
    for (given, letters), found in zip(SELECTIONS, after[:: len(orders)]):
        assert "".join(sorted(found)) == letters, given
    newest = [live.get_archived_jobs_info(sort=[("updated_on", -1)], limit=n) for n in range(1, 6)]
    assert [len(jobs) for jobs in newest] == [1, 2, 3, 4, 5]
    times = [job.updated_on for job in newest[-1]]
    assert times == sorted(times, reverse=True)
    flow = live.get_archived_flows_info(FlowFilter(job_ids=newest[0][0].uuid))
    assert len(flow) == 1
    assert len(live.get_archived_flows_info(sort=[("db_id", -1)], limit=1)) == 1


def test_a_backup_has_the_archive(stage: Stage, tmp_path: Path) -> None:
    two_flows(stage)
    before, queue = contents(stage), stage.controller.queue
    queue.auxiliary.update_one({"next_id": {"$exists": True}}, {"$set": {"next_id": 6}})
    assert "flows_archive" not in standard_names(queue)
    stage.controller.archive_flows()
    assert dump(queue, tmp_path / "backup")["flows_archive"] == 2
    stage.controller.reset()
    assert queue.archive.count_documents({}) == 0
    restore(queue, tmp_path / "backup" / queue.database.name)
    assert len(stage.controller.unarchive_flows()) == 2
    assert contents(stage) == before


def test_space_is_given_back(stage: Stage) -> None:
    """The embedded file gets smaller; a server is asked, and may not say what it did."""
    stage.flow(**{f"job{n}": ("COMPLETED", {"error": secrets.token_hex(2500)}) for n in range(100)})
    stage.controller.delete_flows(max_limit=0)
    planned = stage.controller.compact(dry_run=True)
    done = stage.controller.compact()
    if stage.controller.queue.database.engine == "embedded":
        assert planned.freed is not None
        assert done.freed is not None
        assert done.freed >= planned.freed > 300_000
    assert stage.controller.count_jobs() == 0


def test_what_is_archived_is_not_submitted_again(stage: Stage) -> None:
    done, _ = two_flows(stage)
    stage.controller.archive_flows()
    again = AcceptedFlow(done["flow"], "again", {}, [])
    with pytest.raises(SubmissionError, match="archive"):
        insert_flow(stage.controller.queue, again, RunSettings("local"))


@pytest.mark.parametrize("transactions", [False, True], ids=["step by step", "transactions"])
@pytest.mark.parametrize("back", [False, True], ids=["archive", "unarchive"])
def test_killed_at_any_write(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, transactions: bool, back: bool
) -> None:
    """After the doctor, a flow is whole in one of the two places, and what is next works."""
    if transactions and not stage.controller.queue.database.supports_transactions:
        pytest.skip("no transactions")
    monkeypatch.setattr(archiving, "PART_JOBS", 2)
    monkeypatch.setattr(diagnosing, "CONFIRM_AFTER", 0.0)
    done, _ = two_flows(stage)
    queue, controller = stage.controller.queue, stage.controller
    before, options, uuid = contents(stage), Options(), done["flow"]
    controller.archive_flows()
    archived = list(queue.archive.find({}))
    controller.unarchive_flows()
    at, after = 0, False
    while True:
        at, after = (at, True) if not after and at and THOROUGH else (at + 1, False)
        if back:
            controller.archive_flows()
        fuse = Fuse(at, after=after)
        mortal = dying(queue, fuse, transactions=transactions)
        try:
            if back:
                unarchive_flows(mortal, [uuid], options)
            else:
                archive_flows(mortal, [uuid], options)
        except Killed:
            pass
        bury(queue)
        gone = {"$set": {"lock_lease.owner.start_time": "before the crash"}}
        queue.archive.update_many({"lock_id": {"$ne": None}}, gone)
        mend(controller, diagnose(controller), dry_run=False)
        assert not problems(stage), (at, after)
        assert queue.archive.count_documents({"stage": {"$ne": None}}) == 0
        heads = queue.archive.count_documents({"flow": uuid, "n": 0})
        assert heads + queue.flows.count_documents({"uuid": uuid}) == 1, (at, after)
        if heads:
            assert queue.archive.count_documents({"flow": uuid}) == 2
        controller.unarchive_flows()
        assert contents(stage) == before, (at, after)
        assert queue.archive.count_documents({}) == 0
        if not fuse.blown:
            break
    assert at > 5
    assert len(archived) == 3


@pytest.mark.parametrize("who", ["archive", "unarchive", "runner"])
@pytest.mark.parametrize("left", [0, 1], ids=["nothing left", "a job left"])
def test_an_interrupted_move_is_finished_without_the_doctor(
    stage: Stage, who: str, left: int
) -> None:
    done, _ = two_flows(stage)
    before, controller, queue = contents(stage), stage.controller, stage.controller.queue
    jobs = list(queue.jobs.find({"job.hosts": done["flow"]}))
    flow = queue.flows.find_one({"uuid": done["flow"]})
    controller.archive_flows(done["flow"])
    queue.archive.update_one({"n": 0}, {"$set": {"stage": "deleting"}})
    if left:
        queue.database.collection(queue.jobs.name).insert_one(jobs[0])
        queue.database.collection(queue.flows.name).insert_one(flow)
    if who == "runner":
        project = Project.model_construct(events=EventOptions(enabled=False), notify=[])
        EventUpkeep(queue, project).look()
    else:
        getattr(controller, f"{who}_flows")("00000000-0000-4000-8000-000000000000")
    assert queue.archive.count_documents({"stage": {"$ne": None}}) == 0
    assert queue.archive.count_documents({"n": 0}) == 1 - left
    controller.unarchive_flows()
    assert contents(stage) == before
