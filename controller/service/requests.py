"""Send requests to runners, on this machine and on others.

A request is stored in the runner's record in the database. On this machine a signal is sent as
well: it takes effect at once, even while the database cannot be reached.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from controller.errors import NotFoundError, StorageUnavailableError
from controller.identity import Liveness, liveness
from controller.operations.queue import Queue
from controller.operations.runner_processes import (
    RunnerProcess,
    ask_runners,
    read_process,
    runner_processes,
    withdraw_process,
)
from controller.operations.runner_record import remove_record
from controller.rules.runner_requests import ProcessState, RequestAction
from controller.service.lockfile import holders, lives

if TYPE_CHECKING:
    from controller.config import Project

LOOK_EVERY = 0.1
ANSWER_WITHIN = 5.0
"""Seconds within which a healthy runner answers a request."""


class Outcome(StrEnum):
    """The result of a request."""

    DONE = "done"  # the process has ended, or has done what was asked
    ASKED = "asked"  # the caller did not wait for its end
    PENDING = "pending"  # not done within the time limit
    REFUSED = "refused"  # the runner reports why
    SILENT = "silent"  # no heartbeat, and it cannot be reached from this machine


@dataclass(frozen=True)
class Asked:
    """A runner that received a request.

    Attributes
    ----------
    runner_id, named
        Id of the runner, and a description of its process and host.
    outcome, message
        The result, and the reason if the request was not carried out.
    """

    runner_id: str
    named: str
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True)
class Choice:
    """Selects runners; by default, all runners of the database.

    Attributes
    ----------
    runner
        Start of an id.
    host
        Name of a machine.
    here
        Select only background runners of this machine.
    """

    runner: str | None = None
    host: str | None = None
    here: bool = False

    def takes(self, found: RunnerProcess) -> bool:
        """Whether a runner is selected."""
        is_ours = found.is_here and found.record.get("name") is not None
        return self.fits(found.record) and (is_ours or not self.here)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Whether a record belongs to a runner with this id on this machine."""
        return (
            self.runner is None or str(record.get("runner_id")).startswith(self.runner)
        ) and self.host in (None, record.get("hostname"))

    @property
    def in_words(self) -> str:
        """The selection, as the end of a sentence."""
        with_id = f" whose id begins with {self.runner}" if self.runner is not None else ""
        return with_id + (f" on {self.host}" if self.host is not None else "")


@dataclass
class _Waiting:
    """Runners that have been told to end."""

    queue: Queue
    left: dict[str, RunnerProcess]
    ended: list[RunnerProcess] = field(default_factory=list)

    def look(self) -> None:
        for runner_id, found in list(self.left.items()):
            if _has_ended(self.queue, found):
                self.ended.append(self.left.pop(runner_id))


def chosen_runners(queue: Queue, choice: Choice) -> list[RunnerProcess]:
    """Return the selected runners, except those that have certainly ended.

    Raises
    ------
    NotFoundError
        Runners are active, but none with that id or on that machine.
    """
    active = [each for each in runner_processes(queue) if each.state is not ProcessState.ENDED]
    found = [each for each in active if choice.takes(each)]
    if active and not found and choice.in_words:
        raise NotFoundError(
            f"no runner{choice.in_words} is active, but {len(active)} other"
            f"{'s are' if len(active) > 1 else ' is'}: "
            + ", ".join(f"{each.runner_id} ({each.named})" for each in active),
            hint="see all runners with `jf runner list`",
        )
    return found


def end_runners(
    queue: Queue,
    choice: Choice,
    *,
    at_once: bool = False,
    wait: bool = True,
    max_wait: float | None = None,
    on_wait: Callable[[Sequence[str]], None] = lambda names: None,
) -> list[Asked]:
    """Tell runners to end: after the current step, or at once.

    Parameters
    ----------
    at_once
        End them in the middle of a step; the next runner takes over unfinished work.
    wait
        Return when they have ended; otherwise, when they have been told.
    max_wait
        Maximum number of seconds to wait; None for no limit.
    on_wait
        Called repeatedly with the names of the runners that have not ended.
    """
    targets = chosen_runners(queue, choice)
    action = RequestAction.KILL if at_once else RequestAction.STOP
    ask_runners(queue, [found.runner_id for found in targets], action)
    for found in targets:
        if runs_here(found.record):
            _signal(found.record, signal.SIGKILL if at_once else signal.SIGTERM)
    unreachable = [f for f in targets if f.state is ProcessState.SILENT and not runs_here(f.record)]
    reachable = {f.runner_id: f for f in targets if f not in unreachable}
    waiting = _Waiting(queue, reachable)
    if wait or at_once:
        _wait(waiting, max_wait, on_wait)
    for found in waiting.ended if at_once else ():
        withdraw_process(queue, found.runner_id)
        remove_record(queue, found.runner_id)
    left = Outcome.PENDING if wait else Outcome.ASKED
    return [
        *(_asked(found, Outcome.DONE) for found in waiting.ended),
        *(_asked(found, left, _why_pending(found)) for found in waiting.left.values()),
        *(_asked(found, Outcome.SILENT, _why_silent(found)) for found in unreachable),
    ]


