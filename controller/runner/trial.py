"""Try a worker out: one real job through its real queue, in a database of its own.

Nothing of the project's queue, outputs or running runner is touched; what the job left on the
worker is removed afterwards.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config import ExecutionConfig, Project
from controller.errors import ArgumentError, ControllerError
from controller.execution.files import end_of_log
from controller.hosts import open_host
from controller.jobcontroller import JobController
from controller.rules.why import error_line
from controller.runner.runner import Runner
from controller.states import Cause, JobState

if TYPE_CHECKING:
    from controller.documents import JobInfo

_LOOK_EVERY = 0.05
_NAME = "jfr worker test"
STEPS: dict[str, str] = {
    "READY": "claimed",
    "CHECKED_OUT": "uploaded",
    "UPLOADED": "submitted",
    "SUBMITTED": "started by the queue",
    "RUNNING": "ended",
    "RUN_FINISHED": "files fetched",
    "DOWNLOADED": "completed",
}
"""What ends each state on the way."""
_ADDRESS = re.compile(r"([\w.-]+):(\d{1,5})")

Told = Callable[[str], None]
"""Called with the state that the job has reached."""


@dataclass(frozen=True)
class TrialStep:
    """A state on the way, and how long the job was in it."""

    state: str
    step: str
    seconds: float


@dataclass(frozen=True)
class Trial:
    """What came of a test.

    Attributes
    ----------
    worker
        Its name.
    state
        Of the job at the end; None where it was not over in time.
    steps
        The states that it went through.
    seconds
        In all.
    node, queue_id
        Where it ran, and its id in the queue; None where that is not known.
    cause, error
        Why it did not complete; "" when it did.
    log
        Last lines of what it printed, where it did not complete.
    waiting
        State in which it still was when time was up.
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
    """Notes when a job changes its state, in a thread of its own."""

    controller: JobController
    tell: Told
    seen: list[tuple[str, float]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Look once."""
        with suppress(ControllerError):
            doc = self.controller.jobs.find_one({}, ["state"]) or {}
            state = doc.get("state")
            if state and (not self.seen or self.seen[-1][0] != state):
                self.seen.append((state, time.monotonic()))
                self.tell(state)

    def run(self) -> None:
        """Look until it is over."""
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

    Parameters
    ----------
    project
        Has the worker.
    name
        Of the worker; its limits of jobs are not heeded.
    timeout
        Seconds until the job is cancelled.
    exec_config
        Name of an execution configuration to use.
    connect
        ``HOST:PORT`` that the job has to reach from its node, such as a licence server.
    tell
        Called with each state that the job reaches.

    Raises
    ------
    ConfigError
        There is no such worker or exec_config.
    ArgumentError
        ``connect`` is no address; the worker is a batch worker.
    HostUnavailableError
        The worker cannot be reached, or refuses the login.
    """
    worker = project.get_worker(name)
    if worker.is_batch:
        raise ArgumentError(f"worker {name} is a batch worker: these cannot be tested yet")
    config = project.get_exec_config(exec_config) if exec_config else ExecutionConfig()
    config = config.model_copy(update={"pre_run": _pre_run(config.pre_run, connect)})
    host = open_host(worker, name)
    try:
        host.execute("true")
        with tempfile.TemporaryDirectory(prefix="jfr-test-") as folder:
            trial = _project_of_its_own(project, name, Path(folder))
            return _carry_out(trial, name, config, timeout, tell)
    finally:
        host.close()


def _pre_run(given: str | None, connect: str | None) -> str | None:
    """Return shell lines that reach an address before the job begins, or end it."""
    if connect is None:
        return given
    address = _ADDRESS.fullmatch(connect)
    if address is None:
        raise ArgumentError(f"{connect!r} is no address", hint="write HOST:PORT")
    reach = f"exec 3<>/dev/tcp/{address[1]}/{address[2]}"
    tried = (
        f"timeout 10 bash -c '{reach}' 2>/dev/null || "
        f'{{ echo "jfr: $(uname -n) does not reach {connect}" >&2; exit 1; }}'
    )
    return "\n".join(text for text in (given, tried) if text)


def _project_of_its_own(project: Project, name: str, folder: Path) -> Project:
    """Return a project with one worker, whose data lie in a folder of this machine."""
    outputs = {"type": "EmbeddedStore", "path": str(folder / "outputs.sqlite")}
    return Project.model_validate(
        {
            "name": project.name,
            "base_dir": str(folder),
            "log_level": "error",
            "workers": {name: project.workers[name].model_copy(update={"max_jobs": None})},
            "queue": {"store": {"type": "EmbeddedStore", "path": str(folder / "queue.sqlite")}},
            "jobstore": {"docs_store": outputs},
            "remote_jobstore": project.remote_jobstore,
            "runner": {"max_step_attempts": 1, "delta_retry": [1]},
        }
    )


def _carry_out(
    project: Project, name: str, config: ExecutionConfig, timeout: float, tell: Told
) -> Trial:
    started = time.monotonic()
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(_job(), name, exec_config=config)
        watch = _Watch(controller, tell)
        watcher = threading.Thread(target=watch.run, daemon=True)
        watcher.start()
        runner = Runner(project=project)
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
            finally:
                # Also on Ctrl-C: nothing stays in the queue.
                controller.delete_flow(db_id, delete_files=True, break_lock=True)
                runner.cleanup()
    if trial.state is None and not summary.timed_out:
        raise KeyboardInterrupt  # the runner took the signal, and ended in good order
    return trial


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


def _log_of(found: JobInfo, lines: int = 20) -> str:
    """Return the last lines that the job printed: of its errors, else of its output."""
    kept = [text for text in (found.remote.queue_err, found.remote.queue_out) if text]
    if not kept and found.run_dir:
        kept = [end_of_log(Path(found.run_dir))]
    return "\n".join(kept[0].rstrip().splitlines()[-lines:]) if kept else ""
