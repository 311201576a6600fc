"""What goes into a job comes out of it, or is refused in words, on each engine."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobflow import Flow
from value_jobs import GIVEN, SEEN, give, keep, pass_on, see
from world import World

from controller.errors import RemoteError, SubmissionError
from controller.execution.values import unstorable
from controller.operations.insertion import accept_flow

EAST = timezone(timedelta(hours=5))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray) and repr(one) == repr(other) and one.dtype == other.dtype
        )
    return (type(one), repr(one)) == (type(other), repr(other))


EXACT = {
    "inf": math.inf,
    "nan": math.nan,
    "negative infinity": [-math.inf, None],
    "the largest integer": 2**63 - 1,
    "keys that look like operators": {"$date": "2020-01-01", "$oid": "6b0a", "$set": {"$a.b": 1}},
    "a date that is none": [{"$date": "2020-01-01"}, {"$literal": {"$date": "x"}}],
    "an object id that is none": {"$oid": "6b0a21cf19fc5a48d3cb926d"},
    "a number that is none": {"$numberLong": "5"},
    "a module only": {"@module": "os"},
    "a class of a package that is not here": {"@module": "no_such", "@class": "X"},
    "a mark of MessagePack": {"__datetime__": True, "as_str": "x"},
    "keys with dots, and an empty one": {"a.b": 1, "": 2},
    "a zero": "a\0b",
    "a time with milliseconds": datetime(2020, 1, 2, 3, 4, 5, 123000),
}


def live(world: World, value: Any) -> list[str]:
    """Let a value go every way there is; returns the db_ids of giving and keeping it."""
    GIVEN["value"] = value
    SEEN.clear()
    parent = give()
    parent.metadata["v"] = value
    world.submit(see(value, "argument"))
    ids = [world.submit(Flow([parent, see(parent.output, "output")]))[0], world.submit(keep())[0]]
    for way in ("replace", "detour", "addition"):
        world.submit(pass_on(way))
    world.run()
    assert set(world.states().values()) == {"COMPLETED"}
    assert set(SEEN) == {"argument", "output", "replace", "detour", "addition"}
    return ids


def test_values_are_the_same_everywhere(world: World) -> None:
    given_id, kept_id = live(world, EXACT)
    found = dict(SEEN)
    kept, described = (world.controller.get_job_doc(db_id=each) for each in (kept_id, given_id))
    assert kept is not None
    assert described is not None
    found["stored_data"] = kept.stored_data["v"]
    found["metadata"] = described.job.metadata["v"]
    # In stored_data a time is in monty's form, as in jobflow-remote.
    assert found["stored_data"].pop("a time with milliseconds")["@class"] == "datetime"
    wrong = [
        (way, name)
        for way, values in found.items()
        for name, value in values.items()
        if repr(value) != repr(EXACT[name])
    ]
    assert wrong == []


ARGUMENTS = {
    "microseconds": datetime(2020, 1, 2, 3, 4, 5, 123456),
    "a zone": datetime(2020, 1, 2, 3, 4, 5, tzinfo=EAST),
    "UTC": datetime(2020, 1, 2, tzinfo=UTC),
    "floats": np.array([[1.5, math.nan], [math.inf, 0.0]]),
    "integers": np.array([1, 2], dtype="int16"),
    "an object id": ObjectId("6b0a21cf19fc5a48d3cb926d"),
}


def test_arguments_arrive_as_what_they_are(world: World) -> None:
    GIVEN["value"] = [ARGUMENTS]
    SEEN.clear()
    parent = see(1, "parent")
    world.submit(Flow([parent, see([ARGUMENTS], "argument", parent.output)]))
    world.submit(pass_on("replace"))
    world.run()
    for way in ("argument", "replace"):
        assert [
            name for name, value in SEEN[way][0].items() if not same(value, ARGUMENTS[name])
        ] == []


def test_times_are_text_where_the_project_says_so(world: World) -> None:
    """As jobflow-remote stores them: what a job slices, and what old queries compare with."""
    world.project.datetimes = "iso"
    GIVEN["value"] = {
        "plain": datetime(2024, 1, 2, 3, 4, 5),
        "exact": [datetime(2024, 1, 2, 3, 4, 5, 123456), datetime(2024, 1, 2, tzinfo=EAST)],
    }
    text = {
        "plain": "2024-01-02T03:04:05",
        "exact": ["2024-01-02T03:04:05.123456", datetime(2024, 1, 2, tzinfo=EAST).isoformat()],
    }
    SEEN.clear()
    parent = give()
    (given_id, _) = world.submit(Flow([parent, see(parent.output, "output")]))
    world.run()
    assert world.output(given_id) == SEEN["output"] == text
    assert world.store.count({"output.plain": {"$gt": "2024"}}) == 1


UNSTORABLE = [
    (2**63, "is an integer of 64 bits"),
    ([2**70 + 1], "is an integer of 71 bits"),
    (-(2**63) - 1, "is an integer of 64 bits"),
    ("\ud800", "contains a lone surrogate"),
    ({"\ud800": 1}, "has a key that contains a lone surrogate"),
    ({"a\0": 1}, "keys cannot contain the null character"),
    (b"bytes", "contains bytes"),
]


@pytest.mark.parametrize(("value", "words"), UNSTORABLE, ids=ascii)
def test_what_cannot_be_stored_is_refused_at_submission(value: Any, words: str) -> None:
    with pytest.raises(SubmissionError, match=r"function_args\[0\].*" + words):
        accept_flow(see(value, "argument"))
    job = see(1, "argument")
    job.metadata["v"] = value
    with pytest.raises(SubmissionError, match=r"metadata\['v'\].*" + words):
        accept_flow(job)


def test_names_and_metadata_of_flows_are_looked_at_too() -> None:
    flow = Flow([see(1, "argument")], name="half \ud800")
    with pytest.raises(SubmissionError, match="name contains a lone surrogate"):
        accept_flow(flow)
    flow = Flow([see(1, "argument")])
    flow.metadata = {"v": 2**64}
    with pytest.raises(SubmissionError, match=r"metadata\['v'\] is an integer of 65 bits"):
        accept_flow(flow)


def test_what_cannot_be_stored_fails_the_job_that_gives_it(world: World) -> None:
    for value, words in (([2**70 + 1], "integer of 71 bits"), ("\ud800", "lone surrogate")):
        GIVEN["value"] = value
        SEEN.clear()
        parent = give()
        given_id, child = world.submit(Flow([parent, see(parent.output, "output")]))
        ids = [given_id]
        ids += [world.submit(each)[0] for each in (keep(), pass_on("replace"), pass_on("addition"))]
        world.run()
        for db_id in ids:
            info = world.controller.get_job_info(db_id=db_id)
            assert info is not None
            assert info.state.value == "FAILED"
            assert words in str(info.error).splitlines()[0]
        assert SEEN == {}
        assert world.states()[child] == "WAITING"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"@module": "os", "@class": "system"}, "os.system, which is not a class"),
        ({"@module": 5, "@class": 6}, "which do not name an object"),
        (lambda pandas: pandas.DataFrame({"a": [1.0]}), "DataFrame of pandas"),
        (lambda pandas: pandas.Series([1.0], index=["a"]), "Series of pandas"),
        (lambda pandas: pandas.NaT, "NaT"),
    ],
    ids=["no class", "no names", "DataFrame", "Series", "NaT"],
)
def test_what_would_arrive_as_something_else_is_refused(value: Any, words: str) -> None:
    if callable(value):
        value = value(import_module("pandas"))
    with pytest.raises(SubmissionError, match=words):
        accept_flow(see(value, "argument"))


def test_an_error_with_half_a_character_is_recorded(world: World) -> None:
    GIVEN.clear()
    GIVEN["value"] = None
    (db_id,) = world.submit(see(None, "x"))
    world.execute()
    run_dir = world.controller.get_job_doc(db_id=db_id).run_dir  # type: ignore[union-attr]
    (Path(str(run_dir)) / "jfremote_out.json").write_text('{"error": "no \\ud800"}')
    world.complete(db_id)
    assert "no \\ud800" in str(world.controller.get_job_info(db_id=db_id).error)  # type: ignore[union-attr]


def test_a_resolved_reference_tells_where_it_comes_from(world: World) -> None:
    GIVEN["value"] = {"a": [math.inf]}
    SEEN.clear()
    parent = give()
    child = see(parent.output["a"], "argument")
    child.config.resolve_references = "both"
    world.submit(Flow([parent, child]))
    world.run()
    seen = SEEN["argument"]
    assert type(seen).__name__ == "ResolvedReference"
    assert (seen.uuid, seen.value) == (parent.uuid, [math.inf])


def test_a_part_that_an_output_does_not_have_is_named(world: World) -> None:
    GIVEN["value"] = {"a": 1}
    parent = give()
    world.submit(Flow([parent, see(parent.output["b"], "argument")]))
    world.complete(str(world.execute()))
    with pytest.raises(RemoteError, match="has no 'b'") as caught:
        world.execute()
    assert caught.value.no_retry


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5)
)
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["$date", "$set", "a.b", "x", ""]), inner, max_size=2),
    ),
    max_leaves=8,
)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.lists(anything, min_size=20, max_size=60))
def test_any_value_goes_through_a_life(world: World, value: Any) -> None:
    assert unstorable(value) is None
    GIVEN["value"] = value
    SEEN.clear()
    parent = give()
    world.submit(Flow([see(value, "argument"), parent, see(parent.output, "output")]))
    world.submit(pass_on("replace"))
    world.run()
    assert {key: repr(seen) for key, seen in SEEN.items()} == dict.fromkeys(
        ("argument", "output", "replace"), repr(value)
    )
