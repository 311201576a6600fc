"""The files of a run directory: their names, the input and the results.

Names and contents are those of jobflow-remote 1.0.1, in both directions. ``jfr_started`` is ours:
the first thing a submitted script does is to create it, so that a second start of the same
submission ends at once; it holds the id that the queue knows the job by, and the start time of
its process. The files beside it of that name are described in ``controller.schedulers.queue``.
``jfr_exit`` is the exit status of the job's command, for results that are missing; the word pre_run
follows if the script ended before that command.
"""

from __future__ import annotations

import gzip
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.errors import ArgumentError, ConfigError, RemoteError
from controller.execution.formats import decode_json, encode_json, get_format, read_file
from controller.execution.values import unstorable
from controller.paths import name_problem, run_dir

IN_FILE = "jfremote_in.json"
OUT_FILE = "jfremote_out.json"
JOB_DATA = "remote_job_data"
ADDITIONAL = "additional_store_"
SUBMIT_SCRIPT = "submit.sh"
QUEUE_OUT, QUEUE_ERR = "queue.out", "queue.err"
EXIT_FILE = "jfr_exit"

_USUAL_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

EXCERPT = 3000
"""Maximum length of the job's output stored in the database if it fails, in characters."""


def batch_dir_path(work_dir: str | Path, batch_uid: str) -> Path:
    """Return the folder of a batch process: ``<work_dir>/aa/bb/cc/<batch_uid>``.

    Raises
    ------
    RemoteError
        The uid could lead out of the folder (``no_retry``).
    """
    return _dir_path(work_dir, batch_uid, batch_uid)


def run_dir_path(work_dir: str | Path, uuid: str, index: int) -> Path:
    """Return ``work_dir/aa/bb/cc/uuid_index``, where aabbcc begin the uuid's digits.

    Raises
    ------
    RemoteError
        The uuid could lead out of the folder (``no_retry``).
    """
    return _dir_path(work_dir, uuid, f"{uuid}_{index}")


def uuid_problem(uuid: str) -> str | None:
    """Say why a uuid cannot be the name of a run directory; None if it can."""
    if _USUAL_UUID.fullmatch(uuid):  # of thousands of jobs, each
        return None
    try:
        run_dir_path("/", uuid, 1)
    except RemoteError as error:
        return error.message
    return None


def _dir_path(work_dir: str | Path, uuid: str, name: str) -> Path:
    # It is also used as a word in scripts: no spaces, and nothing that looks like an option.
    if not re.fullmatch(r"\w[\w.-]*", uuid):
        raise RemoteError(
            f"the uuid {uuid!r} cannot be used as the name of a folder", no_retry=True
        )
    try:
        return run_dir(work_dir, uuid, name)
    except ArgumentError as error:
        raise RemoteError(
            f"the uuid {uuid!r} cannot be used as the name of a folder: {error}", True
        ) from None


class StoreFiles(dict[str, str]):
    """Names of the files that carry outputs, and what writes them.

    {"": file of the output document, name: file of an additional store}.

    Attributes
    ----------
    store
        ``remote_jobstore.store`` of the project: a name, or a serialised Store without its path.
    """

    def __init__(self, names: Mapping[str, str], store: str | dict[str, Any] = "maggma_json"):
        super().__init__(names)
        self.store = store


def store_file_names(
    additional: Mapping[str, Any] | set[str],
    store: str | dict[str, Any],
    zip_files: bool,
    extension: str | None = None,
) -> StoreFiles:
    """Return the names of the files that carry outputs.

    Parameters
    ----------
    additional
        Names of the JobStore's additional stores.
    store, zip_files, extension
        The settings of a project's ``remote_jobstore``.

    Raises
    ------
    ConfigError
        An unknown name, a user's Store class without an extension, or an additional store whose
        name cannot be part of a file name.
    """
    end = extension if isinstance(store, dict) else get_format(store).extension
    if not end:
        raise ConfigError(
            "remote_jobstore has a store class but no extension",
            hint="add `extension:`, the extension of its files",
        )
    suffix = f".{end}.gz" if zip_files else f".{end}"
    names = {"": f"{JOB_DATA}{suffix}"}
    names.update({name: f"{ADDITIONAL}{name}{suffix}" for name in additional})
    for name, file in names.items():
        problem = name_problem(file)
        if problem is not None:
            what = f"the additional store {name!r}" if name else f"the extension {end!r}"
            raise ConfigError(f"{what} cannot be part of a file name: {problem}", hint="rename it")
    return StoreFiles(names, store)


