"""Run one job in its directory. Imports jobflow, and no more than that."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from controller.execution import CURRENT_JOBDOC
from controller.execution.files import IN_FILE, OUT_FILE
from controller.execution.formats import decode_json

_RESERVE = ".jfr_reserve"
_RESERVED_BYTES = 256 * 1024
"""Space taken before the run, so that a full disk shows up before hours of work."""


def run_remote_job(run_dir: str | Path = ".") -> int:
    """Run the job whose input file lies in a directory, and leave its result there.

    Returns
    -------
    int
        Exit status for the process: 0 also when the job failed, since the result says so; 1 when
        the result cannot be written.
    """
    os.chdir(run_dir)
    start = datetime.now(UTC)
    try:
        _write_result({"start_time": start})
        with open(_RESERVE, "wb") as stream:  # noqa: PTH123 (the working directory may move)
            os.posix_fallocate(stream.fileno(), 0, _RESERVED_BYTES)
    except OSError as error:
        print(  # noqa: T201 (a worker process speaks to queue.err)
            f"jfr: the result of the job cannot be written here: {error}", file=sys.stderr
        )
        return 1
    home = Path.cwd()
    response, error_text = _run(home)
    os.chdir(home)
    result = {
        "response": response,
        "error": error_text,
        "start_time": start,
        "end_time": datetime.now(UTC),
    }
    with suppress(FileNotFoundError):
        (home / _RESERVE).unlink()
    try:
        _write_result(result)
    except OSError as error:
        print(f"jfr: the result of the job cannot be written: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except (TypeError, ValueError) as error:
        # The Response itself (stored_data, for example) cannot be serialised.
        result.update(response=None, error=f"the job's Response cannot be stored: {error}")
        _write_result(result)
    return 0


def _run(run_dir: Path) -> tuple[Any, str | None]:
    """Run the job; return (response, error)."""
    try:
        given = decode_json((run_dir / IN_FILE).read_bytes())
        return _run_given(given), None
    except SystemExit as error:
        return None, f"the job ended its process: sys.exit({error.code!r})\n{_trace()}"
    except KeyboardInterrupt:
        return None, f"the job was interrupted (SIGINT)\n{_trace()}"
    except Exception as error:  # noqa: BLE001 (whatever the job raises is its result)
        return None, f"{_reason(error)}\n{_trace()}"


def _run_given(given: dict[str, Any]) -> Any:
    from jobflow.core.job import Job
    from monty.json import MontyDecoder

    from controller.execution.filestore import open_job_store

    _check_function(given["job"].get("function"))
    job = MontyDecoder().process_decoded(given["job"])
    if not isinstance(job, Job):
        raise TypeError("the input file holds no jobflow Job")
    CURRENT_JOBDOC.job_doc = SimpleNamespace(**given.get("job_doc") or {})
    store = open_job_store(given["store"])
    store.connect()
    response = job.run(store=store)
    store.close()
    response.output = None  # it is in the store
    return response


def _check_function(function: Any) -> None:
    """Import the module of the job's function, for the sake of a clear message."""
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
            "(is the package installed there, and on PYTHONPATH?)"
        ) from error


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _trace() -> str:
    return traceback.format_exc()


def _write_result(result: dict[str, Any]) -> None:
    """Write the output file: the whole of it or nothing."""
    from monty.json import MontyEncoder

    text = json.dumps(result, cls=MontyEncoder)
    temporary = Path(f".{OUT_FILE}.part")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(OUT_FILE)
