"""Change streams as a hint: a fake one that dies, resumes, refuses and lies.

No server with change streams was at hand: what a real replica set does is untried.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from controller.storage.mongo import change_hints
from controller.storage.mongo.change_hints import ChangeHints


class Script:
    """Streams that do what they are told, one after the other; then a stream where nothing happens.

    A stream is a list: a text is a change with that token, None no change, an error is raised.
    """

    def __init__(self, *streams: list[Any]) -> None:
        self._streams = list(streams)
        self.tokens: list[Any] = []
        self.woken = 0
        self.told = threading.Semaphore(0)

    @contextmanager
    def open(self, token: Any) -> Iterator[_Fake]:
        self.tokens.append(token)
        self.told.release()
        stream = self._streams.pop(0) if self._streams else []
        if stream and isinstance(stream[0], Exception) and stream[0].args[:1] == ("at once",):
            raise stream[0]
        yield _Fake(stream, token)

    def wake(self) -> None:
        self.woken += 1


class _Fake:
    def __init__(self, steps: list[Any], token: Any) -> None:
        self._steps, self.resume_token = list(steps), token

    def try_next(self) -> Any:
        if not self._steps:
            time.sleep(0.002)
            return None
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        if step is not None:
            self.resume_token = step
        return step


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_hints, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(change_hints, "LONGEST_PAUSE", 0.004)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("streams", "tokens", "woken"),
    [
        ([["a", None, "b"]], [None], 2),
        # It dies, and goes on where it was; what was missed is looked for.
        ([["a", AutoReconnect("away")], ["b"]], [None, "a"], 3),
        ([[AutoReconnect("at once")], [AutoReconnect("at once")], ["a"]], [None] * 3, 3),
        # The history is lost: it begins anew.
        (
            [["a", AutoReconnect("x")], [OperationFailure("at once", 286)], ["b"]],
            [None, "a", None],
            4,
        ),
    ],
)
def test_streams(streams: list[list[Any]], tokens: list[Any], woken: int) -> None:
    script = Script(*streams)
    hints = ChangeHints(script.open, script.wake)
    try:
        until(lambda: script.woken >= woken and len(script.tokens) >= len(tokens))
    finally:
        hints.close()
    assert (script.tokens, script.woken) == (tokens, woken)


def test_a_server_without_streams_is_asked_once() -> None:
    script = Script([OperationFailure("at once", 40573)])
    hints = ChangeHints(script.open, script.wake)
    until(lambda: not hints._thread.is_alive())
    hints.close()
    assert script.tokens == [None]


def test_an_end_does_not_wait_for_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_hints, "FIRST_PAUSE", 60.0)
    script = Script([AutoReconnect("at once")])
    hints = ChangeHints(script.open, script.wake)
    script.told.acquire(timeout=30)
    hints.close()
    hints.close()
    assert not hints._thread.is_alive()
    assert script.tokens == [None]
