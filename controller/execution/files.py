"""The files of a run directory: their names, the input that goes in, the results that come back.

Names and contents are those of jobflow-remote 1.0.1, in both directions. ``jfr_started`` is ours:
the first thing a submitted script does is to create it, so that a second start of the same
submission ends at once; it holds the id that the queue knows the job by, and the start time of
its process. The files beside it of that name are described in ``controller.schedulers.queue``.
``jfr_exit`` is the exit status of the job's command, for results that are missing; the word pre_run
follows where the script ended before that command.
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

EXCERPT = 3000
"""Characters of the job's output that are kept in the database when it fails."""


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


def _dir_path(work_dir: str | Path, uuid: str, name: str) -> Path:
    # Words of a script are made of it, too: no spaces, and nothing that could be an option.
    if not re.fullmatch(r"\w[\w.-]*", uuid):
        raise RemoteError(f"the uuid {uuid!r} cannot name a folder", no_retry=True)
    try:
        return run_dir(work_dir, uuid, name)
    except ArgumentError as error:
        raise RemoteError(f"the uuid {uuid!r} cannot name a folder: {error}", True) from None


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
        As ``remote_jobstore`` of a project.

    Raises
    ------
    ConfigError
        An unknown name, a Store of the user's without an extension, or an additional store whose
        name cannot be part of the name of a file.
    """
    end = extension if isinstance(store, dict) else get_format(store).extension
    if not end:
        raise ConfigError(
            "remote_jobstore names a store class but no extension",
            hint="add `extension:`, what the names of its files end with",
        )
    suffix = f".{end}.gz" if zip_files else f".{end}"
    names = {"": f"{JOB_DATA}{suffix}"}
    names.update({name: f"{ADDITIONAL}{name}{suffix}" for name in additional})
    for name, file in names.items():
        problem = name_problem(file)
        if problem is not None:
            what = f"the additional store {name!r}" if name else f"the extension {end!r}"
            raise ConfigError(f"{what} cannot name a file: {problem}", hint="give it another name")
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
        From `store_file_names`.
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
        From `job_store_description`.
    job_doc
        The job's document without ``job``, ``_id`` and its lock.

    Raises
    ------
    RemoteError
        Something in the arguments has no form in JSON (``no_retry``).
    """
    hidden = ("job", "_id", "lock_lease")
    envelope = {k: v for k, v in job_doc.items() if k not in hidden}
    envelope.update(lock_id=None, lock_time=None)
    try:
        return encode_json({"job": job, "store": store, "job_doc": envelope})
    except TypeError as error:
        problem = unstorable(job) or str(error)
        raise RemoteError(f"the input of the job cannot be written: {problem}", True) from error


@dataclass(frozen=True)
class RunOutput:
    """What a job left in its output file.

    Attributes
    ----------
    response
        The serialised Response; None when the job failed or did not finish.
    error
        What went wrong, the reason in the first line; None when nothing did.
    start_time, end_time
        Naive UTC; None where the job did not get so far.
    has_result
        Whether the job itself wrote how it ended.
    """

    response: dict[str, Any] | None
    error: str | None
    start_time: datetime | None
    end_time: datetime | None
    has_result: bool = True


def read_output(run_dir: Path) -> RunOutput:
    """Read a job's output file, and find a reason where it has none.

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
    ended = pre_run_status(run_dir)
    if ended is not None and not started:
        return _with_log(run_dir, f"pre_run ended with status {ended} before the job started")
    status = exit_status(run_dir)
    what = "the job wrote no result" if started else "the job did not start"
    return _with_log(run_dir, f"{what}: {_meaning(status, started)}")


def exit_status(run_dir: Path) -> int | None:
    """Return the exit status of the job's command, None where that is not known."""
    try:
        return int(read_end(run_dir / EXIT_FILE, 20))
    except ValueError:
        return None


def pre_run_status(run_dir: Path) -> int | None:
    """Return the exit status of a script that ended in its pre_run; None where it did not."""
    status, _, where = read_end(run_dir / EXIT_FILE, 20).decode(errors="replace").partition(" ")
    return int(status) if where.strip() == "pre_run" and status.isdecimal() else None


def _meaning(status: int | None, started: bool) -> str:
    if status is None and started:
        return "it was killed with its script (cancelled, or out of its time limit or memory)"
    if status is None:
        return "its script was killed before, or could not write (is the disk full?)"
    if status > 128:
        try:
            name = signal.Signals(status - 128).name
        except ValueError:
            name = str(status - 128)
        return f"its process was killed by {name} (cancelled, or out of its time limit or memory)"
    if status in (126, 127):
        return f"its command cannot be run on the worker (exit status {status})"
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
        A file cannot be decoded, or that of the output document holds none or several
        (``no_retry``).
    """
    store = files.store if isinstance(files, StoreFiles) else "maggma_json"
    found = {
        name: _read_documents(_existing(run_dir / file), store) for name, file in files.items()
    }
    documents = found.pop("")
    if not isinstance(documents, list) or len(documents) != 1:
        raise RemoteError(f"{files['']} has to hold exactly one document", no_retry=True)
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
    """Return the beginning of a log file for the database, None if there is none."""
    try:
        with (run_dir / name).open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(EXCERPT + 1)
    except (OSError, ValueError):  # ValueError: no path of a file at all
        return None
    if len(text) <= EXCERPT:
        return text
    return text[:EXCERPT] + "\n[the rest was cut: see the file in the run directory]"


def _existing(path: Path) -> Path:
    """Return the file, or its compressed or unpacked twin when only that exists."""
    if path.exists():
        return path
    twin = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return twin if twin.exists() else path


def end_of_log(run_dir: Path) -> str:
    """Return the end of the log, where a scheduler says what it did; empty where there is none."""
    return read_end(run_dir / QUEUE_ERR, 4 * EXCERPT).decode(errors="replace").strip()[-EXCERPT:]


def _with_log(run_dir: Path, reason: str) -> str:
    last = end_of_log(run_dir)
    return f"{reason}\n{QUEUE_ERR}:\n{last}" if last else reason


def read_end(path: Path, size: int) -> bytes:
    """Return the last bytes of a file, however large it is; none where it cannot be read.

    Parameters
    ----------
    size
        How many at most.
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
