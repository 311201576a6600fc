"""Test a worker: run one real job through its real queue, with a separate database.

The project's queue, outputs and running runner are not touched; the job's files on the worker are
removed afterwards.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from controller.config import ExecutionConfig, Project
from controller.errors import ArgumentError, ControllerError, RemoteError
from controller.execution.files import QUEUE_ERR, QUEUE_OUT, batch_dir_path, end_of_log
from controller.hosts import open_host
from controller.jobcontroller import JobController
from controller.rules.why import error_line
from controller.runner.runner import Runner
from controller.states import BatchState, Cause, JobState

if TYPE_CHECKING:
    from controller.config.workers import WorkerBase as Worker
    from controller.documents import JobInfo
    from controller.hosts import Host

_LOOK_EVERY = 0.05
_NAME = "jfr worker test"
_LINES = 20
"""Number of log lines shown."""
_WAIT_FOR_JOB = 60
"""Seconds that a pilot waits for the job, which is in the pool before the pilot starts."""
STEPS: dict[str, str] = {
    "READY": "claimed",
    "CHECKED_OUT": "uploaded",
    "UPLOADED": "submitted",
    "SUBMITTED": "started by the queue",
    "RUNNING": "ended",
    "RUN_FINISHED": "files fetched",
    "DOWNLOADED": "completed",
    "BATCH_SUBMITTED": "begun by a pilot",
    "BATCH_RUNNING": "ended",
}
"""What ends each state."""
_ADDRESS = re.compile(r"([\w.-]+):(\d{1,5})")

Told = Callable[[str], None]
"""Called with the state that the job has reached."""


@dataclass(frozen=True)
class TrialStep:
    """A state that the job went through, and how long it was in it."""

    state: str
    step: str
    seconds: float


@dataclass(frozen=True)
class Trial:
    """The result of a test.

    Attributes
    ----------
    worker
        Its name.
    state
        Final state of the job; None if it did not end in time. Also REMOTE_ERROR if the pilot of a
        batch worker ended before it started the job.
    steps
        The states that it went through.
    seconds
        Total time.
    node, queue_id
        The node where it ran, and its id in the queue; None if unknown.
    cause, error
        Why it did not complete; "" if it did.
    log
        Last lines of its printed output, if it did not complete.
    waiting
        The state in which it was at the time limit.
    """

    worker: str
    state: JobState | None
    steps: tuple[TrialStep, ...]
    seconds: float
    node: str | None = None
    queue_id: str | None = None
    cause: Cause | None = None
    error: str = ""
    log: str = ""
    waiting: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the job completed with the right output."""
        return self.state is JobState.COMPLETED and not self.error


