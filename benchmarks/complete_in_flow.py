"""Complete one job in flows of 10, 1,000 and 10,000 jobs.

Embedded: the time in the largest flow against that in the smallest, measured in turns. MongoDB's
wire (JFR_TEST_MONGO_URI): how many commands a completion sends, and how many documents the
largest answer holds. ``python benchmarks/complete_in_flow.py [JOBS OF THE LARGEST FLOW]``
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from jobflow import Flow, job
from measuring import Table, controller, engines, scratch, seconds, usual
from wire import Listener

from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.operations.completion import EndedJob, Ending
from controller.operations.endings import record_ends
from controller.states import JobState

SIZES = (10, 1_000, int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
SHAPES = ("chain", "fan-in", "independent")
REPEATS = 9
LIMIT = 3
COMMANDS = 9
ANSWER = 100
"""More documents in one answer than this would mean that a flow is read, not asked."""


@job
def add(a: float, b: float) -> float:
    return a + b


@job
def gather(values: list[float]) -> float:
    return sum(values)


def make_flow(size: int, shape: str) -> Flow:
    if shape == "chain":
        jobs = [add(1, 1)]
        while len(jobs) < size:
            jobs.append(add(1, jobs[-1].output))
        return Flow(jobs)
    jobs = [add(n, 1) for n in range(size - 1)]
    if shape == "fan-in":
        jobs.append(gather([each.output for each in jobs]))
    return Flow(jobs)


class Completer:
    """Completes the jobs of a flow one after the other.

    Counted is what `JobController.complete_job` does in the database: from locking the flow to its
    release. The caller claims, locks and releases the job.
    """

    def __init__(self, opened: JobController) -> None:
        self._controller = opened

    def prepare(self) -> None:
        """Claim and lock the next job."""
        claimed = self._controller.checkout_job()
        assert claimed is not None
        self._lock = MongoLock(
            self._controller.queue.jobs, {"uuid": claimed[0], "index": claimed[1]}
        )
        self._lock.acquire()

    def complete(self) -> None:
        """Complete it."""
        job = self._lock.locked_document
        assert job is not None
        answers = record_ends(self._controller.queue, [EndedJob(job, Ending({}))], prefix=None)
        assert set(answers.values()) == {JobState.COMPLETED}

    def release(self) -> None:
        """Release it."""
        self._lock.release()


def times(table: Table, folder: Path, shape: str) -> None:
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    with ExitStack() as stack:
        completers = {}
        for size in SIZES:
            opened = stack.enter_context(controller("embedded", folder))
            opened.add_flow(make_flow(size, shape), "worker")
            completers[size] = Completer(opened)
        for _ in range(REPEATS):
            for size, completer in completers.items():
                completer.prepare()
                taken[size].append(seconds(completer.complete))
                completer.release()
    smallest, middle, largest = (1000 * usual(taken[size]) for size in SIZES)
    table.row(
        f"{shape}: in a flow of {SIZES[-1]}, embedded",
        largest,
        LIMIT * smallest,
        "ms",
        f"{LIMIT} x in a flow of {SIZES[0]} ({smallest:.1f} ms); of {SIZES[1]} {middle:.1f} ms",
    )


def commands(table: Table, folder: Path, shape: str) -> None:
    most, largest, names = 0, 0, []
    for size in SIZES[:2]:
        listener = Listener()
        with controller("mongodb", folder, event_listeners=[listener]) as opened:
            opened.add_flow(make_flow(size, shape), "worker")
            completer = Completer(opened)
            for _ in range(3):
                completer.prepare()
                listener.reset()
                completer.complete()
                largest = max(largest, listener.largest)
                if len(listener.names) > most:
                    most, names = len(listener.names), list(listener.names)
                completer.release()
    table.row(
        f"{shape}: commands, MongoDB protocol", most, COMMANDS, "", f"flows of {SIZES[:2]} jobs"
    )
    table.row(f"{shape}: documents in an answer", largest, ANSWER, "", ", ".join(names))


def main() -> int:
    table = Table("completion of one job")
    for engine in engines():
        for shape in SHAPES:
            with scratch() as folder:
                (times if engine == "embedded" else commands)(table, folder, shape)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
