"""The user's settings: environment before settings file before default.

Standard library only, but for reading the file when there is one.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from controller.errors import ConfigError

PREFIX = "JFREMOTE_"
_TRUE, _FALSE = {"1", "true", "yes", "on", "y", "t"}, {"0", "false", "no", "off", "n", "f"}


@dataclass
class JobflowRemoteSettings:
    """Settings that hold for all projects.

    Attributes
    ----------
    config_file
        The settings file.
    projects_folder
        Where project files are.
    project
        Name of the default project.
    cli_full_exc
        Let the command line show whole tracebacks.
    cli_suggestions
        Print hints.
    cli_log_level
        Level of messages of the command line: error, warn, info or debug.
    cli_job_list_columns
        Columns of ``jf job list``.
    cli_load_plugins
        Load plugins of the command line.
    warnings
        What was wrong in the settings file and could be passed over.
    """

    config_file: str = "~/.jfremote.yaml"
    projects_folder: str = "~/.jfremote"
    project: str | None = None
    cli_full_exc: bool = False
    cli_suggestions: bool = True
    cli_log_level: str = "warn"
    cli_job_list_columns: list[str] | None = None
    cli_load_plugins: bool = True
    warnings: list[str] = field(default_factory=list)

    @property
    def projects_path(self) -> Path:
        """Folder of the project files, absolute."""
        return Path(self.projects_folder).expanduser().absolute()


def load_settings(environ: dict[str, str] | None = None) -> JobflowRemoteSettings:
    """Read the settings.

    Parameters
    ----------
    environ
        The environment; names count in any case. None takes that of the process.

    Raises
    ------
    ConfigError
        The settings file is no dictionary, or a value has a wrong type.
    """
    source = os.environ if environ is None else environ
    given = {k.upper(): v for k, v in source.items() if k.upper().startswith(PREFIX)}
    settings = JobflowRemoteSettings()
    if f"{PREFIX}CONFIG_FILE" in given:
        settings.config_file = given[f"{PREFIX}CONFIG_FILE"]
    _apply_file(settings)
    for name in _names():
        text = given.get(f"{PREFIX}{name.upper()}")
        if text is not None:
            setattr(settings, name, _from_text(name, text))
    return settings


def unknown_variables(environ: dict[str, str] | None = None) -> list[str]:
    """JFREMOTE_ variables that nothing reads."""
    source = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in _names()}
    return sorted(k for k in source if k.upper().startswith(PREFIX) and k.upper() not in known)


def _names() -> list[str]:
    return [f.name for f in fields(JobflowRemoteSettings) if f.name != "warnings"]


def _apply_file(settings: JobflowRemoteSettings) -> None:
    path = Path(settings.config_file).expanduser()
    if not path.is_file():
        return
    from controller.config.files import read_mapping

    for key, value in read_mapping(path).items():
        if key not in _names():
            near = difflib.get_close_matches(str(key), _names(), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            settings.warnings.append(f"{path}: unknown setting {key!r}{hint}")
        else:
            setattr(settings, key, _checked(key, value, str(path)))


def _from_text(name: str, text: str) -> Any:
    if _kind(name) is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ConfigError(f"{PREFIX}{name.upper()} has to be true or false, not {text!r}")
    if name == "cli_job_list_columns":
        return [part.strip() for part in text.strip("[]").replace('"', "").split(",")]
    return text


def _kind(name: str) -> type:
    return type(getattr(JobflowRemoteSettings, name))


def _checked(name: str, value: Any, where: str) -> Any:
    if _kind(name) is bool and not isinstance(value, bool):
        raise ConfigError(f"{where}: {name} has to be true or false, not {value!r}")
    return value


SETTINGS = load_settings()
"""The settings of this process."""