@dataclass
class _Watch:
    """Records the state changes of a job, in a separate thread."""

    controller: JobController
    tell: Told
    seen: list[tuple[str, float]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    give_up: Callable[[], None] = lambda: None

    def look(self) -> None:
        """Look once."""
        with suppress(ControllerError):
            doc = self.controller.jobs.find_one({}, ["state"]) or {}
            state = doc.get("state")
            if state and (not self.seen or self.seen[-1][0] != state):
                self.seen.append((state, time.monotonic()))
                self.tell(state)
            # Jobs that a pilot has run are recorded before its end: it has not started this one.
            if state == JobState.BATCH_SUBMITTED and self.controller.get_batches(
                batch_state=BatchState.FINISHED
            ):
                self.give_up()

    def run(self) -> None:
        """Check until the job has ended."""
        while not self.over.wait(_LOOK_EVERY):
            self.look()

    def steps(self) -> tuple[TrialStep, ...]:
        """How long the job was in each state."""
        spans = zip(self.seen, self.seen[1:])
        return tuple(
            TrialStep(state, STEPS.get(state, state), until - since)
            for (state, since), (_, until) in spans
        )


def try_worker(
    project: Project,
    name: str,
    *,
    timeout: float = 600.0,
    exec_config: str | None = None,
    connect: str | None = None,
    tell: Told = lambda state: None,
) -> Trial:
    """Run one small job on a worker, from submission to output.

    A batch worker runs one pilot, in separate folders below those of the project's pilots.

    Parameters
    ----------
    project
        Project that has the worker.
    name
        Name of the worker; its limits on jobs are ignored.
    timeout
        Seconds until the job is cancelled.
    exec_config
        Name of an execution configuration to use.
    connect
        ``HOST:PORT`` that the job must be able to reach from its node, such as a licence server.
    tell
        Called with each state that the job reaches.

    Raises
    ------
    ConfigError
        There is no such worker or exec_config.
    ArgumentError
        ``connect`` is not an address.
    HostUnavailableError
        The worker cannot be reached, or refuses the login.
    """
    worker = project.get_worker(name)
    config = project.get_exec_config(exec_config) if exec_config else ExecutionConfig()
    config = config.model_copy(update={"pre_run": _pre_run(config.pre_run, connect)})
    host = open_host(worker, name)
    try:
        host.execute("true")
        with tempfile.TemporaryDirectory(prefix="jfr-test-") as folder:
            trial = _project_of_its_own(project, name, Path(folder))
            return _carry_out(trial, name, host, config, timeout, tell)
    finally:
        host.close()


def _pre_run(given: str | None, connect: str | None) -> str | None:
    """Return shell lines that check an address before the job starts, and end it on failure."""
    if connect is None:
        return given
    address = _ADDRESS.fullmatch(connect)
    if address is None:
        raise ArgumentError(f"{connect!r} is not an address", hint="write HOST:PORT")
    reach = f"exec 3<>/dev/tcp/{address[1]}/{address[2]}"
    tried = (
        f"timeout 10 bash -c '{reach}' 2>/dev/null || "
        f'{{ echo "jfr: $(uname -n) does not reach {connect}" >&2; exit 1; }}'
    )
    return "\n".join(text for text in (given, tried) if text)


def _project_of_its_own(project: Project, name: str, folder: Path) -> Project:
    """Return a project with one worker and its data in a folder of this machine."""
    outputs = {"type": "EmbeddedStore", "path": str(folder / "outputs.sqlite")}
    return Project.model_validate(
        {
            "name": project.name,
            "base_dir": str(folder),
            "log_level": "error",
            "workers": {name: _worker_of_its_own(project.workers[name])},
            "queue": {"store": {"type": "EmbeddedStore", "path": str(folder / "queue.sqlite")}},
            "jobstore": {"docs_store": outputs},
            "remote_jobstore": project.remote_jobstore,
            "runner": {"max_step_attempts": 1, "delta_retry": [1]},
        }
    )


def _worker_of_its_own(worker: Worker) -> Worker:
    """Return a worker without limits; its pilot ends after one job and has separate folders."""
    changed: dict[str, Any] = {"max_jobs": None}
    if worker.batch is not None:
        own = f"jfr-test-{uuid4().hex[:8]}"
        folders = {n: getattr(worker.batch, n) / own for n in ("jobs_handle_dir", "work_dir")}
        one = {"max_jobs_per_batch": 1, "parallel_jobs": 1, "max_wait": _WAIT_FOR_JOB}
        changed["batch"] = worker.batch.model_copy(update={**folders, **one})
    return worker.model_copy(update=changed)


def _carry_out(
    project: Project,
    name: str,
    host: Host,
    config: ExecutionConfig,
    timeout: float,
    tell: Told,
) -> Trial:
    started = time.monotonic()
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(_job(), name, exec_config=config)
        runner = Runner(project=project)
        watch = _Watch(controller, tell, give_up=runner.stop)
        watcher = threading.Thread(target=watch.run, daemon=True)
        watcher.start()
        try:
            summary = runner.run_until_idle(timeout)
        finally:
            watch.over.set()
            watcher.join()
            watch.look()
            try:
                found = controller.get_job_info(db_id=db_id)
                assert found is not None
                trial = _outcome(controller, found, watch, time.monotonic() - started)
                trial = _with_failure_of_pilot(trial, controller, project, host)
            finally:
                # Also on Ctrl-C: nothing stays in the queue.
                controller.delete_flow(db_id, delete_files=True, break_lock=True)
                _remove_pilots(runner, controller, host)
                runner.cleanup()
    if trial.state is None and not summary.timed_out:
        raise KeyboardInterrupt  # the runner handled the signal, and ended cleanly
    return trial


def _with_failure_of_pilot(
    trial: Trial, controller: JobController, project: Project, host: Host
) -> Trial:
    """Return why a pilot ended before it started the job, if it did."""
    ended = controller.get_batches(batch_state=BatchState.FINISHED)
    batch = project.workers[trial.worker].batch
    if trial.waiting != JobState.BATCH_SUBMITTED or not ended or batch is None:
        return trial
    (pilot,) = ended[-1:]
    folder = batch_dir_path(batch.work_dir, pilot.batch_uid)
    logs = [folder / name for name in (QUEUE_ERR, QUEUE_OUT)]
    found = host.read_files(logs)
    said = next((found[path].decode(errors="replace") for path in logs if found.get(path)), "")
    return replace(
        trial,
        state=JobState.REMOTE_ERROR,
        waiting=None,
        queue_id=pilot.process_id,
        error=f"its pilot ({pilot.process_id}) ended before it began the job",
        log="\n".join(said.rstrip().splitlines()[-_LINES:]),
    )


def _remove_pilots(runner: Runner, controller: JobController, host: Host) -> None:
    """End remaining pilots, and remove their files."""
    for name, worker in runner.project.workers.items():
        if worker.batch is None:
            continue
        for pilot in controller.get_batches(batch_state=[BatchState.SUBMITTED, BatchState.RUNNING]):
            folder = batch_dir_path(worker.batch.work_dir, pilot.batch_uid)
            doc = controller.queue.batches.find_one({"batch_uid": pilot.batch_uid}, ["process"])
            process = (doc or {}).get("process")
            runner.context.queue(name).cancel(pilot.process_id, folder, process)
        with suppress(RemoteError):  # it may still be writing: the folders are its own
            host.rmtree(worker.batch.jobs_handle_dir, worker.batch.work_dir)


def _job() -> Any:
    """A job of the standard library, which every worker can import."""
    import platform

    from jobflow import Job

    job = Job(platform.node)
    job.name = _NAME
    never = {"causes": [cause.value for cause in Cause], "times": 0}
    job.config.manager_config = {"retry": [never]}
    return job


def _outcome(controller: JobController, found: JobInfo, watch: _Watch, seconds: float) -> Trial:
    """Read how the job ended."""
    doc = controller.jobs.find_one({"db_id": found.db_id}, ["attempts"]) or {}
    node = next((a.get("node") for a in reversed(doc.get("attempts") or [])), None)
    over = found.state in (JobState.COMPLETED, JobState.FAILED, JobState.REMOTE_ERROR)
    error, cause, log = "", None, ""
    if found.state is JobState.COMPLETED:
        output = controller.get_job_output(db_id=found.db_id)
        if not isinstance(output, str):
            error = f"its output is {output!r}, not the name of the node"
    elif over:
        error = error_line(found.error or found.remote.error)
        cause = Cause(found.error_cause) if found.error_cause in set(Cause) else None
        log = _log_of(found)
    return Trial(
        worker=found.worker,
        state=found.state if over else None,
        steps=watch.steps(),
        seconds=seconds,
        node=node,
        queue_id=found.remote.process_id,
        cause=cause,
        error=error,
        log=log,
        waiting=None if over else found.state.value,
    )


def _log_of(found: JobInfo) -> str:
    """Return the last lines of the job's error output or, if that is empty, of its output."""
    kept = [text for text in (found.remote.queue_err, found.remote.queue_out) if text]
    if not kept and found.run_dir:
        kept = [end_of_log(Path(found.run_dir))]
    return "\n".join(kept[0].rstrip().splitlines()[-_LINES:]) if kept else ""
