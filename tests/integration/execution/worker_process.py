"""A worker's process for one job, forked from here so that jobflow is imported once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jobflow  # noqa: F401 (warm, before any fork)
import maggma.stores  # noqa: F401

from controller.execution import files


@dataclass(frozen=True)
class Run:
    directory: Path
    code: int
    stdout: str
    stderr: str
    files: files.StoreFiles

    @property
    def output(self) -> files.RunOutput:
        return files.read_output(self.directory)

    @property
    def result(self) -> Any:
        document, _ = files.read_results(self.directory, self.files)
        return document["output"]

    @property
    def reason(self) -> str:
        return (self.output.error or "").splitlines()[0]


def job_document(job: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A job document as the runner has it in hand when it uploads."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return {
        "_id": "not for the worker",
        "uuid": job["uuid"],
        "index": job["index"],
        "db_id": "7",
        "worker": "local one",
        "state": "CHECKED_OUT",
        "remote": {"step_attempts": 1, "retry_time_limit": now, "error": None},
        "parents": [],
        "previous_state": None,
        "error": None,
        "lock_id": "somebody",
        "lock_time": now,
        "run_dir": None,
        "start_time": None,
        "end_time": None,
        "created_on": now,
        "updated_on": now,
        "priority": 0,
        "exec_config": None,
        "resources": None,
        "stored_data": None,
        "job": job,
        **changes,
    }


def prepare(
    directory: Path,
    job: Any,
    store: Any = "maggma_json",
    zip_files: bool = False,
    extension: str | None = None,
) -> files.StoreFiles:
    """Write the input of a job; return the names of the files of its stores."""
    serialised = job if isinstance(job, dict) else job.as_dict()
    names = files.store_file_names({"data"}, store, zip_files, extension)
    described = files.job_store_description(directory, names, {"save": {}, "load": False})
    directory.mkdir(parents=True, exist_ok=True)
    (directory / files.IN_FILE).write_bytes(
        files.encode_input(serialised, described, job_document(serialised))
    )
    return names


def run_forked(directory: Path, command: Callable[[], Any]) -> tuple[int, str, str]:
    """Call something in a child whose output goes to files; (status, stdout, stderr)."""
    streams = [directory.parent / f"{directory.name}.{end}" for end in ("out", "err")]
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        for number, path in zip((1, 2), streams, strict=True):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        code = 70
        try:
            command()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            import traceback

            traceback.print_exc()
            code = 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, *(path.read_text(encoding="utf-8") for path in streams)
