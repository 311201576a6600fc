"""Run one job in its directory. Imports only jobflow."""

from __future__ import annotations

import dataclasses
import errno
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from controller.execution import CURRENT_JOBDOC
from controller.execution.files import IN_FILE, OUT_FILE
from controller.execution.formats import decode_json

_RESERVE = ".jfr_reserve"
_RESERVED_BYTES = 256 * 1024
"""Space reserved before the run, so that a full disk is noticed before hours of work."""

_CANNOT_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems that cannot reserve space."""


class Terminated(BaseException):
    """SIGTERM arrived while the job ran."""

    __module__ = "builtins"  # so that a traceback names it without jfr's folders


class OutputError(Exception):
    """The files of the stores cannot be written."""

    __module__ = "builtins"


@dataclass(frozen=True)
class RunEnd:
    """How a job ended in this process.

    Attributes
    ----------
    status
        Exit status of the process: 0 also if the job failed, since the result says so; 1 if the
        directory cannot be entered or the result cannot be written.
    error
        Why the job failed, as its result has it; None if it did not.
    """

    status: int
    error: str | None = None


class Surroundings:
    """What a process does around a job; one that runs many jobs does some of it differently."""

    def reserve(self, home: Path) -> None:
        """Reserve space for the result of a job; OSError if there is not enough."""
        with (home / _RESERVE).open("wb") as stream:
            allocate(stream.fileno())

    def release(self, home: Path) -> None:
        """Release the space, for the result."""
        with suppress(FileNotFoundError):
            (home / _RESERVE).unlink()

    def imported(self) -> None:
        """Note that the module of the job's function has been imported."""

    def lasting(self) -> bool:
        """Whether files must survive a loss of power from now on."""
        return True


def allocate(number: int) -> None:
    """Make an open file reserve the space that the result of a job may need.

    Raises
    ------
    OSError
        There is not enough space.
    """
    if not hasattr(os, "posix_fallocate"):  # as on a Mac
        if os.pwrite(number, bytes(_RESERVED_BYTES), 0) < _RESERVED_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return
    try:
        os.posix_fallocate(number, 0, _RESERVED_BYTES)
    except OSError as error:
        if error.errno not in _CANNOT_RESERVE:
            raise


def run_remote_job(run_dir: str | Path = ".") -> int:
    """Run a job as `run_job` does; return the exit status of the process."""
    return run_job(run_dir).status


def run_job(run_dir: str | Path = ".", around: Surroundings | None = None) -> RunEnd:
    """Run the job whose input file is in a directory, and write its result there.

    The working directory of the process becomes the run directory.

    Parameters
    ----------
    around
        What to do around the job; None means what a separate process does.
    """
    around = around or Surroundings()
    start = datetime.now(UTC)
    try:
        os.chdir(run_dir)
        home = Path.cwd()
    except OSError as error:
        return _give_up(f"cannot enter the run directory {run_dir}: {error.strerror}")
    try:
        _write_result(home, {"start_time": start}, lasting=False)
        around.reserve(home)
    except OSError as error:
        return _give_up(f"the result of the job cannot be written in {home}: {error.strerror}")
    process = os.getpid()
    with _termination_as_error():
        response, reason = _run(home, around)
    if os.getpid() != process:
        os._exit(1)  # a forked child of the job that returned to here: not the end of the job
    os.chdir(home)
    try:
        around.release(home)
        _write_end(home, start, response, reason, around)
    except OSError as error:
        return _give_up(f"the result of the job cannot be written in {home}: {error.strerror}")
    return RunEnd(0, reason)


def _give_up(reason: str) -> RunEnd:
    sys.stderr.write(f"jf: {reason}\n")
    return RunEnd(1, reason)


def _write_end(
    home: Path, start: datetime, response: Any, error: str | None, around: Surroundings
) -> None:
    times = {"start_time": start, "end_time": datetime.now(UTC)}
    lasting = around.lasting()
    try:
        _write_result(home, {"response": response, "error": error, **times}, lasting=lasting)
    except (TypeError, ValueError, AttributeError) as failure:
        # The Response itself (stored_data, for example) cannot be serialised.
        reason = f"the job's Response cannot be stored: {failure}"
        _write_result(home, {"response": None, "error": reason, **times}, lasting=lasting)


@contextmanager
def _termination_as_error() -> Iterator[None]:
    """Make SIGTERM end the job but not the process, which still has to write a result."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_number: int, _frame: object) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _run(run_dir: Path, around: Surroundings) -> tuple[Any, str | None]:
    """Run the job; return (response, error)."""
    try:
        try:
            given = decode_json((run_dir / IN_FILE).read_bytes())
            return _run_given(given, around), None
        finally:
            CURRENT_JOBDOC.reset()
    except BaseException as error:  # noqa: BLE001 (whatever ends the job is its result)
        return None, f"{_reason(error)}\n{_trace(error)}"


def _run_given(given: dict[str, Any], around: Surroundings) -> Any:
    from jobflow.core.job import Job
    from jobflow.utils.log import initialize_logger
    from monty.json import MontyDecoder

    from controller.execution.filestore import open_job_store
    from controller.execution.serialising import serialised_flow

    _check_function(given["job"].get("function"))
    around.imported()
    job = MontyDecoder().process_decoded(given["job"])
    if not isinstance(job, Job):
        raise TypeError("the input file contains no jobflow Job")
    CURRENT_JOBDOC.set({**(given.get("job_doc") or {}), "job": given["job"]})
    store = open_job_store(given["store"], around.lasting)
    store.connect()
    initialize_logger()  # jobflow's lines belong in queue.out; it replaces its handlers
    process = os.getpid()
    response = job.run(store=store)
    if os.getpid() != process:
        os._exit(1)  # a forked child of the job: its output would take the place of the job's own
    try:
        store.close()
    except (TypeError, ValueError, OSError) as error:
        raise OutputError(
            f"the job ran, but its output cannot be stored: {error.__cause__ or error}"
        ) from error
    response.output = None  # it is in the store
    content = {f.name: getattr(response, f.name) for f in dataclasses.fields(response)}
    for name in ("replace", "detour", "addition"):
        if content[name] is not None:
            content[name] = serialised_flow(content[name])
    return {"@module": "jobflow.core.job", "@class": "Response", **content}


def _check_function(function: Any) -> None:
    """Import the module of the job's function, to get a clear message if that fails."""
    if not isinstance(function, dict) or "@module" not in function:
        return
    module, name = function["@module"], function.get("@callable", "")
    try:
        found: Any = importlib.import_module(module)
        for part in str(name).split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"the job's function {module}.{name} cannot be imported on the worker: {error} "
            "(check that the package is installed there and on PYTHONPATH)"
        ) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the job ended its process: sys.exit({error.code!r})"
    if isinstance(error, KeyboardInterrupt):
        return "the job was interrupted (SIGINT)"
    if isinstance(error, Terminated):
        return "the job was terminated (SIGTERM): cancelled, or out of its time"
    if isinstance(error, OutputError):
        return str(error)
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _trace(error: BaseException) -> str:
    """Return the traceback without the frames of this module."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    shown = trace or error.__traceback__
    return "".join(traceback.format_exception(type(error), error, shown))


def _write_result(home: Path, result: dict[str, Any], *, lasting: bool) -> None:
    """Write the output file: completely or not at all."""
    from monty.json import MontyEncoder

    text = json.dumps(result, cls=MontyEncoder)
    temporary = home / f".{OUT_FILE}.part"
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        if lasting:
            stream.flush()
            os.fsync(stream.fileno())
    temporary.replace(home / OUT_FILE)
