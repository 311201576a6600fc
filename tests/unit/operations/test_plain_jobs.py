"""The quick way to describe a job gives what the full way gives, or leaves the job to it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import numpy as np
import pytest
from jobflow import JobConfig, job

from controller.execution.serialising import serialised_job
from controller.operations.plain_jobs import PlainJobs


class Colour(Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


@job
def add(a: Any, b: Any = 1) -> Any:
    return a + b


@job
def other(a: Any) -> Any:
    return a


def of(*args: Any, **changes: Any) -> Any:
    made = add(*args)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def knowing() -> PlainJobs:
    plain, first = PlainJobs(), add(0)
    plain.learn(first, serialised_job(first))
    return plain


PLAIN = {
    "numbers": of(1, -2.5),
    "infinity": of(float("inf"), True),
    "text and null": of("x", None),
    "nested": of({"a": [1, {"b": (2, [])}]}, []),
    "output": of(add(1).output, {"deep": [add(2).output["x"][0].y]}),
    "metadata and hosts": of(1, metadata={"n": 7}, hosts=["a", "b"], name="named", index=3),
}
NOT_PLAIN = {
    "another function": other(1),
    "text beyond ASCII": of("ü"),
    "half a character": of("\ud800"),
    "large integer": of(2**64),
    "time": of(datetime(2024, 1, 1)),
    "enumeration": of(Colour.RED),
    "text of another class": of(Text("x")),
    "array": of(np.zeros(2)),
    "bytes": of(b"x"),
    "key that is no text": of({1: 2}),
    "what looks like an object": of({"@module": "os", "@class": "no such"}),
    "too deep": of(deep(60)),
    "settings": of(1, config=JobConfig(manager_config={"worker": "w"})),
    "other settings": of(1, config=JobConfig(expose_store=True)),
    "updates of metadata": of(1, metadata_updates=[{"update": {"t": datetime(2024, 1, 1)}}]),
    "serialised already": serialised_job(add(1)),
}


@pytest.mark.parametrize("made", PLAIN.values(), ids=PLAIN)
def test_a_plain_job_is_described_as_jobflow_describes_it(made: Any) -> None:
    described = knowing().described(made)
    assert described == serialised_job(made)
    assert list(described or ()) == list(serialised_job(made))


@pytest.mark.parametrize("made", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_any_other_job_takes_the_full_way(made: Any) -> None:
    assert knowing().described(made) is None


def test_nothing_is_shared_between_jobs() -> None:
    plain, given = knowing(), {"a": [1]}
    first, second = plain.described(add(given)), plain.described(add(given))
    assert first is not None
    assert second is not None
    first["function"]["@callable"] = "changed"
    first["config"]["manager_config"]["worker"] = "w"
    first["function_args"][0]["a"].append(2)
    assert given == {"a": [1]}
    assert second["function"]["@callable"] == "add"
    assert second["config"]["manager_config"] == {}
    assert second["function_args"] == [{"a": [1]}]


def test_a_jobflow_that_describes_jobs_otherwise_is_left_to_it() -> None:
    plain, made = PlainJobs(), add(1)
    plain.learn(made, {**serialised_job(made), "index": "one"})
    assert plain.described(made) is None
