"""The submission script. Pure, except for the scheduler's header, which qtoolkit writes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError
from controller.schedulers.dialects import IN_PILOT, dialect_of, with_token
from controller.schedulers.start import guard

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

_ONE_WORD = re.compile(
    r"""(?:[\w./:@%+,=$~^-]|\$\{\w+\}|\\.|'[^']*'|"(?:[^"\\`]|\\.)*")*""", re.DOTALL
)
_PLAIN_PATH = re.compile(r"[\w./:@+,=-]*")


_TELL_OF_PRE_RUN = (
    'jfr_begun=; trap \'jfr_end=$?; [ -n "$jfr_begun" ] || '
    'echo "$jfr_end pre_run" > jfr_exit\' EXIT'
)
"""Records in the exit status file that the script ended before its command."""


@dataclass(frozen=True)
class ScriptSpec:
    """The contents of a submission script.

    Attributes
    ----------
    run_dir
        Working folder.
    command
        The command, quoted for the shell.
    name
        Name of the job.
    resources
        Keywords of the scheduler, or a QResources.
    worker_pre_run, worker_post_run, pre_run, post_run, modules, export
        Settings of the worker and of the execution configuration.
    token
        Token of the attempt, its identifier everywhere.
    in_pilot
        Whether a pilot runs it, which identifies it by its claim.
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
    token: str = ""
    in_pilot: bool = False


def render_script(scheduler: BaseSchedulerIO, spec: ScriptSpec) -> str:
    """Write the submission script.

    Raises
    ------
    ConfigError
        Resources unknown to the scheduler.
    """
    from qtoolkit.core.exceptions import UnsupportedResourcesError
    from qtoolkit.io.shell import ShellIO

    is_shell = isinstance(scheduler, ShellIO)
    dialect = IN_PILOT if spec.in_pilot else dialect_of(scheduler)
    body = body_lines(spec, guard(dialect, spec.token), logs=is_shell)
    options = _shell_options(spec) if is_shell else _options(spec, type(scheduler).__name__)
    try:
        script = scheduler.get_submission_script(body, options)
    except (ValueError, UnsupportedResourcesError) as error:
        raise ConfigError(f"invalid resources of job {spec.name!r}: {error}") from error
    return with_token(str(script), dialect, spec.token)


def body_lines(spec: ScriptSpec, start: str = "", *, logs: bool = False) -> list[str]:
    """Return the lines after the header, in the order of jobflow-remote 1.0.1.

    The user's code (pre_run, post_run, modules) is shell and stays unchanged; everything else is
    quoted.

    Parameters
    ----------
    start
        Lines that ensure that the attempt runs once.
    logs
        Redirect the output to queue.out and queue.err. This comes after the guard, so that a second
        start does not empty the logs of the first.
    """
    lines = [f"cd {shlex.quote(spec.run_dir)} || exit 1", start]
    lines += ["exec > queue.out 2> queue.err"] if logs else []
    before = [text for text in (spec.worker_pre_run, spec.pre_run) if text]
    lines += [_TELL_OF_PRE_RUN, *before] if before else []
    lines += [f"export {name}={quote_export(value)}" for name, value in spec.export.items()]
    lines += [f"module load {module}" for module in spec.modules]
    lines += ["jfr_begun=1; rm -f jfr_exit"] if before else []
    lines += [spec.command, "jfr_status=$?", 'echo "$jfr_status" > jfr_exit']
    lines += [text for text in (spec.worker_post_run, spec.post_run) if text]
    return [*lines, 'exit "$jfr_status"']


def quote_export(value: Any) -> str:
    """Quote the value of a variable so that ``$NAME`` in it is still expanded.

    A valid word of the shell is unchanged, including its quotes.
    """
    text = str(value)
    if _ONE_WORD.fullmatch(text):
        return text
    # A backslash would cancel the escape of the next character, or the closing quote.
    escaped = re.sub(r'\\(?=["`]|$)', r"\\\\", text)
    escaped = escaped.replace('"', '\\"').replace("`", "\\`")
    return f'"{escaped}"'


def _options(spec: ScriptSpec, scheduler: str) -> Any:
    """Add name and log files to a copy of the resources."""
    # Directives have no escape for other characters of a name.
    name = re.sub(r"[^\w.+-]", "_", spec.name) or "job"
    out, err = (_directive_path(f"{spec.run_dir}/queue.{end}", scheduler) for end in ("out", "err"))
    if spec.resources is None or isinstance(spec.resources, Mapping):
        given = dict(spec.resources or {})
        return {**given, "job_name": name, "qout_path": out, "qerr_path": err}
    resources = deepcopy(spec.resources)
    resources.job_name, resources.output_filepath, resources.error_filepath = name, out, err
    return resources


def _shell_options(spec: ScriptSpec) -> Any:
    """Return a copy of the resources without name and log files.

    qtoolkit's header would write them unquoted, with the name in the log path, and before the
    guard.
    """
    if spec.resources is None or isinstance(spec.resources, Mapping):
        own = ("job_name", "qout_path", "qerr_path")
        return {key: value for key, value in (spec.resources or {}).items() if key not in own}
    resources = deepcopy(spec.resources)
    resources.job_name = resources.output_filepath = resources.error_filepath = None
    return resources


def _directive_path(path: str, scheduler: str) -> str:
    if scheduler == "SlurmIO":
        path = path.replace("%", "%%")
    if _PLAIN_PATH.fullmatch(path.replace("%%", "")):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