def job_store_description(
    run_dir: Path, files: StoreFiles, jobstore: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe the JobStore that the job writes to.

    Any worker can build it, whether it has jfr or jobflow-remote 1.0.1: JSON is written by maggma's
    JSONStore, MessagePack by a class of jobflow-remote that jfr knows by name.

    Parameters
    ----------
    files
        The result of `store_file_names`.
    jobstore
        Description of the project's JobStore, for what is saved and loaded where.
    """
    return {
        "@module": "jobflow.core.store",
        "@class": "JobStore",
        "@version": None,
        "docs_store": _store_at(run_dir / files[""], files.store),
        "additional_stores": {
            name: _store_at(run_dir / file, files.store) for name, file in files.items() if name
        },
        "save": jobstore.get("save"),
        "load": jobstore.get("load") or False,
    }


def _store_at(path: Path, store: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(store, dict):
        return {**store, "path": str(path)}
    if store == "msgpack":
        return {
            "@module": "jobflow_remote.remote.data",
            "@class": "MinimalMsgpackStore",
            "path": str(path),
        }
    return {
        "@module": "maggma.stores.mongolike",
        "@class": "JSONStore",
        "@version": None,
        "paths": [str(path)],
        "read_only": False,
        "encoding": "utf-8",
        # subclasses of float (numbers with a unit) are written as plain numbers
        "serialization_default": {"@module": "builtins", "@callable": "float"},
    }


def encode_input(
    job: Mapping[str, Any], store: Mapping[str, Any], job_doc: Mapping[str, Any]
) -> bytes:
    """Return the content of the input file.

    Parameters
    ----------
    job
        The serialised Job, its references resolved.
    store
        The result of `job_store_description`.
    job_doc
        The job's document without ``job``, ``_id`` and its lock.

    Raises
    ------
    RemoteError
        An argument cannot be written as JSON (``no_retry``).
    """
    hidden = ("job", "_id", "lock_lease")
    envelope = {k: v for k, v in job_doc.items() if k not in hidden}
    envelope.update(lock_id=None, lock_time=None)
    try:
        return encode_json({"job": job, "store": store, "job_doc": envelope})
    except TypeError as error:
        problem = unstorable(job) or str(error)
        raise RemoteError(f"cannot write the input of the job: {problem}", True) from error


@dataclass(frozen=True)
class RunOutput:
    """The content of a job's output file.

    Attributes
    ----------
    response
        The serialised Response; None when the job failed or did not finish.
    error
        The error, with the reason in the first line; None if there is none.
    start_time, end_time
        Naive UTC; None if not recorded.
    has_result
        Whether the job itself recorded how it ended.
    """

    response: dict[str, Any] | None
    error: str | None
    start_time: datetime | None
    end_time: datetime | None
    has_result: bool = True


def read_output(run_dir: Path) -> RunOutput:
    """Read a job's output file; if there is none, find the reason.

    Raises
    ------
    RemoteError
        The file cannot be parsed (``no_retry``).
    """
    path = run_dir / OUT_FILE
    zipped = path.with_name(f"{OUT_FILE}.gz")
    if path.exists():
        raw = path.read_bytes()
    elif zipped.exists():
        raw = gzip.decompress(zipped.read_bytes())
    else:
        return RunOutput(None, _missing_result(run_dir, started=False), None, None, False)
    content = decode_json(raw) if raw.strip() else {}
    start, end = _read_time(content.get("start_time")), _read_time(content.get("end_time"))
    response, error = content.get("response"), content.get("error")
    has_result = error is not None or response is not None
    if not has_result:
        error = _missing_result(run_dir, started=True)
    return RunOutput(response, error, start, end, has_result)


def _missing_result(run_dir: Path, *, started: bool) -> str:
    """Say why a job may have left no result, with the end of its log."""
    if not run_dir.is_dir():
        return f"the run directory {run_dir} is gone: the job, or another program, has removed it"
    ended = pre_run_status(run_dir)
    if ended is not None and not started:
        return _with_log(run_dir, f"pre_run ended with status {ended} before the job started")
    status = exit_status(run_dir)
    what = "the job wrote no result" if started else "the job did not start"
    return _with_log(run_dir, f"{what}: {_meaning(status, started)}")


def exit_status(run_dir: Path) -> int | None:
    """Return the exit status of the job's command, None if unknown."""
    try:
        return int(read_end(run_dir / EXIT_FILE, 20))
    except ValueError:
        return None


def pre_run_status(run_dir: Path) -> int | None:
    """Return the exit status of a script that ended in its pre_run; None if it did not."""
    status, _, where = read_end(run_dir / EXIT_FILE, 20).decode(errors="replace").partition(" ")
    return int(status) if where.strip() == "pre_run" and status.isdecimal() else None


def _meaning(status: int | None, started: bool) -> str:
    if status is None and started:
        return "it was killed with its script (cancelled, or out of its time limit or memory)"
    if status is None:
        return "its script was killed first, or could not write (is the disk full?)"
    if status > 128:
        try:
            name = signal.Signals(status - 128).name
        except ValueError:
            name = str(status - 128)
        return f"its process was killed by {name} (cancelled, or out of its time limit or memory)"
    if status in (126, 127):
        return f"its command could not be run on the worker (exit status {status})"
    if started:
        return (
            f"its process ended at once with status {status} (a call of os._exit, or a full disk)"
        )
    return f"its command ended with status {status}"


def read_results(
    run_dir: Path, files: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Read the output document and the blobs of additional stores.

    Raises
    ------
    FileNotFoundError
        A file is missing.
    RemoteError
        A file cannot be decoded, or the output file does not contain exactly one document
        (``no_retry``).
    """
    store = files.store if isinstance(files, StoreFiles) else "maggma_json"
    found = {
        name: _read_documents(_existing(run_dir / file), store) for name, file in files.items()
    }
    documents = found.pop("")
    if not isinstance(documents, list) or len(documents) != 1:
        raise RemoteError(f"{files['']} must contain exactly one document", no_retry=True)
    return documents[0], found


def _read_documents(path: Path, store: str | dict[str, Any]) -> Any:
    if isinstance(store, dict):
        from controller.execution.filestore import read_custom

        return read_custom(path, _store_at(path, store))
    try:
        return read_file(path)
    except FileNotFoundError:
        raise
    except (ValueError, OSError, EOFError, RemoteError) as error:
        raise RemoteError(f"{path.name} cannot be read: {error}", no_retry=True) from error


def read_excerpt(run_dir: Path, name: str) -> str | None:
    """Return the start of a log file for the database, None if there is none."""
    try:
        with (run_dir / name).open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(EXCERPT + 1)
    except (OSError, ValueError):  # ValueError: not a path at all
        return None
    if len(text) <= EXCERPT:
        return text
    return text[:EXCERPT] + "\n[truncated: see the file in the run directory]"


def _existing(path: Path) -> Path:
    """Return the file, or its compressed or unpacked twin when only that exists."""
    if path.exists():
        return path
    twin = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return twin if twin.exists() else path


def end_of_log(run_dir: Path) -> str:
    """Return the end of the log, with messages of the scheduler; empty if there is none."""
    return read_end(run_dir / QUEUE_ERR, 4 * EXCERPT).decode(errors="replace").strip()[-EXCERPT:]


def _with_log(run_dir: Path, reason: str) -> str:
    last = end_of_log(run_dir)
    return f"{reason}\n{QUEUE_ERR}:\n{last}" if last else reason


def read_end(path: Path, size: int) -> bytes:
    """Return the last bytes of a file of any size; empty if it cannot be read.

    Parameters
    ----------
    size
        Maximum number of bytes.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
            return stream.read(size)
    except (OSError, ValueError):
        return b""


def _read_time(value: Any) -> datetime | None:
    """Read a time as MSON or text; worker times are UTC, with or without saying so."""
    text = value.get("string") if isinstance(value, dict) else value
    if isinstance(text, datetime):
        time = text
    elif isinstance(text, str):
        time = datetime.fromisoformat(text)
    else:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
