"""Which workers share a lane, and how long things are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from controller.config.workers import Worker
from controller.runner.backoff import Pauses
from controller.runner.lanes import lane_groups

LOCAL = {"type": "local", "scheduler_type": "shell", "work_dir": "/w"}
FAR = {"type": "remote", "scheduler_type": "slurm", "work_dir": "/w", "host": "cluster"}


@pytest.mark.parametrize(
    ("workers", "groups"),
    [
        ({"a": LOCAL}, []),
        ({"a": LOCAL, "b": {**LOCAL, "scheduler_type": "slurm"}}, [["b"]]),
        (
            {"a": {**LOCAL, "scheduler_type": "slurm"}, "b": {**LOCAL, "scheduler_type": "slurm"}},
            [["a", "b"]],
        ),
        ({"a": FAR, "b": {**FAR, "work_dir": "/other", "scheduler_type": "shell"}}, [["a", "b"]]),
        ({"a": FAR, "b": {**FAR, "user": "other"}, "c": FAR}, [["a", "c"], ["b"]]),
        ({"a": {**FAR, "host": "x"}, "b": {**FAR, "host": "y"}, "c": LOCAL}, [["a"], ["b"]]),
    ],
)
def test_workers_on_one_machine_share_a_lane(
    workers: dict[str, dict[str, Any]], groups: list[list[str]]
) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Worker)
    built = {name: adapter.validate_python(fields) for name, fields in workers.items()}
    assert lane_groups(built) == groups


def test_pauses_grow_up_to_a_limit_and_end() -> None:
    now = [0.0]
    pauses = Pauses(1.0, 10.0, clock=lambda: now[0])
    assert not pauses.holds("x")
    lengths = [pauses.pause("x") for _ in range(6)]
    for length, full in zip(lengths, [1, 2, 4, 8, 10, 10]):
        assert 0.8 * full <= length <= full
    assert pauses.holds("x")
    assert not pauses.holds("y")
    assert pauses.seconds_left() == [lengths[-1]]
    now[0] = 10.0
    assert not pauses.holds("x")
    assert pauses.seconds_left() == []
    pauses.end("x")
    assert pauses.pause("x") <= 1.0
    assert pauses.pause("x", at_least=7.0) == 7.0
    assert pauses.pause("x", at_least=70.0) == 10.0
    assert pauses.pause("x", longest=5.0) <= 5.0
