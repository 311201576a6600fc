"""``jf admin``, ``jf batch`` and ``jf runner``: what they change, refuse and say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from acceptance_jobs import add
from installed_jf import Project, answering
from jobflow import Flow

from controller.documents import new_batch_document, utc_now

LOCKS = [("1", "somebody"), ("2", None), ("3", "else")]


@pytest.fixture
def locked(fresh: Project) -> Project:
    """Three jobs and a flow, all but one locked by software that knows no leases."""
    now = utc_now()
    fresh.controller.jobs.insert_many(
        [
            {
                "db_id": db_id,
                "uuid": f"0000000{db_id}-0000-4000-8000-000000000000",
                "index": 1,
                "state": "RUNNING",
                "updated_on": now,
                "job": {"hosts": []},
                "lock_id": lock,
                "lock_time": now if lock else None,
            }
            for db_id, lock in LOCKS
        ]
    )
    fresh.controller.flows.insert_one(
        {"uuid": "f", "jobs": [], "ids": [], "state": "RUNNING", "lock_id": "x", "lock_time": now}
    )
    return fresh


def report(project: Project, *words: str) -> Any:
    done = project.jf(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_unlock(locked: Project) -> None:
    planned = report(locked, "admin", "unlock", "--dry-run")
    assert (planned["unlocked"], planned["dry_run"], planned["modified"]) == (2, True, [])
    assert {p["db_id"]: p["before"]["lock_id"] for p in planned["plan"]} == {
        db_id: lock for db_id, lock in LOCKS if lock
    }
    assert LOCKS[0][0] in locked.jf("admin", "unlock", "--dry-run").stdout
    refused = locked.jf("admin", "unlock")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Unlock 2 jobs?" in refused.stderr
    assert "--yes" in refused.stderr
    assert locked.controller.jobs.count_documents({"lock_id": None}) == 1
    assert report(locked, "admin", "unlock", "-did", "1", "-y")["unlocked"] == 1
    pair = "00000003-0000-4000-8000-000000000000:1"
    assert report(locked, "admin", "unlock", "-jid", pair, "-y")["unlocked"] == 1
    nothing = report(locked, "admin", "unlock")
    assert (nothing["unlocked"], nothing["dry_run"], nothing["matched"]) == (0, False, 0)


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1)])
def test_unlock_flow_asks(locked: Project, answer: str, left: int) -> None:
    _, code = answering(locked.folder, ["admin", "unlock-flow"], [("Unlock 1 flow", answer)])
    assert code == 0
    assert locked.controller.flows.count_documents({"lock_id": {"$ne": None}}) == left


def test_unlock_runner(fresh: Project) -> None:
    record = {"running_runner": {"$exists": True}}
    fresh.controller.auxiliary.update_one(record, {"$set": {"lock_id": "x"}})
    assert report(fresh, "admin", "unlock-runner", "--dry-run")["unlocked"] == 1
    assert report(fresh, "admin", "unlock-runner")["unlocked"] == 1
    assert report(fresh, "admin", "unlock-runner")["unlocked"] == 0
    fresh.controller.auxiliary.delete_many(record)
    assert fresh.jf("admin", "unlock-runner").returncode == 1


def test_reset(locked: Project) -> None:
    planned = report(locked, "admin", "reset", "--dry-run")
    assert (planned["deleted_jobs"], planned["deleted_flows"]) == (3, 1)
    assert locked.jf("admin", "reset").returncode == 2
    assert locked.controller.jobs.count_documents({}) == 3
    assert report(locked, "admin", "reset", "-y")["deleted_jobs"] == 3
    assert locked.controller.jobs.count_documents({}) == 0


def test_many_flows_need_the_date(fresh_embedded: Project) -> None:
    fresh_embedded.controller.flows.insert_many([{"uuid": str(i), "jobs": []} for i in range(25)])
    refused = fresh_embedded.jf("admin", "reset", "-y")
    assert refused.returncode == 6
    assert "YYYY-MM-DD" in refused.stderr
    assert fresh_embedded.controller.flows.count_documents({}) == 25


def test_indexes(fresh: Project) -> None:
    made = report(fresh, "admin", "index", "create", "job.metadata.x", "desc", "-u", "--dry-run")
    assert made == {
        "collection": "jobs",
        "key": "job.metadata.x",
        "descending": True,
        "unique": True,
        "dry_run": True,
    }
    assert fresh.controller.custom_indexes() == {}
    report(fresh, "admin", "index", "create", "job.metadata.x", "desc", "-u")
    report(fresh, "admin", "index", "create", "name_of_mine", "-c", "flows")
    names = {"jobs": ["job.metadata.x_-1"], "flows": ["name_of_mine_1"]}
    assert fresh.controller.custom_indexes() == names
    refused = fresh.jf("admin", "index", "rebuild")
    assert refused.returncode == 2
    assert "job.metadata.x_-1" in refused.stderr
    assert report(fresh, "admin", "index", "rebuild", "-y", "-fg")["lost"] == names
    assert fresh.controller.custom_indexes() == {}
    assert fresh.jf("admin", "index", "rebuild").returncode == 0
    assert "db_id_1" in fresh.controller.jobs.index_information()


@pytest.fixture
def batches(fresh_embedded: Project) -> Project:
    """Batch processes of two workers, two of which have one id."""
    for number, (process_id, worker, state) in enumerate(
        [("7", "a", "FINISHED"), ("7", "b", "RUNNING"), ("8", "a", "SUBMITTED")]
    ):
        document = new_batch_document(
            batch_uid=f"uid{number}", process_id=process_id, worker=worker
        )
        jobs = [[str(number), f"u{number}", 1]]
        fresh_embedded.controller.batches.insert_one(
            {**document, "batch_state": state, "jobs": jobs}
        )
    return fresh_embedded


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"uid0", "uid1", "uid2"}),
        (["-wk", "a"], {"uid0", "uid2"}),
        (["-s", "running", "-s", "SUBMITTED"], {"uid1", "uid2"}),
        (["-did", "1"], {"uid1"}),
        (["-jid", "u2:1"], {"uid2"}),
    ],
)
def test_batch_list(batches: Project, words: list[str], expected: set[str]) -> None:
    rows = report(batches, "batch", "list", *words)
    assert {row["batch_uid"] for row in rows} == expected
    count = batches.jf("batch", "list", *words, "--format", "count").stdout
    assert count == f"{len(expected)}\n"


def test_batch_info(batches: Project) -> None:
    row = report(batches, "batch", "info", "8")
    assert row["batch_uid"] == "uid2"
    assert row["jobs"] == [{"db_id": "2", "uuid": "u2", "index": 1}]
    assert "uid1" in batches.jf("batch", "info", "uid1").stdout
    more = {**new_batch_document(batch_uid="begin-1", process_id="9", worker="a"), "jobs": []}
    batches.controller.batches.insert_many([more, {**more, "batch_uid": "begin-22"}])
    assert report(batches, "batch", "info", "begin-2")["batch_uid"] == "begin-22"
    several = batches.jf("batch", "info", "begin")
    assert several.returncode == 2
    assert "begin-1, begin-22" in several.stderr
    assert batches.jf("batch", "info", "beg").returncode == 3
    forgotten = report(batches, "batch", "delete", "-bid", "begin-2", "-s", "SUBMITTED", "-y")
    assert forgotten["modified"] == ["begin-22"]
    ambiguous = batches.jf("batch", "info", "7")
    assert ambiguous.returncode == 2
    assert "batch uid" in ambiguous.stderr
    assert batches.jf("batch", "info", "99").returncode == 3
    assert batches.jf("batch", "list", "-jid", "u1:1", "-did", "1").returncode == 2
    assert len(batches.jf("batch", "list", "-m", "1", "--format", "name").stdout.split()) == 1


def test_batch_delete(batches: Project) -> None:
    planned = report(batches, "batch", "delete", "--dry-run")
    assert (planned["deleted"], planned["dry_run"]) == (0, True)
    assert [(p["db_id"], p["name"], p["before"]) for p in planned["plan"]] == [
        ("uid0", "7", "FINISHED")
    ]
    assert "uid0" in batches.jf("batch", "delete", "--dry-run").stdout
    assert batches.jf("batch", "delete").returncode == 2
    assert report(batches, "batch", "delete", "-pid", "7", "-y")["deleted"] == 1
    left = report(batches, "batch", "delete", "-bid", "uid1", "-s", "RUNNING", "-y")
    assert left["deleted"] == 1
    assert [doc["batch_uid"] for doc in batches.controller.batches.find({})] == ["uid2"]


def test_batches_of_development_versions(batches: Project) -> None:
    batches.controller.batches.update_one({"batch_uid": "uid2"}, {"$set": {"jobs": {}}})
    words = ("batch", "fix-batch-doc-jobs-dict")
    assert report(batches, *words, "--dry-run")["changed"] == 1
    assert report(batches, *words)["changed"] == 1
    assert report(batches, *words)["changed"] == 0
    assert "fix-batch" not in batches.jf("batch", "--help").stdout


def register(project: Project, **more: Any) -> None:
    record = {
        "hostname": "node1",
        "pid": 42,
        "user": "me",
        "ping_every": 10.0,
        "start_time": utc_now(),
        "last_pinged": utc_now(),
        "processes_info": {"one": {}},
        **more,
    }
    project.controller.auxiliary.update_one(
        {"running_runner": {"$exists": True}}, {"$set": {"running_runner": record}}
    )


def test_runner_status(fresh: Project) -> None:
    nobody = fresh.jf("runner", "status", "--json")
    assert nobody.returncode == 9
    assert fresh.jf("runner", "status", "--format", "count").stdout == "0\n"
    assert json.loads(nobody.stdout)["state"] == "none"
    register(fresh)
    assert report(fresh, "runner", "status")["alive"] is True
    assert fresh.jf("runner", "status", "--format", "count").stdout == "1\n"
    assert "process 42 on node1" in fresh.jf("runner", "status").stdout
    register(fresh, last_pinged=utc_now() - timedelta(minutes=5))
    silent = fresh.jf("runner", "status", "--json")
    assert silent.returncode == 9
    row = json.loads(silent.stdout)
    assert row["state"] == "silent"
    assert row["silent_for"] >= 300


def test_runner_info(fresh_embedded: Project) -> None:
    assert report(fresh_embedded, "runner", "info")["record"] is None
    register(fresh_embedded)
    fresh_embedded.controller.ping_running_runner({"hostname": "node2", "pid": 43})
    row = report(fresh_embedded, "runner", "info", "--pings")
    assert [ping["hostname"] for ping in row["pings"]] == ["node2"]
    assert "processes_info" not in row["record"]
    assert "processes_info" in report(fresh_embedded, "runner", "info", "-v")["record"]
    assert "node2" in fresh_embedded.jf("runner", "info", "-p").stdout


def test_runner_reset(fresh_embedded: Project) -> None:
    nothing = fresh_embedded.jf("runner", "reset")
    assert nothing.returncode == 0
    assert "warning" in nothing.stderr
    register(fresh_embedded)
    assert fresh_embedded.jf("runner", "reset").returncode == 2
    assert report(fresh_embedded, "runner", "reset", "--dry-run")["reset"] is False
    assert report(fresh_embedded, "runner", "reset", "-y")["reset"] is True
    assert fresh_embedded.controller.get_running_runner() is None
    register(fresh_embedded)
    held = {"lock_id": "x", "lock_time": utc_now()}
    fresh_embedded.controller.auxiliary.update_one(
        {"running_runner": {"$exists": True}}, {"$set": held}
    )
    assert fresh_embedded.jf("runner", "reset", "-y").returncode == 6
    assert fresh_embedded.jf("runner", "reset", "-y", "-bl").returncode == 0


def test_update_status_is_refused_beside_a_live_runner(fresh_embedded: Project) -> None:
    assert report(fresh_embedded, "runner", "update-status", "-log", "error", "-pid", "-i") == {
        "changed": [],
        "dry_run": False,
    }
    register(fresh_embedded)
    assert fresh_embedded.jf("runner", "update-status").returncode == 6
    tried = report(fresh_embedded, "runner", "update-status", "--dry-run")
    assert tried == {"changed": [], "dry_run": True}
    assert fresh_embedded.jf("admin", "reset", "-y").returncode == 6


def test_update_status_can_be_tried_first(fresh_embedded: Project) -> None:
    ids = fresh_embedded.controller.add_flow(Flow([add(1, 2), add(3, 4)]), worker="local")
    gone = {"state": "RUNNING", "remote.process_id": "4000000", "run_dir": "/nowhere"}
    fresh_embedded.controller.jobs.update_one({"db_id": ids[0]}, {"$set": gone})
    tried = report(fresh_embedded, "runner", "update-status", "--dry-run")
    assert tried == {"changed": [ids[0]], "dry_run": True}
    assert fresh_embedded.controller.get_job_info(db_id=ids[0]).state.value == "RUNNING"
    done = report(fresh_embedded, "runner", "update-status")
    assert done == {"changed": [ids[0]], "dry_run": False}
    assert fresh_embedded.controller.get_job_info(db_id=ids[0]).state.value == "DOWNLOADED"
