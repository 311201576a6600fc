"""The submission script. Pure but for the scheduler's own header, which qtoolkit writes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

_ONE_WORD = re.compile(r"[A-Za-z0-9_./:@%+,=$-]*")
_GUARD = """\
# A second start of one submission ends here.
jfr_me="${SLURM_JOB_ID:-${PBS_JOBID:-${JOB_ID:-$$}}}"
if ! (set -C; echo "$jfr_me $(cut -d' ' -f22 /proc/$$/stat 2>/dev/null)" > jfr_started) 2>/dev/null
then [ "$(cut -d' ' -f1 jfr_started)" = "$jfr_me" ] || exit 0
fi"""


@dataclass(frozen=True)
class ScriptSpec:
    """What a submission script has to do.

    Attributes
    ----------
    run_dir
        Where it runs.
    command
        What it runs, ready for the shell.
    name
        Name of the job.
    resources
        Keywords of the scheduler, or a QResources.
    worker_pre_run, worker_post_run, pre_run, post_run, modules, export
        Of the worker and of the execution configuration.
    """

    run_dir: str
    command: str
    name: str
    resources: Any = None
    worker_pre_run: str | None = None
    worker_post_run: str | None = None
    pre_run: str | None = None
    post_run: str | None = None
    modules: list[str] = field(default_factory=list)
    export: Mapping[str, Any] = field(default_factory=dict)


def render_script(scheduler: BaseSchedulerIO, spec: ScriptSpec) -> str:
    """Write the submission script.

    Raises
    ------
    ConfigError
        Resources that the scheduler does not know.
    """
    from qtoolkit.core.exceptions import UnsupportedResourcesError

    try:
        script = scheduler.get_submission_script(body_lines(spec), _options(spec))
    except (ValueError, UnsupportedResourcesError) as error:
        raise ConfigError(f"the resources of job {spec.name!r} cannot be used: {error}") from error
    return str(script)


def body_lines(spec: ScriptSpec) -> list[str]:
    """Return the lines after the header, in the order of jobflow-remote 1.0.1.

    Code of the user (pre_run, post_run, modules) is shell and stays as it is; what comes from
    elsewhere is quoted.
    """
    lines = [f"cd {shlex.quote(spec.run_dir)} || exit 1", _GUARD]
    lines += [text for text in (spec.worker_pre_run, spec.pre_run) if text]
    lines += [f"export {name}={quote_export(value)}" for name, value in spec.export.items()]
    lines += [f"module load {module}" for module in spec.modules]
    lines.append(spec.command)
    lines += [text for text in (spec.worker_post_run, spec.post_run) if text]
    return lines


def quote_export(value: Any) -> str:
    """Quote the value of a variable such that ``$NAME`` within it is still expanded."""
    text = str(value)
    if _ONE_WORD.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return f'"{escaped}"'


def _options(spec: ScriptSpec) -> Any:
    """Add name and log files to a copy of the resources."""
    name = re.sub(r"\s", "_", spec.name)
    out, err = f"{spec.run_dir}/queue.out", f"{spec.run_dir}/queue.err"
    if isinstance(spec.resources, Mapping):
        given = dict(spec.resources)
        return {**given, "job_name": name, "qout_path": out, "qerr_path": err}
    from copy import deepcopy

    resources = deepcopy(spec.resources)
    resources.job_name, resources.output_filepath, resources.error_filepath = name, out, err
    return resources
