"""HyperQueue, through its program ``hq``, as one more scheduler of qtoolkit.

A server of HyperQueue gives tasks to workers that run in allocations of a cluster's queue. Each job
is a HyperQueue job of one task, whose name is the token of the attempt: so it can be found again
if the answer to a submission was lost. The JSON output of the program is read; a job that it does
not list may have ended, or its server has lost it.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from qtoolkit.core.data_objects import (
    CancelResult,
    CancelStatus,
    QJob,
    QState,
    SubmissionResult,
    SubmissionStatus,
)
from qtoolkit.core.exceptions import CommandFailedError, OutputParsingError
from qtoolkit.io.base import BaseSchedulerIO

from controller.config.amounts import slurm_seconds
from controller.schedulers.dialects import HYPERQUEUE_LISTING

if TYPE_CHECKING:
    from pathlib import Path

    from qtoolkit.core.data_objects import QResources

_HQ = "hq --output-mode=json"
_HEADER = """\
#HQ --cpus=$${cpus}
#HQ --nodes=$${nodes}
#HQ --resource mem=$${mem}
#HQ --resource gpus/nvidia=$${gpus}
#HQ --time-request=$${time_request}
#HQ --time-limit=$${time_limit}
#HQ --priority=$${priority}
#HQ --crash-limit=$${crash_limit}
#HQ --stdout=$${qout_path}
#HQ --stderr=$${qerr_path}
$${qverbatim}"""


class HyperQueueIO(BaseSchedulerIO):  # type: ignore[misc]  # qtoolkit has no types
    """Writes headers, makes commands and reads answers of ``hq``.

    Keywords of resources are those of ``hq submit``: ``cpus``, ``nodes``, ``mem`` (MB), ``gpus``,
    ``time_request``, ``time_limit``, ``priority``, ``crash_limit`` (starts of the job whose worker
    is lost before it fails; 5 by itself) and ``qverbatim``. ``time``, in the notation of Slurm,
    stands for both times: the job begins only where so much is left, and may take no longer.
    """

    header_template: str = _HEADER
    SUBMIT_CMD: str | None = f"{_HQ} submit --directives=file"
    CANCEL_CMD: str | None = f"{_HQ} job cancel"
    job_id_regex: str | None = r"^[1-9]\d*$"

    def generate_header(self, options: dict[str, Any] | QResources | None) -> str:
        """Return the directives.

        Raises
        ------
        ValueError
            A keyword is unknown.
        """
        if options is not None and not isinstance(options, dict):
            options = self.check_convert_qresources(options)
        known = dict(options or {})
        known.pop("job_name", None)  # the token of the attempt is the name
        if (time := known.pop("time", None)) is not None:
            seconds = slurm_seconds(time)
            text = str(time) if seconds is None else f"{seconds}s"
            known.setdefault("time_request", text)
            known.setdefault("time_limit", text)
        header: str = super().generate_header(known)
        return header

    def get_submit_cmd(self, script_file: str | Path | None = "submit.script") -> str:
        """Return the command that makes a script executable and submits it."""
        return f'{self.SUBMIT_CMD} "$(chmod u+x ./{script_file}; echo ./{script_file})"'

    def parse_submit_output(
        self, exit_code: int, stdout: str | bytes, stderr: str | bytes
    ) -> SubmissionResult:
        """Read the answer to a submission."""
        out, err = _text(stdout), _text(stderr)
        if exit_code != 0:
            status = SubmissionStatus("FAILED")
            return SubmissionResult(exit_code=exit_code, stdout=out, stderr=err, status=status)
        found = _read(out)
        job_id = str(found["id"]) if isinstance(found, dict) and "id" in found else None
        status = SubmissionStatus("SUCCESSFUL" if job_id else "JOB_ID_UNKNOWN")
        return SubmissionResult(
            job_id=job_id, exit_code=exit_code, stdout=out, stderr=err, status=status
        )

    def parse_cancel_output(
        self, exit_code: int, stdout: str | bytes, stderr: str | bytes
    ) -> CancelResult:
        """Read the answer to a cancellation."""
        status = CancelStatus("SUCCESSFUL" if exit_code == 0 else "FAILED")
        return CancelResult(
            exit_code=exit_code, stdout=_text(stdout), stderr=_text(stderr), status=status
        )

    def _get_job_cmd(self, job_id: str) -> str:
        return f"{_HQ} job info {job_id}"

    def parse_job_output(
        self,
        exit_code: int,
        stdout: str | bytes,
        stderr: str | bytes,
        job_id: str | None = None,
    ) -> QJob | None:
        """Read the answer to a query about one job; None if the job is unknown."""
        if exit_code != 0:
            return None
        found = _read(_text(stdout))
        described = found[0] if isinstance(found, list) and found else found
        if not isinstance(described, dict):
            return None
        return _job(described.get("info") or described)

    def _get_jobs_list_cmd(self, job_ids: list[str] | None = None, user: str | None = None) -> str:
        return HYPERQUEUE_LISTING

    def parse_jobs_list_output(
        self,
        exit_code: int,
        stdout: str | bytes,
        stderr: str | bytes,
        job_ids: list[str] | None = None,
    ) -> list[QJob]:
        """Read a listing.

        Raises
        ------
        CommandFailedError, OutputParsingError
            The command failed, or its output is truncated.
        """
        if exit_code != 0:
            raise CommandFailedError(f"hq job list failed: {_text(stderr).strip()}")
        found = _read(_text(stdout))
        if not isinstance(found, list):
            raise OutputParsingError("the answer of hq job list is not a list of jobs")
        return [_job(described) for described in found]

    @property
    def supported_qresources_keys(self) -> list[str]:
        """Fields of a QResources that are supported here."""
        return [
            *("job_name", "priority", "output_filepath", "error_filepath", "time_limit"),
            *("nodes", "processes", "threads_per_process", "gpus_per_job", "memory_per_thread"),
            *("process_placement", "scheduler_kwargs"),
        ]

    def _convert_qresources(self, resources: QResources) -> dict[str, Any]:
        processes, threads = resources.processes, resources.threads_per_process
        cpus = (processes or 1) * (threads or 1) if processes or threads else None
        memory = resources.memory_per_thread
        known = {
            "priority": resources.priority,
            "qout_path": resources.output_filepath,
            "qerr_path": resources.error_filepath,
            "cpus": cpus,
            "gpus": resources.gpus_per_job,
            "mem": math.ceil(memory * (cpus or 1)) if memory else None,
            "nodes": resources.nodes if (resources.nodes or 1) > 1 else None,
        }
        if resources.time_limit:
            seconds = f"{math.ceil(resources.time_limit)}s"
            known.update(time_request=seconds, time_limit=seconds)
        given = {name: value for name, value in known.items() if value is not None}
        return {**given, **(resources.scheduler_kwargs or {})}


def ids_of_token(text: str, token: str) -> list[str]:
    """Return the ids of the jobs in a listing whose name is a token."""
    found = _read(text)
    jobs = found if isinstance(found, list) else []
    return [str(job.get("id")) for job in jobs if job.get("name") == f"jfr:{token}"]


def _job(described: dict[str, Any]) -> QJob:
    stats = described.get("task_stats")
    if not isinstance(stats, dict) or "id" not in described:
        raise OutputParsingError("hq reports neither the id nor the state of a job")
    state = next((state for key, state in _STATES if stats.get(key)), QState.QUEUED)
    return QJob(job_id=str(described["id"]), name=described.get("name"), state=state)


_STATES = (
    ("running", QState.RUNNING),
    ("waiting", QState.QUEUED),
    ("failed", QState.FAILED),
    ("canceled", QState.FAILED),
    ("finished", QState.DONE),
)
"""The state of a task for each count; the first count that is not zero decides."""


def _text(said: str | bytes) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _read(text: str) -> Any:
    """Read JSON, after any text that a site prints before it; None if there is none."""
    begins = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    try:
        return json.loads(text[min(begins) :]) if begins else None
    except ValueError:
        return None
