"""One job: its state and history, inputs and output, files, and log."""

from __future__ import annotations

import mimetypes
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from controller.browsing.job import JobView, find_job, job_view
from controller.documents import JobInfo
from controller.errors import ControllerError, HostUnavailableError, NotFoundError
from controller.operations.logs import LogPart
from controller.states import ERROR_STATES, RUNNING_STATES, JobState
from controller.tables.events import HISTORY
from controller.tables.formats import duration, exact_time
from controller.tables.jobs import attempt_rows
from jfr_web.address_filters import Ask
from jfr_web.charts import time_line
from jfr_web.listing import table
from jfr_web.site import Site
from jfr_web.tree import tree

LINES = 400
"""Number of lines shown of each log."""
_PREVIEW = 200_000
"""Number of bytes shown of a file."""
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_ASK_AGAIN, _ASK_AGAIN_ELSEWHERE = 2, 10
"""Seconds between two reads of a log on this machine, and on other machines."""


def job(site: Site, ask: Ask) -> Any:
    """Show everything about a job except its inputs, output and files."""
    found = _found(site, ask)
    if found.db_id != ask.params["job"]:
        return RedirectResponse(f"/job/{quote(found.db_id)}", 303)
    view = job_view(site.reader, found)
    return "job.html", {
        **_frame(found, "job"),
        "view": view,
        "facts": _facts(view),
        "line": time_line([(e.state or "", e.seconds) for e in view.history]),
        "history": table(HISTORY, view.history),
        "attempts": attempt_rows(view.attempts),
        "error": found.error if found.state is JobState.FAILED else found.remote.error,
        "settings": [
            tree(value, name)
            for name, value in (
                ("resources", view.resources),
                ("exec_config", view.exec_config),
                ("retry", view.retry),
                ("metadata", found.metadata),
                ("stored_data", found.stored_data),
            )
            if value
        ],
        "command": f"jf job info {found.db_id} -v",
    }


def data(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show the inputs and the output of a job."""
    found = _found(site, ask)
    view = job_view(site.reader, found)
    output: Any = None
    missing = None
    if found.state is JobState.COMPLETED:
        try:
            output = site.controller.get_job_output(db_id=found.db_id)
        except ControllerError as error:
            missing = error
    else:
        missing = NotFoundError(f"there is no output yet: the job is {found.state.value}")
    return "job_data.html", {
        **_frame(found, "data"),
        "function": view.function,
        "inputs": [tree(value, name) for name, value in view.inputs.items()],
        "output": None if missing else tree(output, "output"),
        "missing": missing,
        "command": f"jf job output {found.db_id}",
    }


def files(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """List the files of a job."""
    found = _found(site, ask)
    problem: ControllerError | None = None
    folder, names = found.run_dir or "", list[str]()
    try:
        folder, names = site.controller.list_job_files(db_id=found.db_id)
    except (NotFoundError, HostUnavailableError) as error:
        problem = error
    return "job_files.html", {
        **_frame(found, "files"),
        "folder": folder,
        "names": sorted(names),
        "problem": problem,
        "command": f"jf job files ls {found.db_id}",
    }


def file(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show a file of a job if it is text or a picture."""
    found = _found(site, ask)
    name = _name(ask)
    content = site.controller.read_job_file(name, db_id=found.db_id)
    is_picture = mimetypes.guess_type(name)[0] in _PICTURES
    text = None if is_picture else _text(content[:_PREVIEW])
    return "job_file.html", {
        **_frame(found, "files"),
        "name": name,
        "size": len(content),
        "cut": len(content) > _PREVIEW,
        "text": text,
        "is_picture": is_picture,
        "raw": f"/job/{found.db_id}/raw?{urlencode({'name': name})}",
        "command": f"jf job files get {found.db_id} {name}",
    }


def raw(site: Site, ask: Ask) -> Response:
    """Send a file of a job: pictures to be displayed, everything else to be saved."""
    found = _found(site, ask)
    name = _name(ask)
    content = site.controller.read_job_file(name, db_id=found.db_id)
    kind = mimetypes.guess_type(name)[0]
    shown = kind in _PICTURES
    way = "inline" if shown else "attachment"
    saved_as = quote(f"{found.db_id}-{PurePosixPath(name).name}")
    return Response(
        content,
        media_type=kind if shown else "application/octet-stream",
        headers={"content-disposition": f"{way}; filename*=UTF-8''{saved_as}"},
    )


def log(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show what a job prints, also while it runs."""
    found = _found(site, ask)
    problem: ControllerError | None = None
    parts, missing = list[LogPart](), list[str]()
    try:
        parts, missing = site.controller.read_job_log(lines=LINES, db_id=found.db_id)
    except (NotFoundError, HostUnavailableError) as error:
        problem = error
    worker = site.project.workers.get(found.worker)
    again = _ASK_AGAIN if worker is None or worker.is_local else _ASK_AGAIN_ELSEWHERE
    return "job_log.html", {
        **_frame(found, "log"),
        "parts": parts,
        "missing": missing,
        "problem": problem,
        "again": again if found.state in RUNNING_STATES else 0,
        "lines": LINES,
        "command": f"jf job log {found.db_id}",
    }


def _found(site: Site, ask: Ask) -> JobInfo:
    index = ask.number("index", 0)
    return find_job(site.reader, ask.params["job"], index or None)


def _name(ask: Ask) -> str:
    name = ask.one("name")
    if not name:
        raise NotFoundError("the address names no file")
    return name


def _text(content: bytes) -> str | None:
    """Return a file as text; None if it is not text."""
    if b"\0" in content:
        return None
    return content.decode("utf-8", "replace")


def _frame(found: JobInfo, tab: str) -> dict[str, Any]:
    address = f"/job/{quote(found.db_id)}"
    return {
        "title": f"{found.name} ({found.db_id})",
        "job": found,
        "tab": tab,
        "tabs": [
            ("job", "Job", address),
            ("data", "Inputs and output", f"{address}/data"),
            ("files", "Files", f"{address}/files"),
            ("log", "Log", f"{address}/log"),
        ],
    }


def _facts(view: JobView) -> list[tuple[str, Any]]:
    job = view.job
    running = job.state in (JobState.RUNNING, JobState.BATCH_RUNNING)
    run_time = job.estimated_run_time if running else job.run_time
    remote = job.remote

    def time(value: datetime | None) -> str:
        return exact_time(value)

    return [
        ("Worker", job.worker),
        ("Function", view.function),
        ("Uuid", job.uuid),
        ("Index", job.index),
        ("Submitted", time(job.created_on)),
        ("Changed", time(job.updated_on)),
        ("Started", time(job.start_time)),
        ("Ended", time(job.end_time)),
        ("Run time", duration(run_time)),
        ("Priority", job.priority or None),
        ("Queue id", remote.process_id),
        ("Queue state", remote.queue_state),
        ("Queue reason", remote.queue_reason),
        ("Failed attempts of the step", remote.step_attempts or None),
        ("Next attempt", time(remote.retry_time_limit)),
        ("Cause", job.error_cause if job.state in ERROR_STATES else None),
        ("Previous state", job.previous_state and job.previous_state.value),
        ("Run directory", job.run_dir),
        ("Locked since", time(job.lock_time)),
    ]
