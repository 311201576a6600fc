"""What has to hold when crashes have ended and a runner has finished everything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from arena import Arena, Key, let_time_pass

from controller.doctor import Severity, diagnose, mend
from controller.execution.files import OUT_FILE
from controller.jobcontroller import JobController
from controller.rules import flow_state, get_flow_leafs, is_satisfied, newest_by_uuid
from controller.rules.readiness import on_missing_of
from controller.runner import Runner
from controller.states import JobState
from controller.storage.outputs import stored_outputs

ROUNDS = 60
"""Rounds of the runner after which something goes on for ever."""


@dataclass
class Ledger:
    """What is known of the past, whatever the database says.

    Attributes
    ----------
    flows
        {uuid: uuids of its jobs} of flows whose submission was acknowledged.
    deleted, deleted_flows
        What somebody wanted to delete; it may be gone.
    may_run
        How many times more than once a job may have been executed.
    by_hand
        Jobs that were called COMPLETED by hand.
    loosened
        Flows of which somebody wanted to delete jobs: without transactions a death in the middle
        leaves their lists to the doctor.
    """

    flows: dict[str, list[str]] = field(default_factory=dict)
    deleted: set[Key] = field(default_factory=set)
    deleted_flows: set[str] = field(default_factory=set)
    may_run: Counter[Key] = field(default_factory=Counter)
    by_hand: set[Key] = field(default_factory=set)
    loosened: set[str] = field(default_factory=set)

    def take(self, notes: list[tuple[str, Any]]) -> None:
        """Take in what operations noted before they began."""
        for what, value in notes:
            match what:
                case "may run again":
                    self.may_run.update(value)
                case "set by hand":
                    self.by_hand.update(value)
                case "deleted":
                    self.deleted.update(value)
                case "loosened":
                    self.loosened.update(value)
                case "deleted flows":
                    self.deleted_flows.update(value)
                case _:
                    raise AssertionError(what)


def end(arena: Arena, ledger: Ledger, *, half_inserted: bool = False) -> dict[str, int]:
    """Let everything come to its end, and judge it; returns how many jobs are in which state.

    Where there are transactions the doctor is not asked.

    Parameters
    ----------
    half_inserted
        Whether a submission died.
    """
    arena.do(partial(settle, arena))
    loose = ledger.deleted_flows | ledger.loosened
    if not arena.transactions and (half_inserted or loose):
        arena.do(partial(finish_halves, arena, ledger.flows.keys() - loose))
        arena.do(partial(settle, arena))
    states: dict[str, int] = arena.do(partial(judge, arena, ledger)).result
    return states


def settle(arena: Arena) -> None:
    """Let a runner and the cluster finish everything. Nobody else is at work any more."""
    let_time_pass()
    with arena.runner() as runner:
        for _ in range(ROUNDS):
            if runner.advance():
                continue
            if _unseen(arena, runner) or not arena.cluster.listed():
                if runner.advance():  # what is held was seen for the first time before
                    continue
                assert not (unseen := _unseen(arena, runner)), (
                    f"runs, and nobody knows: {unseen}; {_states(runner)}"
                )
            if not arena.cluster.work():
                break
        else:
            raise AssertionError(f"still at work after {ROUNDS} rounds: {_states(runner)}")
        assert runner.is_idle(), f"stuck: {_states(runner)}"


def _states(runner: Runner) -> list[Any]:
    fields = ["db_id", "state", "lock_id", "remote", "previous_state"]
    return list(runner.controller.jobs.find({}, fields))


def _unseen(arena: Arena, runner: Runner) -> dict[str, str]:
    """What is in the queue of the cluster, and not known as such: {id: run directory}."""
    query = {"state": {"$in": ["SUBMITTED", "RUNNING"]}}
    known = {d["remote"]["process_id"] for d in runner.controller.jobs.find(query, ["remote"])}
    return {n: d.name for n, d in arena.cluster.listed().items() if n not in known}


def finish_halves(arena: Arena, whole: Set[str]) -> None:
    """Let the doctor see to submissions and deletions that died; nothing else is wrong.

    Parameters
    ----------
    whole
        Uuids of flows with which nothing may be wrong.
    """
    let_time_pass()
    with arena.controller() as controller:
        known = {d["uuid"]: d["uuid"] for d in controller.flows.find({}, ["uuid"])}
        known |= {d["db_id"]: d["job"]["hosts"][-1] for d in controller.jobs.find({})}
        diagnosis = diagnose(controller)
        for finding in diagnosis.findings:
            if finding.severity is not Severity.NOTE:
                flow = known.get(finding.subject, finding.subject)
                assert flow not in whole, finding
        mend(controller, diagnosis, dry_run=False, half_inserted=True)


def judge(arena: Arena, ledger: Ledger) -> dict[str, int]:
    """Assert what has to hold; returns how many jobs are in which state."""
    let_time_pass()
    with arena.controller() as controller:
        jobs = list(controller.jobs.find({}))
        flows = list(controller.flows.find({}))
        _no_lock(jobs, flows)
        _nothing_doubled(jobs, flows)
        _lists_agree(jobs, flows)
        _derived(jobs, flows)
        _nothing_lost(jobs, ledger)
        _outputs(controller, jobs, ledger)
        _executions(arena, jobs, ledger)
        entries = list(controller.auxiliary.find({"aftermath": {"$exists": True}}))
        assert entries == []
        found = diagnose(controller, outputs=not ledger.by_hand).findings
        assert [f for f in found if f.severity is not Severity.NOTE] == []
        return dict(Counter(job["state"] for job in jobs))


def _no_lock(jobs: list[Any], flows: list[Any]) -> None:
    for document in (*jobs, *flows):
        remains = [document.get(f) for f in ("lock_id", "lock_time", "lock_lease")]
        assert remains == [None, None, None], document


def _nothing_doubled(jobs: list[Any], flows: list[Any]) -> None:
    for keys in (
        [(j["uuid"], j["index"]) for j in jobs],
        [j["db_id"] for j in jobs],
        [f["uuid"] for f in flows],
    ):
        assert len(set(keys)) == len(keys), keys


def _lists_agree(jobs: list[Any], flows: list[Any]) -> None:
    of_jobs, known = {j["job"]["hosts"][-1] for j in jobs}, {f["uuid"] for f in flows}
    assert of_jobs == known, (of_jobs - known, known - of_jobs)
    for flow in flows:
        mine = [j for j in jobs if j["job"]["hosts"][-1] == flow["uuid"]]
        expected = sorted((j["db_id"], j["uuid"], j["index"]) for j in mine)
        assert sorted(map(tuple, flow["ids"])) == expected
        assert sorted(flow["jobs"]) == sorted({j["uuid"] for j in mine})
        parents = {
            (uuid, int(index)): sorted(many)
            for uuid, by_index in flow["parents"].items()
            for index, many in by_index.items()
        }
        assert parents == {(j["uuid"], j["index"]): sorted(j["parents"] or ()) for j in mine}


def _derived(jobs: list[Any], flows: list[Any]) -> None:
    newest = newest_by_uuid(jobs)
    for job in newest.values():
        if job["state"] in (JobState.READY, JobState.WAITING):
            parents = [JobState(newest[p]["state"]) for p in job["parents"]]
            satisfied = is_satisfied(on_missing_of(job), parents)
            assert satisfied is (job["state"] == JobState.READY), (job["db_id"], parents)
    for flow in flows:
        mine = [j for j in jobs if j["job"]["hosts"][-1] == flow["uuid"]]
        states = [JobState(j["state"]) for j in mine]
        leaves = [JobState(j["state"]) for j in get_flow_leafs(mine)]
        assert flow["state"] == flow_state(states, leaves), (flow["uuid"], states, leaves)


def _nothing_lost(jobs: list[Any], ledger: Ledger) -> None:
    """Submitted jobs are there, and those that responses of completed jobs ask for."""
    there = {(j["uuid"], j["index"]) for j in jobs}
    wanted = {
        (uuid, 1)
        for flow, uuids in ledger.flows.items()
        if flow not in ledger.deleted_flows
        for uuid in uuids
    }
    for job in jobs:
        if job["state"] == JobState.COMPLETED and (job["uuid"], job["index"]) not in ledger.by_hand:
            wanted |= set(_asked_for(Path(job["run_dir"]) / OUT_FILE))
    assert wanted - there <= ledger.deleted


def _asked_for(path: Path) -> list[Key]:
    """Find (uuid, index) of the jobs that a response adds."""
    found: list[Key] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("@class") == "Job" and "function" in value:
                found.append((value["uuid"], value["index"]))
            for part in value.values():
                look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    response = json.loads(path.read_text())["response"]
    for kind in ("replace", "addition", "detour"):
        look(response[kind])
    return found


def _outputs(controller: JobController, jobs: list[Any], ledger: Ledger) -> None:
    """Each completed job has one output, and no key has two."""
    store = controller.jobstore
    stored = [(d["uuid"], d["index"]) for d in store.docs_store.query({}, ["uuid", "index"])]
    assert len(stored) == len(set(stored)), stored
    completed = {(j["uuid"], j["index"]) for j in jobs if j["state"] == JobState.COMPLETED}
    assert completed - set(stored) <= ledger.by_hand
    assert set(stored) >= stored_outputs(store, {uuid for uuid, _ in completed})


def _executions(arena: Arena, jobs: list[Any], ledger: Ledger) -> None:
    """Nothing ran more often than somebody asked for, and what is completed did run."""
    executed = Counter(arena.cluster.executed())
    for key, times in executed.items():
        assert times <= 1 + ledger.may_run[key], (key, times)
    for job in jobs:
        key = (job["uuid"], job["index"])
        if job["state"] == JobState.COMPLETED and key not in ledger.by_hand:
            assert executed[key] >= 1, job["db_id"]