def end_without_database(
    project: Project,
    choice: Choice,
    *,
    at_once: bool = False,
    max_wait: float | None = None,
    on_wait: Callable[[Sequence[str]], None] = lambda names: None,
) -> list[Asked]:
    """Tell the runners of this machine to end without the database, and wait for that."""
    held = holders(project).items()
    found = {name: facts for name, facts in held if lives(facts) and choice.fits(facts)}
    for facts in found.values():
        _signal(facts, signal.SIGKILL if at_once else signal.SIGTERM)
    deadline = None if max_wait is None else time.monotonic() + max_wait
    left = dict(found)
    while left and (deadline is None or time.monotonic() < deadline):
        left = {name: facts for name, facts in left.items() if lives(facts)}
        if left:
            on_wait([_named(facts) for facts in left.values()])
            time.sleep(LOOK_EVERY)
    return [
        Asked(
            str(facts.get("runner_id")),
            _named(facts),
            Outcome.PENDING if name in left else Outcome.DONE,
        )
        for name, facts in found.items()
    ]


def tell_runners(
    queue: Queue, choice: Choice, action: RequestAction, *, max_wait: float = ANSWER_WITHIN
) -> list[Asked]:
    """Send runners a request that does not end them, and wait for their answers.

    Parameters
    ----------
    action
        reload, pause or resume.
    max_wait
        Seconds to wait for all answers together.
    """
    targets = chosen_runners(queue, choice)
    asked = ask_runners(queue, [found.runner_id for found in targets], action)
    answers: dict[str, Mapping[str, Any]] = {}
    deadline = time.monotonic() + max_wait
    expected = {f.runner_id for f in targets if f.lives and f.runner_id in asked}
    while expected - set(answers) and time.monotonic() < deadline:
        for runner_id in expected - set(answers):
            answer = (read_process(queue, runner_id) or {}).get("answer") or {}
            if answer.get("id") == asked[runner_id]:
                answers[runner_id] = answer
        time.sleep(LOOK_EVERY)
    return [_answered(found, answers.get(found.runner_id)) for found in targets]


def runs_here(record: Mapping[str, Any]) -> bool:
    """Whether a runner is a process of this machine that is certainly alive."""
    return liveness(record.get("process") or {}) is Liveness.ALIVE


def _signal(record: Mapping[str, Any], number: int) -> None:
    pid = int(record["process"]["pid"])
    with suppress(
        ProcessLookupError, PermissionError
    ):  # it belongs to another user: the request in the database reaches it
        os.kill(pid, number)
        if number != signal.SIGKILL:
            os.kill(pid, signal.SIGCONT)  # a suspended process does not handle signals


def _wait(
    waiting: _Waiting, max_wait: float | None, on_wait: Callable[[Sequence[str]], None]
) -> None:
    deadline = None if max_wait is None else time.monotonic() + max_wait
    while True:
        waiting.look()
        if not waiting.left or (deadline is not None and time.monotonic() >= deadline):
            return
        on_wait([found.named for found in waiting.left.values()])
        time.sleep(LOOK_EVERY)


def _has_ended(queue: Queue, found: RunnerProcess) -> bool:
    state = liveness(found.record.get("process") or {})
    if state is not Liveness.UNKNOWN:
        return state is Liveness.ENDED
    with suppress(StorageUnavailableError):
        return read_process(queue, found.runner_id) is None
    return False


def _asked(found: RunnerProcess, outcome: Outcome, message: str = "") -> Asked:
    return Asked(found.runner_id, found.named, outcome, message)


def _answered(found: RunnerProcess, answer: Mapping[str, Any] | None) -> Asked:
    if answer is not None:
        outcome = Outcome.DONE if answer["result"] == "done" else Outcome.REFUSED
        return _asked(found, outcome, str(answer.get("message") or ""))
    if found.lives:
        return _asked(found, Outcome.PENDING, _why_unanswered(found))
    return _asked(found, Outcome.SILENT, _why_silent(found))


def _why_silent(found: RunnerProcess) -> str:
    age = "never" if found.beat_age is None else f"{found.beat_age:.0f} s ago"
    return f"its last heartbeat was {age}: it has died, hangs, or cannot reach the database"


def _why_unanswered(found: RunnerProcess) -> str:
    age = "never" if found.beat_age is None else f"{found.beat_age:.0f} s ago"
    return f"its last heartbeat was {age}; it will do this when it resumes"


def _why_pending(found: RunnerProcess) -> str:
    return "it ends after its current step" if found.lives else _why_silent(found)


def _named(facts: Mapping[str, Any]) -> str:
    return f"process {facts.get('pid')} on {facts.get('hostname')}"
