"""Submit pilots: as many as there is work for, and none twice.

Counting and submitting are done under a lease that one runner holds at a time. Before a submission,
the document of that lease records what will be submitted. If the runner then dies, the next one
repeats the submission with the same id, and thus with the same token in the queue.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from controller.errors import QueueBusyError, RemoteError
from controller.execution.files import QUEUE_ERR, batch_dir_path
from controller.operations import batch_record
from controller.rules.pilots import PilotFacts, pilots_to_submit
from controller.rules.pool_files import BatchInfo
from controller.runner.backoff import Pauses
from controller.runner.context import RunnerContext
from controller.schedulers import ScriptSpec, render_script
from controller.schedulers.resources import stored_resources
from controller.states import JobState

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 1800.0
"""Seconds without a new pilot after one ended before it could run a job: the first and longest."""


class PilotSubmission:
    """Submits the pilots of one worker.

    Parameters
    ----------
    context
        Context of the thread.
    name
        Name of the worker.
    clock
        Returns monotonic seconds.
    """

    def __init__(self, context: RunnerContext, name: str, clock: Callable[[], float]) -> None:
        self._context, self._name = context, name
        self._pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE, clock)

    def note_end(self, pilot: dict[str, Any], info: BatchInfo | None) -> None:
        """Note the end of a pilot: after one that ran nothing, the next one is delayed."""
        report = info.report if info else None
        has_run = report.done > 0 if report else info is not None
        idle = report is not None and not report.takes_jobs and "max_wait" in report.note
        if has_run and not (report and "fails all jobs" in report.note):
            self._pauses.end(self._name)
        elif not idle:
            seconds = self._pauses.pause(self._name)
            logger.warning(
                "worker %s: pilot %s ended before it could run a job (%s); the next one is "
                "submitted in %d s",
                *(self._name, pilot["process_id"], self._why(pilot, info), seconds),
            )

    def _why(self, pilot: dict[str, Any], info: BatchInfo | None) -> str:
        if info is not None and info.report is not None and info.report.note:
            return info.report.note
        log = self._folder(pilot["batch_uid"]) / QUEUE_ERR
        try:
            said = self._context.host(self._name).read_bytes(log).decode(errors="replace")
        except (FileNotFoundError, RemoteError):
            said = ""
        lines = said.strip().splitlines()
        return f"{lines[-1]}: see {log}" if lines else f"see {log.parent}"

    def advance(self, pilots: Sequence[PilotFacts], only: dict[str, Any]) -> bool:
        """Submit pilots if there are jobs for them; return whether any was submitted."""
        if self._pauses.holds(self._name) or self._context.refusals.holds(self._name):
            return False
        queue = self._context.controller.queue
        waiting = {"worker": self._name, "state": JobState.BATCH_SUBMITTED.value, **only}
        worker = self._context.worker(self._name)
        assert worker.batch is not None
        parallel_jobs = worker.batch.parallel_jobs

        def wanted(known: Sequence[PilotFacts]) -> int:
            return pilots_to_submit(
                queue.jobs.count_documents(waiting),
                known,
                max_jobs=worker.max_jobs,
                parallel_jobs=parallel_jobs,
            )

        turn_key = batch_record.turn_key(self._name)
        if not wanted(pilots) and not batch_record.has_pending(queue.auxiliary, turn_key):
            return False
        with batch_record.submission_turn(queue.auxiliary, turn_key) as turn:
            if turn is None:
                return False
            submitted = 0
            for uid in turn.pending:  # a runner died while submitting them
                submitted += self._recover(turn, uid)
            # Another runner may have submitted some in the meantime.
            known = {pilot.batch_uid for pilot in pilots}
            active = queue.batches.find(
                {"worker": self._name, "batch_state": batch_record.ACTIVE}, ["batch_uid"]
            )
            others = [d["batch_uid"] for d in active if d["batch_uid"] not in known]
            for _ in range(wanted([*pilots, *map(PilotFacts, others)])):
                if not self._submit(turn, str(uuid4())):
                    break
                submitted += 1
        return submitted > 0

    def _submit(self, turn: batch_record.SubmissionTurn, uid: str) -> bool:
        """Submit a pilot and record it; return whether it is in the queue."""
        folder, queue = self._folder(uid), self._context.queue(self._name)
        turn.begin(uid)
        try:
            found = queue.earlier_submission(folder, uid)
            if found is None:
                queue.begin_attempt(folder, uid)
                found = queue.submit(folder, self._script(folder, uid), uid)
        except QueueBusyError as error:
            seconds = self._context.refusals.pause(self._name)
            logger.info("worker %s: no pilot for %d s: %s", self._name, seconds, error)
            return False
        except RemoteError as error:
            if error.no_retry:  # it may be in the queue, but cannot be found there by its token
                turn.end(uid)
            self._pauses.pause(self._name)
            logger.warning("worker %s: cannot submit a pilot: %s", self._name, error)
            return False
        self._context.refusals.end(self._name)
        process = queue.identify(folder) if queue.is_shell else None
        batches = self._context.controller.queue.batches
        batch_record.add_submitted(batches, found, uid, self._name, process)
        turn.end(uid)
        logger.info("worker %s: pilot %s submitted", self._name, found)
        return True

    def _recover(self, turn: batch_record.SubmissionTurn, uid: str) -> bool:
        """Record a pilot that another runner submitted without recording it, if there is one."""
        folder, queue = self._folder(uid), self._context.queue(self._name)
        found = queue.earlier_submissions(folder, uid) or queue.find_by_token(uid)
        if found:
            process = queue.identify(folder) if queue.is_shell else None
            batches = self._context.controller.queue.batches
            batch_record.add_submitted(batches, found[0], uid, self._name, process)
        turn.end(uid)
        return bool(found)

    def _folder(self, uid: str) -> Path:
        batch = self._context.worker(self._name).batch
        assert batch is not None
        return batch_dir_path(batch.work_dir, uid)

    def _script(self, folder: Path, uid: str) -> str:
        worker = self._context.worker(self._name)
        spec = ScriptSpec(
            run_dir=str(folder),
            command=pilot_command(worker, uid),
            name=f"batch_{uid}",
            resources=stored_resources(worker.resources or {}),
            worker_pre_run=worker.pre_run,
            worker_post_run=worker.post_run,
            token=uid,
        )
        return render_script(self._context.queue(self._name).scheduler, spec)


def pilot_command(worker: Any, uid: str) -> str:
    """Return the command of a pilot, which jobflow-remote 1.0.1 understands as well.

    Parameters
    ----------
    worker
        A batch worker.
    uid
        batch_uid of the pilot.
    """
    batch = worker.batch
    words = ["jf", "-fe", "execution", "run-batch"]
    words += [str(worker.work_dir), str(batch.jobs_handle_dir), uid]
    options = {
        "-mj": batch.max_jobs_per_batch,
        "-mt": batch.max_time,
        "-mw": batch.max_wait,
        "-pj": batch.parallel_jobs,
        "-st": batch.sleep_time,
    }
    for flag, value in options.items():
        if value:
            words += [flag, f"{value:g}"]
    return shlex.join(words)
