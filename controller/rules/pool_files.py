"""The files of a batch worker: their names and contents, as jobflow-remote 1.0.1 has them. Pure.

The pool (``jobs_handle_dir``) has four folders, and a job is one small file in one of them::

    submitted/UUID_INDEX             put there by a runner
    running/UUID_INDEX_BATCH         a pilot has renamed it: that is the claim
    run_finished/UUID_INDEX_BATCH    the pilot has renamed it again: the results are there
    lock/                            locks of jobflow-remote's pilots, and files being written

jobflow-remote's files are empty. Those of jfr contain an `Entry`, which moves with the file; a
file without one comes from the other program, and is accepted as it is. A pilot also writes
``batch_info.json`` in its own folder: three times that jobflow-remote knows, and its activity, a
`PilotReport`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

SUBMITTED, RUNNING, RUN_FINISHED, LOCKS = "submitted", "running", "run_finished", "lock"
BATCH_INFO = "batch_info.json"
CLAIM = "JFR_CLAIM"
"""Variable that tells the script of a job under which claim it runs."""

_JOB = re.compile(r"([^_/\s.][^_/\s]*)_(\d+)")
_CLAIMED = re.compile(r"([^_/\s.][^_/\s]*)_(\d+)_([^_/\s]+)")


@dataclass(frozen=True)
class Entry:
    """The content of a job's file in the pool.

    Attributes
    ----------
    token
        Token of the attempt; "" if jobflow-remote created the file.
    time_limit
        Time limit that the job requests, in seconds; None for no limit.
    deaths
        Pilots that have ended while they ran the job: two such jobs never run side by side.
    warm
        Whether the job may run in a process that has run others.
    lost
        Why it ended without having run to its end, though the job is not to blame; "" if it did.
    refused
        Why no pilot of this worker can run it; "" if one can.
    """

    token: str = ""
    time_limit: float | None = None
    deaths: int = 0
    warm: bool = False
    lost: str = ""
    refused: str = ""

    def encode(self) -> str:
        """Return the content of a file: one line, without default values."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        told = {name: value for name, value in known.items() if value}
        return json.dumps(told) + "\n"

    @classmethod
    def decode(cls, text: str) -> Entry:
        """Read a file; an empty, truncated or foreign one gives the defaults."""
        found = _object_in(text)
        kinds: dict[str, tuple[type, ...]] = {
            "token": (str,),
            "time_limit": (int, float),
            "deaths": (int,),
            "warm": (bool,),
            "lost": (str,),
            "refused": (str,),
        }
        return cls(**{n: found[n] for n, kind in kinds.items() if isinstance(found.get(n), kind)})


def job_file(uuid: str, index: int) -> str:
    """Return the name of a job's file in ``submitted``."""
    return f"{uuid}_{index}"


def claimed_file(name: str, batch_uid: str) -> str:
    """Return the name that a pilot gives to a job's file."""
    return f"{name}_{batch_uid}"


def read_job_file(name: str) -> tuple[str, int] | None:
    """Return (uuid, index) of a name in ``submitted``; None for another file."""
    found = _JOB.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def read_claimed_file(name: str) -> tuple[str, int, str] | None:
    """Return (uuid, index, batch_uid) of a name in the other folders; None for another file."""
    found = _CLAIMED.fullmatch(name)
    return (found[1], int(found[2]), found[3]) if found else None


@dataclass(frozen=True)
class PilotReport:
    """The activity of a pilot.

    Attributes
    ----------
    seq
        Increases with each report: if it does not change, the pilot has stopped reporting.
    node
        Its machine.
    slots
        Number of jobs that it runs at once.
    running
        Names of the files of the jobs that it runs.
    done, failed
        Jobs that it has run, and those among them that did not succeed.
    takes_jobs
        Whether it will start further jobs.
    note
        A note, such as the reason why it starts no more jobs.
    seconds_left
        Seconds until its allocation ends, when the report was written; None if unknown.
    """

    seq: int = 0
    node: str = ""
    slots: int = 1
    running: tuple[str, ...] = ()
    done: int = 0
    failed: int = 0
    takes_jobs: bool = True
    note: str = ""
    seconds_left: int | None = None


@dataclass(frozen=True)
class BatchInfo:
    """The content of ``batch_info.json``; times are naive UTC, None if unknown.

    Attributes
    ----------
    report
        None if jobflow-remote wrote the file.
    """

    start_time: datetime | None = None
    last_ping_time: datetime | None = None
    end_time: datetime | None = None
    report: PilotReport | None = field(default=None)

    def encode(self) -> str:
        """Return the content of the file."""
        times = {n: getattr(self, n) for n in ("start_time", "last_ping_time", "end_time")}
        content: dict[str, Any] = {n: _mson(time) for n, time in times.items() if time is not None}
        if self.report is not None:
            content["jfr"] = asdict(self.report)
        return json.dumps(content) + "\n"

    @classmethod
    def decode(cls, text: str) -> BatchInfo:
        """Read the file; an empty or truncated one contains nothing."""
        found = _object_in(text)
        times = {n: _time(found.get(n)) for n in ("start_time", "last_ping_time", "end_time")}
        told = found.get("jfr")
        return cls(**times, report=_report(told) if isinstance(told, dict) else None)


def _object_in(text: str) -> dict[str, Any]:
    """Return the JSON object in a text; {} if there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _report(told: Mapping[str, Any]) -> PilotReport:
    known = {f.name: told[f.name] for f in fields(PilotReport) if f.name in told}
    known["running"] = tuple(map(str, known.get("running") or ()))
    return PilotReport(**known)


def _mson(time: datetime) -> dict[str, str]:
    text = time.replace(tzinfo=UTC).isoformat(sep=" ")
    return {"@module": "datetime", "@class": "datetime", "string": text}


def _time(value: Any) -> datetime | None:
    text = value.get("string") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
