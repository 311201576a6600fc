"""What actions do to the jobs of a flow, as tables: no database."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from controller.errors import ControllerError, JobLockedError, StateError
from controller.rules.plans import (
    FlowPlan,
    FlowView,
    RunChange,
    plan_deletion,
    plan_pause,
    plan_rerun,
    plan_resume,
    plan_retry,
    plan_set_fields,
    plan_set_run,
    plan_set_state,
    plan_stop,
)
from controller.states import JobState

TIMES = {"start_time", "end_time"}
ALL = [state.value for state in JobState]


def view(chosen: str, /, **jobs: Any) -> FlowView:
    """Describe a flow.

    Parameters
    ----------
    chosen
        Names of the chosen jobs, with blanks.
    jobs
        name=state, or name=(state, names of the parents..., {fields}). ``a_2`` is index 2 of a.
    """
    docs = {}
    for key, said in jobs.items():
        state, *above = (said,) if isinstance(said, str) else said
        fields = above.pop() if above and isinstance(above[-1], dict) else {}
        name, _, index = key.partition("_")
        doc = {
            "db_id": key,
            "uuid": name,
            "index": int(index or 1),
            "state": state,
            "parents": above,
            "job": {"config": {"on_missing_references": fields.pop("on_missing", "error")}},
            **fields,
        }
        docs[name, int(index or 1)] = doc
    keys = [(n.partition("_")[0], int(n.partition("_")[2] or 1)) for n in chosen.split()]
    return FlowView("flow", tuple(keys), docs, size=len(docs))


def outcome(plan: FlowPlan) -> dict[str, str]:
    """{db_id: new state, "same" or "refused"}."""
    found = {c.db_id: c.after.value if c.after else "gone" for c in plan.changes}
    found |= dict.fromkeys(plan.unchanged, "same")
    return found | {r.db_id: "refused" for r in plan.refused}


UNDER_WAY = ["CHECKED_OUT", "UPLOADED", "SUBMITTED", "RUNNING", "RUN_FINISHED", "DOWNLOADED"]
IN_BATCH = ["BATCH_SUBMITTED", "BATCH_RUNNING"]
FINAL = ["COMPLETED", "PAUSED", "STOPPED", "USER_STOPPED"]
ERRORS = ["FAILED", "REMOTE_ERROR"]

EACH: dict[str, tuple[Callable[[FlowView], FlowPlan], dict[str, list[str]]]] = {
    "pause": (plan_pause, {"PAUSED": ["READY", "WAITING"], "same": ["PAUSED"]}),
    "resume": (
        plan_resume,
        {"READY": ["PAUSED", "STOPPED", "USER_STOPPED"], "same": ["READY", "WAITING"]},
    ),
    "stop": (
        plan_stop,
        {"USER_STOPPED": ["READY", *UNDER_WAY, *IN_BATCH], "same": ["USER_STOPPED"]},
    ),
    "rerun": (plan_rerun, {"READY": [*UNDER_WAY, *ERRORS]}),
    "rerun with force": (
        partial(plan_rerun, force=True),
        {"READY": [*UNDER_WAY, *ERRORS, *FINAL, *IN_BATCH]},
    ),
    "retry": (
        plan_retry,
        {"UPLOADED": ["REMOTE_ERROR"], "unmoved": [*UNDER_WAY, *IN_BATCH]},
    ),
    "delete": (plan_deletion, {"gone": [s for s in ALL if s not in IN_BATCH]}),
    "set state": (partial(plan_set_state, state=JobState.FAILED), {"FAILED": ALL}),
    "set worker": (
        partial(plan_set_run, wanted=RunChange(worker="w")),
        {"unmoved": ["READY", "WAITING", *ERRORS, *FINAL]},
    ),
    "set priority": (partial(plan_set_run, wanted=RunChange(priority=0)), {"unmoved": ALL}),
}


@pytest.mark.parametrize("state", ALL)
@pytest.mark.parametrize("action", EACH)
def test_every_action_in_every_state(action: str, state: str) -> None:
    plan, table = EACH[action]
    expected = next((after for after, states in table.items() if state in states), "refused")
    fields = {"previous_state": "UPLOADED", "priority": 3, "worker": "other"}
    found = plan(view("x", x=(state, fields), other="READY"))
    assert outcome(found) == {"x": state if expected == "unmoved" else expected}
    for refusal in found.refused:
        assert isinstance(refusal.error, StateError)
        assert "job x is in state" in refusal.reason
        assert state in refusal.reason


@pytest.mark.parametrize("state", ALL)
@pytest.mark.parametrize("action", EACH)
def test_what_somebody_holds_is_refused_unless_it_is_done(action: str, state: str) -> None:
    plan, table = EACH[action]
    seen = view("x", x=(state, {"previous_state": "UPLOADED"}), other="READY")
    held = JobLockedError(document_id="x", lock_id="theirs")
    found = plan(FlowView(seen.uuid, seen.chosen, seen.jobs, {("x", 1): held}, seen.size))
    if state in table.get("same", []):
        assert outcome(found) == {"x": "same"}
    else:
        assert outcome(found) == {"x": "refused"}
        assert found.refused[0].error is held


@pytest.mark.parametrize("action", ["stop", "rerun with force", "delete", "set state"])
@pytest.mark.parametrize("state", ALL)
def test_only_what_may_be_in_a_queue_is_ended(action: str, state: str) -> None:
    found = EACH[action][0](view("x", x=state, other="READY"))
    ended = {c.db_id for c in found.changes if c.cancel}
    may_run = state in ("UPLOADED", "SUBMITTED", "RUNNING", *IN_BATCH)
    assert ended == ({"x"} if may_run and found.changes else set())


def test_a_retry_ends_nothing() -> None:
    assert not plan_retry(view("x", x="RUNNING")).changes[0].cancel


# ------------------------------------------------------------------ parents and children

PARENTS = [
    # parent's state, on_missing -> what a resumed child becomes
    ("COMPLETED", "error", "READY"),
    ("FAILED", "error", "WAITING"),
    ("FAILED", "none", "READY"),
    ("FAILED", "pass", "READY"),
    ("USER_STOPPED", "none", "READY"),
    ("STOPPED", "none", "WAITING"),
    ("REMOTE_ERROR", "none", "WAITING"),
    ("RUNNING", "none", "WAITING"),
]


@pytest.mark.parametrize(("parent", "on_missing", "expected"), PARENTS)
def test_parents_decide_what_is_resumed(parent: str, on_missing: str, expected: str) -> None:
    seen = view("x", p=parent, x=("PAUSED", "p", {"on_missing": on_missing}))
    assert outcome(plan_resume(seen)) == {"x": expected}
    forced = view("x", p=parent, x=("STOPPED", "p", {"on_missing": on_missing}))
    assert outcome(plan_rerun(forced, force=True)) == {"x": expected}


def test_the_newest_index_of_a_parent_counts() -> None:
    seen = view("x", p="COMPLETED", p_2="RUNNING", x=("PAUSED", "p"))
    assert outcome(plan_resume(seen)) == {"x": "WAITING"}
    seen = view("x", p="FAILED", p_2="COMPLETED", x=("PAUSED", "p"))
    assert outcome(plan_resume(seen)) == {"x": "READY"}


def test_a_parent_that_is_not_there_never_ends() -> None:
    assert outcome(plan_resume(view("x", x=("PAUSED", "p")))) == {"x": "WAITING"}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("child", ALL)
@pytest.mark.parametrize("state", ERRORS)
def test_a_full_rerun_takes_children_back(state: str, child: str, force: bool) -> None:
    found = plan_rerun(view("x", x=state, c=(child, "x"), g=("WAITING", "c")), force=force)
    allowed = child in ("READY", "WAITING", "PAUSED")
    if not (force or allowed):
        assert outcome(found) == {"x": "refused"}
        assert f"job c, which depends on it, is {child}" in found.refused[0].reason
        assert "force" in found.refused[0].reason
        return
    expected = {"x": "READY"} | ({} if child == "WAITING" else {"c": "WAITING"})
    assert outcome(found) == expected
    assert [c.db_id for c in found.changes][-1] == "x"  # what depends on it is written first
    assert all(c.dependent for c in found.changes[:-1])


@pytest.mark.parametrize("state", UNDER_WAY)
def test_a_light_rerun_leaves_children_alone(state: str) -> None:
    assert outcome(plan_rerun(view("x", x=state, c=("COMPLETED", "x")))) == {"x": "READY"}


def test_force_reaches_every_generation_once() -> None:
    seen = view(
        "a",
        a="COMPLETED",
        b=("COMPLETED", "a"),
        c=("COMPLETED", "a"),
        d=("FAILED", "b", "c"),
        e="COMPLETED",
    )
    found = plan_rerun(seen, force=True)
    assert outcome(found) == {"a": "READY", "b": "WAITING", "c": "WAITING", "d": "WAITING"}


def test_a_chosen_job_that_is_taken_back_is_not_rerun_by_itself() -> None:
    found = plan_rerun(view("a b", a="FAILED", b=("PAUSED", "a")))
    assert outcome(found) == {"a": "READY", "b": "WAITING"}


REPLACED: list[tuple[str, dict[str, Any], str]] = [
    ("a", {"a": "FAILED", "a_2": "FAILED"}, "replaced by index 2"),
    ("a", {"a": "FAILED", "b": ("WAITING", "a"), "b_2": ("WAITING", "a")}, "job b, which depends"),
]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("chosen", "jobs", "words"), REPLACED)
def test_what_was_replaced_is_not_rerun(
    chosen: str, jobs: dict[str, Any], words: str, force: bool
) -> None:
    found = plan_rerun(view(chosen, **jobs), force=force)
    assert outcome(found) == {chosen: "refused"}
    assert words in found.refused[0].reason


def test_the_newest_index_is_rerun() -> None:
    assert outcome(plan_rerun(view("a_2", a="COMPLETED", a_2="FAILED"))) == {"a_2": "READY"}


def test_a_detour_is_taken_back_with_what_comes_after() -> None:
    seen = view("a", a="FAILED", d=("WAITING", "a"), c=("WAITING", "a", "d"))
    assert outcome(plan_rerun(seen)) == {"a": "READY"}
    seen = view("a", a="COMPLETED", d=("COMPLETED", "a"), c=("FAILED", "a", "d"))
    assert outcome(plan_rerun(seen, force=True)) == {"a": "READY", "d": "WAITING", "c": "WAITING"}


def test_files_go_only_where_there_are_some() -> None:
    with_files = view("x", x=("FAILED", {"run_dir": "/w"}))
    assert plan_rerun(with_files).changes[0].fields["remote.prerun_cleanup"] is True
    assert "remote.prerun_cleanup" not in plan_rerun(view("x", x="FAILED")).changes[0].fields
    kept = plan_rerun(with_files, delete_files=False)
    assert "remote.prerun_cleanup" not in kept.changes[0].fields


@pytest.mark.parametrize("previous", [None, "", "GONE", "TERMINATED"])
def test_a_retry_needs_to_know_where_it_was(previous: str | None) -> None:
    found = plan_retry(view("x", x=("REMOTE_ERROR", {"previous_state": previous})))
    assert outcome(found) == {"x": "refused"}
    assert "rerun it" in found.refused[0].reason


# ------------------------------------------------------------------ deletion

CHILDREN = [
    # deleted job's state, child's state, on_missing, outputs kept -> what the child becomes
    ("COMPLETED", "WAITING", "error", True, None),
    ("COMPLETED", "WAITING", "error", False, "STOPPED"),
    ("COMPLETED", "WAITING", "none", False, None),
    ("FAILED", "WAITING", "error", True, "STOPPED"),
    ("FAILED", "WAITING", "none", True, None),
    ("READY", "READY", "none", True, None),
    ("RUNNING", "WAITING", "error", True, "STOPPED"),
    ("RUNNING", "PAUSED", "error", True, None),
    ("COMPLETED", "RUNNING", "error", False, None),
]


@pytest.mark.parametrize(("state", "child", "on_missing", "kept", "expected"), CHILDREN)
def test_children_of_a_deleted_job(
    state: str, child: str, on_missing: str, kept: bool, expected: str | None
) -> None:
    seen = view("x", x=state, c=(child, "x", {"on_missing": on_missing}))
    found = plan_deletion(seen, keeps_outputs=kept)
    assert outcome(found) == {"x": "gone"} | ({"c": expected} if expected else {})
    assert found.detached == ("x",)
    assert found.flow_update["$pull"]["parents.c.1"] == {"$in": ["x"]}
    assert found.flow_update["$unset"] == {"parents.x": ""}


def test_an_index_that_goes_leaves_the_job() -> None:
    found = plan_deletion(view("x_2", x="COMPLETED", x_2="FAILED", c=("WAITING", "x")))
    assert outcome(found) == {"x_2": "gone"}
    assert found.detached == ()
    assert found.flow_update["$unset"] == {"parents.x.2": ""}


def test_a_flow_keeps_at_least_one_job() -> None:
    found = plan_deletion(view("a b", a="COMPLETED", b="FAILED"))
    assert outcome(found) == {"a": "refused", "b": "refused"}
    assert "jf flow delete" in found.refused[0].reason


# ------------------------------------------------------------------ properties

QR = {"@class": "QResources", "processes": 1, "nodes": None, "time_limit": None}
MERGES: list[tuple[Any, RunChange, Any]] = [
    # stored resources, change -> resources afterwards, or words of the refusal
    (None, RunChange(resources={"a": 1}, stored={"a": 1}), {"a": 1}),
    ({"a": 1, "b": 2}, RunChange(resources={"b": 3}, stored={"b": 3}), {"a": 1, "b": 3}),
    ({"a": 1}, RunChange(resources={"b": 3}, stored={"b": 3}, merge=False), {"b": 3}),
    (QR, RunChange(resources={"processes": 4}, stored=QR), {**QR, "processes": 4}),
    (QR, RunChange(resources={"ntasks": 4}, stored={"ntasks": 4}), "has no ntasks"),
    (
        {"ntasks": 1},
        RunChange(resources={"processes": 4}, stored=QR, of_qresources=True),
        QR,
    ),
]


@pytest.mark.parametrize(("stored", "change", "expected"), MERGES)
def test_resources_are_merged_in_one_language(
    stored: Any, change: RunChange, expected: Any
) -> None:
    found = plan_set_run(view("x", x=("READY", {"resources": stored})), wanted=change)
    if isinstance(expected, str):
        assert expected in found.refused[0].reason
    else:
        assert found.changes[0].fields["resources"] == expected


CONFIGS: list[tuple[Any, Any, bool, Any]] = [
    (None, "fast", True, "fast"),
    ({"pre_run": "x"}, "fast", True, "fast"),
    ("fast", {"pre_run": "$HOME"}, True, {"pre_run": "$HOME"}),
    ({"pre_run": "x", "post_run": "y"}, {"pre_run": "z"}, True, {"pre_run": "z", "post_run": "y"}),
    ({"pre_run": "x", "post_run": "y"}, {"pre_run": "z"}, False, {"pre_run": "z"}),
]


@pytest.mark.parametrize(("stored", "new", "merge", "expected"), CONFIGS)
def test_exec_configs_are_merged(stored: Any, new: Any, merge: bool, expected: Any) -> None:
    change = RunChange(exec_config=new, merge=merge)
    found = plan_set_run(view("x", x=("READY", {"exec_config": stored})), wanted=change)
    assert found.changes[0].fields["exec_config"] == expected


def test_what_is_so_already_is_unchanged() -> None:
    seen = view("x", x=("READY", {"worker": "w", "priority": 3}))
    assert outcome(plan_set_run(seen, wanted=RunChange(worker="w", priority=3))) == {"x": "same"}


class Counted(str):
    """A text that counts how often one is looked up or compared."""

    __slots__ = ()
    uses = 0

    def __hash__(self) -> int:
        Counted.uses += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Counted.uses += 1
        return super().__eq__(other)


@pytest.mark.parametrize(
    "plan",
    [
        partial(plan_rerun, force=True),
        partial(plan_set_run, wanted=RunChange(priority=3)),
        plan_pause,
        plan_resume,
        plan_deletion,
    ],
)
def test_the_work_of_a_plan_grows_with_the_jobs_not_with_their_square(
    plan: Callable[[FlowView], FlowPlan],
) -> None:
    uses = []
    for number in (20, 200):
        docs = {}
        for n in range(number):
            parents = [Counted(n - 1)] if n % 10 else []
            doc = {"db_id": Counted(n), "uuid": Counted(n), "index": 1, "state": "READY"}
            docs[doc["uuid"], 1] = {**doc, "parents": parents, "priority": 0}
        seen = FlowView("flow", tuple(docs), docs, size=number + 1)
        Counted.uses = 0
        plan(seen)
        uses.append(Counted.uses)
    assert uses[1] < 20 * uses[0]


@pytest.mark.parametrize("path", ["lock_id", "lock_lease.seq", "_id", "", "$set"])
def test_locks_are_no_properties(path: str) -> None:
    with pytest.raises(ControllerError):
        plan_set_fields(view("x", x="READY"), values={path: 1}, accepted=None)


@pytest.mark.parametrize(
    ("state", "cleared"),
    [
        ("READY", TIMES),
        ("WAITING", TIMES),
        ("PAUSED", TIMES),
        ("CHECKED_OUT", TIMES),
        ("UPLOADED", TIMES),
        ("SUBMITTED", TIMES),
        ("RUNNING", {"end_time"}),
        ("DOWNLOADED", set()),
        ("COMPLETED", set()),
        ("FAILED", set()),
    ],
)
def test_times_of_an_earlier_run_are_forgotten(state: str, cleared: set[str]) -> None:
    plan = plan_set_state(view("a", a="COMPLETED"), state=JobState(state))
    (changed,) = plan.changes or (None,)
    if changed is None:
        assert cleared == set()  # COMPLETED already
        return
    assert TIMES & set(changed.fields) == cleared
    assert all(changed.fields[name] is None for name in cleared)
