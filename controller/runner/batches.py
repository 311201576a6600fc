"""The pools and pilots of batch workers: which jobs ended, which run, how many pilots are needed.

A round asks the queue about the pilots first and reads the pool after that, so that the files of a
pilot that the queue reports as ended are complete. All decisions are in `controller.rules.pilots`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from controller.documents import utc_now
from controller.errors import (
    HostUnavailableError,
    LockLostError,
    RemoteError,
    StorageUnavailableError,
)
from controller.execution.files import EXIT_FILE, batch_dir_path
from controller.operations import batch_record
from controller.operations.batch_pool import PoolFile, PoolView
from controller.rules.pilots import (
    PilotFacts,
    Verdict,
    judge_end,
    judge_unmarked_end,
    orphans,
)
from controller.rules.pool_files import BATCH_INFO, Entry
from controller.runner.context import RunnerContext
from controller.runner.pilot_ends import ended_fields, given_back_fields, refused_fields
from controller.runner.pilot_submission import PilotSubmission
from controller.runner.stages.pool import pool_of
from controller.schedulers.queued_jobs import ENDED_STATES, UNSEEN, QueuedJob, Submission
from controller.schedulers.start import STARTED, parse_start
from controller.states import BATCH_STATES, BatchState, JobState

logger = logging.getLogger(__name__)

FASTEST, GROWTH = 0.2, 1.4
"""Seconds between two reads of a pool while something changes there, and the factor by which they
grow, up to ``delay_update_batch``, while nothing does."""
SLOWEST, SLOWEST_HERE = 10.0, 1.0
"""Maximum seconds between two reads, on another machine and on this one: a read is one command."""
QUEUE_FASTEST = 2.0
"""Minimum number of seconds between two queries of the queue about pilots."""
WHOLE_LOOK_EVERY = 60.0
"""Seconds between two comparisons of the pool with the jobs that should be in it."""
SETTLE = 30.0
"""Seconds after the end of a pilot during which its files may still appear: cluster file systems
may show a file with a delay on other machines."""
_WITHOUT_JOBS = {"jobs": 0}
"""Projection that omits the list of jobs that a pilot has run, which may be long."""
_FIELDS = ["uuid", "index", "db_id", "state", "worker", "remote", "run_dir", "attempts"]

Job = dict[str, Any]
Key = tuple[str, int]
Apply = Callable[[dict[Key, dict[str, Any]]], bool]
"""Writes {(uuid, index): fields} to jobs that are still in a state of a batch worker."""


class Batches:
    """Serves the batch workers of a thread.

    Parameters
    ----------
    context
        Context of the thread.
    apply
        Writes fields of jobs; returns whether anything changed.
    clock
        Returns monotonic seconds.
    """

    def __init__(
        self, context: RunnerContext, apply: Apply, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context, self._apply, self._clock = context, apply, clock
        self._served: dict[str, _WorkerBatches] = {}

    def advance(self, workers: list[str], only: dict[str, Any]) -> bool:
        """Do what is due for the batch workers among some workers; return whether anything changed.

        Parameters
        ----------
        only
            Filter of the jobs to process; with one, pilots are submitted for these jobs as well.
        """
        moved = False
        for name in workers:
            if not self._context.worker(name).is_batch or self._context.outages.holds(name):
                continue
            if name not in self._served:
                self._served[name] = _WorkerBatches(self._context, name, self._apply, self._clock)
            try:
                moved = self._served[name].advance(only) or moved
            except (StorageUnavailableError, LockLostError):
                raise
            except HostUnavailableError as error:
                self._context.outages.note(name, error)
            except RemoteError as error:
                logger.warning("worker %s: %s", name, error)
            except Exception:
                logger.exception("worker %s: its pool cannot be served; will retry", name)
        return moved

    def hurry(self, worker: str) -> None:
        """Note that jobs were put into the pool of a worker."""
        if worker in self._served:
            self._served[worker].hurry()

    def seconds_left(self) -> list[float]:
        """Return the seconds until each pool is read again."""
        return [served.seconds_left() for served in self._served.values()]


class _WorkerBatches:
    """The pool and the pilots of one worker."""

    def __init__(
        self, context: RunnerContext, name: str, apply: Apply, clock: Callable[[], float]
    ) -> None:
        self._context, self._name, self._apply, self._clock = context, name, apply, clock
        self._submission = PilotSubmission(context, name, clock)
        self._delay, self._next = FASTEST, 0.0
        self._queue_at = self._whole_at = 0.0
        self._answers: dict[str, QueuedJob] = {}
        self._ended: dict[str, tuple[float, Job]] = {}
        self._forget: list[PoolFile] = []
        self._missing: set[Key] = set()

    def hurry(self) -> None:
        self._delay, self._next = FASTEST, min(self._next, self._clock() + 0.02)

    def seconds_left(self) -> float:
        return self._next - self._clock()

    def advance(self, only: dict[str, Any]) -> bool:
        """Do a round if it is due."""
        now = self._clock()
        if now < self._next:
            return False
        moved = self._round(only)
        given, longest = self._context.project.runner.delay_update_batch, FASTEST
        if moved is None:
            longest = max(given, FASTEST)  # until jobs are put into the pool
        else:
            is_here = self._context.worker(self._name).is_local
            longest = max(min(given, SLOWEST_HERE if is_here else SLOWEST), FASTEST)
        self._delay = FASTEST if moved else min(self._delay * GROWTH, longest)
        self._next = self._clock() + self._delay
        return bool(moved)

    def _round(self, only: dict[str, Any]) -> bool | None:
        """Do a round; return whether anything changed, None if there is nothing to read."""
        batches = self._context.controller.queue.batches
        active = {"worker": self._name, "batch_state": batch_record.ACTIVE}
        pilots = list(batches.find(active, _WITHOUT_JOBS))
        if not (pilots or self._ended or self._forget or self._has_jobs()):
            return None
        self._ask_queue(pilots)
        is_whole = self._clock() >= self._whole_at
        view = self._look(pilots, whole=is_whole)
        jobs = self._jobs_of([*view.finished, *view.running])
        moved = self._settle_finished(view, jobs)
        self._forget_files()
        moved = self._note_running(view, jobs, pilots) or moved
        moved = self._settle_pilots(pilots, view) or moved
        moved = self._settle_orphans(view, jobs, pilots) or moved
        if is_whole:
            self._whole_at = self._clock() + WHOLE_LOOK_EVERY
            moved = self._find_missing(view, pilots) or moved
        alive = [p for p in pilots if p["batch_uid"] not in self._ended]
        facts = self._facts(alive, view)
        return self._submission.advance(facts, only) or moved

    def _has_jobs(self) -> bool:
        states = [s.value for s in BATCH_STATES]
        query = {"worker": self._name, "state": {"$in": states}}
        return self._context.controller.queue.jobs.find_one(query, ["_id"]) is not None

    # ------------------------------------------------------------------ looking

    def _ask_queue(self, pilots: Sequence[Job]) -> None:
        """Query the queue about pilots if that is due; the answers are kept."""
        known = {pilot["batch_uid"] for pilot in pilots}
        self._answers = {uid: one for uid, one in self._answers.items() if uid in known}
        is_new = known - set(self._answers)
        if not pilots or (self._clock() < self._queue_at and not is_new):
            return
        queue = self._context.queue(self._name)
        asked = [self._submission_of(pilot) for pilot in pilots]
        found = queue.confirm_ends(asked, queue.poll(asked))
        self._context.outages.end(self._name)
        longest = max(self._context.project.runner.delay_check_run_status, QUEUE_FASTEST)
        self._queue_at = self._clock() + min(longest, max(QUEUE_FASTEST, 2 * self._delay))
        self._answers = {pilot["batch_uid"]: one for pilot, one in zip(pilots, found)}

    def _submission_of(self, pilot: Job) -> Submission:
        folder = self._folder(pilot["batch_uid"])
        return Submission(pilot["process_id"], folder, pilot["batch_uid"], pilot.get("process"))

    def _folder(self, batch_uid: str) -> Path:
        batch = self._context.worker(self._name).batch
        assert batch is not None
        return batch_dir_path(batch.work_dir, batch_uid)

    def _look(self, pilots: Sequence[Job], *, whole: bool) -> PoolView:
        uids = [*(pilot["batch_uid"] for pilot in pilots), *self._ended]
        infos = [self._folder(uid) / BATCH_INFO for uid in dict.fromkeys(uids)]
        return pool_of(self._context, self._name).look(infos, submitted=whole)

    def _jobs_of(self, files: Iterable[PoolFile]) -> dict[Key, Job]:
        uuids = sorted({file.uuid for file in files})
        if not uuids:
            return {}
        query = {"uuid": {"$in": uuids}, "worker": self._name}
        found = self._context.controller.queue.jobs.find(query, _FIELDS)
        return {(job["uuid"], job["index"]): job for job in found}

    def _facts(self, pilots: Sequence[Job], view: PoolView) -> list[PilotFacts]:
        claims: dict[str, int] = {}
        for file in view.running:
            claims[file.batch_uid] = claims.get(file.batch_uid, 0) + 1
        found = []
        for pilot in pilots:
            uid = pilot["batch_uid"]
            info = view.infos.get(self._folder(uid) / BATCH_INFO)
            found.append(PilotFacts(uid, claims.get(uid, 0), info.report if info else None))
        return found

    # ------------------------------------------------------------------ jobs

    def _settle_finished(self, view: PoolView, jobs: dict[Key, Job]) -> bool:
        """Record the jobs that have ended, and note which files are no longer needed."""
        ends: dict[Key, dict[str, Any]] = {}
        files: dict[Key, list[PoolFile]] = {}
        verdicts = {file: judge_end(jobs.get(file.key), file.entry) for file in view.finished}
        unclear = [file for file, one in verdicts.items() if one is Verdict.LOOK_CLOSER]
        verdicts.update(self._look_closer(unclear, jobs, view))
        process_ids = self._process_ids({file.batch_uid for file in view.finished})
        for file, verdict in verdicts.items():
            if verdict is Verdict.FORGET:
                self._forget.append(file)
            elif verdict is not Verdict.WAIT:
                process_id = process_ids.get(file.batch_uid)
                ends[file.key] = self._end(jobs[file.key], file, verdict, process_id)
                files.setdefault(file.key, []).append(file)
        if not ends:
            return False
        moved = self._apply(ends)
        after = self._jobs_of(file for some in files.values() for file in some)
        batch_states = {state.value for state in BATCH_STATES}
        for key, some in files.items():
            # A job that could not be recorded now is found again in the next round.
            if key not in after or after[key]["state"] not in batch_states:
                self._forget += some
        self._note_jobs([(file, jobs[file.key]) for some in files.values() for file in some])
        return moved

    def _forget_files(self) -> None:
        """Remove the files of recorded jobs; those that cannot be removed now are kept."""
        if self._forget:
            pool_of(self._context, self._name).forget(self._forget)
            self._forget = []

    def _end(
        self, job: Job, file: PoolFile, verdict: Verdict, process_id: str | None
    ) -> dict[str, Any]:
        if verdict is Verdict.REFUSE:
            return refused_fields(job, file.entry.refused)
        if verdict is Verdict.GIVE_BACK:
            return given_back_fields(job, file.batch_uid, file.entry.lost, None)
        return ended_fields(job, process_id, self._context.worker(self._name))

    def _process_ids(self, batch_uids: Iterable[str]) -> dict[str, str]:
        """Return {batch_uid: id in the queue} of pilots."""
        query = {"batch_uid": {"$in": sorted(batch_uids)}}
        found = self._context.controller.queue.batches.find(query, ["batch_uid", "process_id"])
        return {pilot["batch_uid"]: pilot["process_id"] for pilot in found}

    def _look_closer(
        self, files: Sequence[PoolFile], jobs: dict[Key, Job], view: PoolView
    ) -> dict[PoolFile, Verdict]:
        """Find out from the run directories to which attempts empty files of the pool belong."""
        if not files:
            return {}
        marks = self._marks([jobs[file.key] for file in files])
        found = {}
        for file in files:
            token, has_ended = marks[file.key]
            others = [f for f in view.running if f.key == file.key and f.name != file.name]
            remote = jobs[file.key].get("remote") or {}
            found[file] = judge_unmarked_end(
                started_as=token,
                token=remote.get("submission_token") or "",
                runs_elsewhere=bool(others) and not has_ended,
            )
        return found

    def _marks(self, jobs: Sequence[Job]) -> dict[Key, tuple[str | None, bool]]:
        """Return {(uuid, index): (token in the start file, whether there is an exit status)}."""
        paths = {
            (job["uuid"], job["index"]): Path(job["run_dir"]) for job in jobs if job.get("run_dir")
        }
        names = [folder / name for folder in paths.values() for name in (STARTED, EXIT_FILE)]
        said = self._context.host(self._name).read_files(names) if names else {}
        found: dict[Key, tuple[str | None, bool]] = {}
        for job in jobs:
            key = (job["uuid"], job["index"])
            folder = paths.get(key)
            text = said.get(folder / STARTED) if folder else None
            start = parse_start(text.decode(errors="replace")) if text is not None else None
            has_ended = folder is not None and folder / EXIT_FILE in said
            found[key] = (start.token if start else None, has_ended)
        return found

    def _note_running(self, view: PoolView, jobs: dict[Key, Job], pilots: Sequence[Job]) -> bool:
        """Set jobs that pilots have claimed to BATCH_RUNNING."""
        known = {pilot["batch_uid"]: pilot for pilot in pilots}
        fields: dict[Key, dict[str, Any]] = {}
        noted = []
        for file in view.running:
            job = jobs.get(file.key)
            if job is None or job["state"] != JobState.BATCH_SUBMITTED.value:
                continue
            if not _is_of(job, file.entry):
                continue
            pilot = known.get(file.batch_uid)
            fields[file.key] = {
                "state": JobState.BATCH_RUNNING.value,
                "start_time": utc_now(),
                "end_time": None,
                "remote.process_id": pilot["process_id"] if pilot else None,
            }
            noted.append((file, job))
        if not fields:
            return False
        self._note_jobs(noted)
        return self._apply(fields)

    def _note_jobs(self, files: Sequence[tuple[PoolFile, Job]]) -> None:
        by_pilot: dict[str, list[list[Any]]] = {}
        for file, job in files:
            by_pilot.setdefault(file.batch_uid, []).append([job["db_id"], file.uuid, file.index])
        batch_record.add_jobs(self._context.controller.queue.batches, by_pilot)

    # ------------------------------------------------------------------ pilots

    def _settle_pilots(self, pilots: Sequence[Job], view: PoolView) -> bool:
        """Record the states of pilots, and what they are doing.

        The queue's answer may be older than the read of the pool: a pilot that has claimed a job
        is running, whatever the queue said last.
        """
        batches, moved = self._context.controller.queue.batches, False
        at_work = {file.batch_uid for file in view.running}
        for pilot in pilots:
            uid, answer = pilot["batch_uid"], self._answers.get(pilot["batch_uid"])
            info = view.infos.get(self._folder(uid) / BATCH_INFO)
            if uid in self._ended:
                continue
            runs = uid in at_work
            if answer is not None and answer.state != UNSEEN:
                if answer.state in ENDED_STATES:
                    self._ended[uid] = (self._clock(), {**pilot, "word": answer.word})
                    batch_record.end(batches, pilot, info)
                    self._submission.note_end(pilot, info)
                    moved = True
                    continue
                if answer.process_id != pilot["process_id"]:
                    batch_record.set_process_id(batches, uid, answer.process_id)
                runs = runs or answer.state == "RUNNING"
            moved = (runs and batch_record.note_running(batches, pilot, info)) or moved
        return moved

    def _settle_orphans(self, view: PoolView, jobs: dict[Key, Job], pilots: Sequence[Job]) -> bool:
        """Give back jobs whose pilots ended while running them."""
        alive = {p["batch_uid"] for p in pilots} - set(self._ended)
        left = orphans(
            [(f.key, f.batch_uid) for f in view.running], alive, self._known(view, alive)
        )
        claims = {(f.key, f.batch_uid): f for f in view.running}
        due = [claims[claim] for claim in left if self._is_due(claim[1])]
        moved = bool(due) and self._give_back(due, jobs)
        kept = {file.batch_uid for file in view.running}
        for uid, (since, _) in list(self._ended.items()):
            if uid not in kept and self._clock() - since >= SETTLE:
                del self._ended[uid]
        return moved

    def _known(self, view: PoolView, alive: set[str]) -> set[str]:
        """Return the pilots with claims that have ended according to this database."""
        others = {file.batch_uid for file in view.running} - alive - set(self._ended)
        if others:
            query = {"batch_uid": {"$in": sorted(others)}, "worker": self._name}
            for pilot in self._context.controller.queue.batches.find(query, _WITHOUT_JOBS):
                others.discard(pilot["batch_uid"])
                if pilot["batch_state"] == BatchState.FINISHED.value:
                    self._ended[pilot["batch_uid"]] = (self._clock(), pilot)
            for uid in others:
                self._adopt(uid)
        return set(self._ended)

    def _adopt(self, batch_uid: str) -> None:
        """Record a working pilot that has no document: a runner died while submitting it."""
        folder = self._folder(batch_uid)
        said = self._context.host(self._name).read_files([folder / STARTED])
        start = parse_start(said.get(folder / STARTED, b"").decode(errors="replace"))
        if start is None:
            self._ended[batch_uid] = (self._clock(), {})  # nothing is known about it
            return
        logger.warning("worker %s: pilot %s was not recorded", self._name, start.process_id)
        queue = self._context.controller.queue
        identity = self._context.queue(self._name).identity_of(start)
        batch_record.add_submitted(queue.batches, start.process_id, batch_uid, self._name, identity)

    def _is_due(self, batch_uid: str) -> bool:
        """Whether the files of an ended pilot must be visible by now."""
        since, _ = self._ended[batch_uid]
        is_shell = self._context.queue(self._name).is_shell  # then everything is on one machine
        return is_shell or self._clock() - since >= SETTLE

    def _give_back(self, files: Sequence[PoolFile], jobs: dict[Key, Job]) -> bool:
        batch_states = {state.value for state in BATCH_STATES}
        concerned = [
            (file, job)
            for file in files
            if (job := jobs.get(file.key)) is not None
            and job["state"] in batch_states
            and _is_of(job, file.entry)
        ]
        marks = self._marks([job for _, job in concerned])
        process_ids = self._process_ids({file.batch_uid for file, _ in concerned})
        fields: dict[Key, dict[str, Any]] = {}
        for file, job in concerned:
            word = self._ended[file.batch_uid][1].get("word")
            if marks[file.key][1]:
                worker = self._context.worker(self._name)
                fields[file.key] = ended_fields(job, process_ids.get(file.batch_uid), worker)
            else:
                fields[file.key] = given_back_fields(job, file.batch_uid, "", word)
        moved = self._apply(fields) if fields else False
        after = self._jobs_of(file for file, _ in concerned)
        done = [
            file
            for file in files
            if (after.get(file.key) or {}).get("state") not in batch_states
            or file.key not in fields
        ]
        pool_of(self._context, self._name).forget_claims(done)
        return moved

    def _find_missing(self, view: PoolView, pilots: Sequence[Job]) -> bool:
        """Find jobs that should be in the pool but are not: the pool may have been emptied."""
        states = [s.value for s in BATCH_STATES]
        query = {"worker": self._name, "state": {"$in": states}, "lock_id": None}
        jobs = {
            (j["uuid"], j["index"]): j
            for j in self._context.controller.queue.jobs.find(query, _FIELDS)
        }
        there = {f.key for f in (*view.running, *view.finished)} | (view.submitted or frozenset())
        missing = {key for key in jobs if key not in there}
        again, self._missing = missing & self._missing, missing
        if not again:
            return False
        fields: dict[Key, dict[str, Any]] = {}
        alive = {p["batch_uid"] for p in pilots} - set(self._ended)
        marks = self._marks([jobs[key] for key in again])
        worker = self._context.worker(self._name)
        for key in again:
            job, (token, has_ended) = jobs[key], marks[key]
            remote = job.get("remote") or {}
            if token != (remote.get("submission_token") or ""):
                logger.warning(
                    "job %s is missing from the pool: it will be put there again", job["db_id"]
                )
                fields[key] = {"state": JobState.UPLOADED.value, "start_time": None}
            elif has_ended:
                fields[key] = ended_fields(job, remote.get("process_id"), worker)
            elif not alive:
                fields[key] = given_back_fields(
                    job, "", "its file in the pool has disappeared", None
                )
        return bool(fields) and self._apply(fields)


def _is_of(job: Job, entry: Entry) -> bool:
    """Whether a file of the pool may belong to the present attempt of a job."""
    token = (job.get("remote") or {}).get("submission_token") or ""
    return not (entry.token and token) or entry.token == token
