"""The user's settings: environment variables override the settings file, which overrides defaults.

Nothing is read before a setting is asked for, so that a broken settings file breaks no
import. Standard library only, but for reading the file when there is one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from controller.config.suggestions import nearest
from controller.errors import ConfigError

PREFIX = "JFREMOTE_"
LOG_LEVELS = ("error", "warn", "info", "debug")

_BOOLEANS = dict.fromkeys(("1", "true", "yes", "on", "y", "t"), True) | dict.fromkeys(
    ("0", "false", "no", "off", "n", "f"), False
)


@dataclass(init=False)
class JobflowRemoteSettings:
    """Settings for all projects; ``given`` overrides the environment, which overrides the file.

    Parameters
    ----------
    given
        {setting: value} that override the environment and the settings file.

    Raises
    ------
    ConfigError
        The settings file is no mapping, or a value has a wrong type.

    Attributes
    ----------
    config_file
        The settings file.
    projects_folder
        Folder of the project files.
    project
        Name of the default project.
    cli_full_exc
        Show full tracebacks on the command line.
    cli_suggestions
        Print hints.
    cli_log_level
        Minimum level of the messages of the command line: error, warn, info or debug.
    cli_job_list_columns
        Columns of ``jf job list``; None for the default ones.
    cli_load_plugins
        Load the plugins of the command line.
    warnings
        Problems that were ignored, to be printed on stderr.
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

    def __init__(self, **given: Any) -> None:
        unknown = sorted(set(given) - set(setting_names()))
        if unknown:
            raise TypeError(f"there is no setting {', '.join(unknown)}")
        self._read(os.environ, given)

    def _read(self, environ: Mapping[str, str], given: Mapping[str, Any]) -> None:
        for name, default in _DEFAULTS.items():
            setattr(self, name, default)
        self.warnings = []
        variables = _variables(environ)
        named = given.get("config_file") or variables.get("CONFIG_FILE")
        self.config_file = named or self.config_file
        _apply_file(self, named="CONFIG_FILE" in variables)
        for name in setting_names():
            text = variables.get(name.upper())
            if name in given:
                setattr(self, name, _checked(name, given[name], name))
            elif text is not None:
                value = _from_text(name, text)
                setattr(self, name, _checked(name, value, f"{PREFIX}{name.upper()}"))

    @property
    def projects_path(self) -> Path:
        """Folder of the project files, absolute."""
        return expanded(self.projects_folder).absolute()


SETTINGS: JobflowRemoteSettings
"""The settings of this process, read at first use."""


def __getattr__(name: str) -> Any:
    if name != "SETTINGS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return get_settings()


def get_settings() -> JobflowRemoteSettings:
    """Return `SETTINGS`, reading them at the first call.

    Raises
    ------
    ConfigError
        The settings file, or a variable of the environment, cannot be used.
    """
    here = globals()
    if "SETTINGS" not in here:
        here["SETTINGS"] = load_settings()
    settings = here["SETTINGS"]
    assert isinstance(settings, JobflowRemoteSettings)
    return settings


def load_settings(environ: Mapping[str, str] | None = None) -> JobflowRemoteSettings:
    """Read the settings again.

    Parameters
    ----------
    environ
        The environment; names may be in upper or lower case. None means that of the process.

    Returns
    -------
    JobflowRemoteSettings
        An unknown key of the file is recorded in its ``warnings`` and otherwise ignored.

    Raises
    ------
    ConfigError
        The settings file is no mapping, or a value has a wrong type.
    """
    settings = JobflowRemoteSettings.__new__(JobflowRemoteSettings)
    settings._read(os.environ if environ is None else environ, {})
    return settings


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the names of the JFREMOTE_ variables that nothing reads."""
    source = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in setting_names()}
    return sorted(k for k in source if k.upper().startswith(PREFIX) and k.upper() not in known)


def expanded(path: str) -> Path:
    """Return a path in which ``~`` is the home folder.

    Raises
    ------
    ConfigError
        It begins with ``~``, and the home folder is not known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"the home folder in {path} is not known",
            hint=f"set HOME, or {PREFIX}PROJECTS_FOLDER and {PREFIX}CONFIG_FILE",
        ) from None


def setting_names() -> list[str]:
    """Return the names of all settings."""
    return [f.name for f in fields(JobflowRemoteSettings) if f.name != "warnings"]


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """{setting in upper case: text} of the environment; upper-case variables take precedence."""
    found: dict[str, str] = {}
    for name in sorted(environ, reverse=True):
        if name.upper().startswith(PREFIX):
            found[name.upper().removeprefix(PREFIX)] = environ[name]
    return found


def _apply_file(settings: JobflowRemoteSettings, *, named: bool) -> None:
    path = expanded(settings.config_file)
    if not path.exists():
        if named:
            settings.warnings.append(f"{PREFIX}CONFIG_FILE names {path}, which does not exist")
        return
    from controller.config.files import read_mapping

    for key, value in read_mapping(path).items():
        if key in setting_names():
            setattr(settings, key, _checked(key, value, f"{path}: {key}"))
        else:
            near = nearest(str(key), setting_names())
            hint = f", did you mean {near}?" if near else ""
            settings.warnings.append(f"{path}: unknown setting {key!r} is ignored{hint}")


def _from_text(name: str, text: str) -> Any:
    if isinstance(_DEFAULTS[name], bool):
        return _BOOLEANS.get(text.strip().lower(), text)
    if name == "cli_job_list_columns":
        return _columns(text)
    return text or _DEFAULTS[name]


def _columns(text: str) -> Any:
    """Read names separated by commas, or a JSON list."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()] or None


def _checked(name: str, value: Any, where: str) -> Any:
    """Return a value if it is valid for the setting; None always means the default."""
    default = _DEFAULTS[name]
    if value is None:
        return default
    accepts, wanted = _rule(name, default)
    if not accepts(value):
        raise ConfigError(f"{where} must be {wanted}, not {value!r}")
    return value


def _rule(name: str, default: Any) -> tuple[Callable[[Any], bool], str]:
    if isinstance(default, bool):
        return lambda v: isinstance(v, bool), "true or false"
    if name == "cli_log_level":
        return lambda v: v in LOG_LEVELS, f"one of {', '.join(LOG_LEVELS)}"
    if name == "cli_job_list_columns":
        return _is_list_of_texts, "a list of names"
    return lambda v: isinstance(v, str), "text (put it in quotes)"


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


_DEFAULTS: dict[str, Any] = {
    f.name: f.default for f in fields(JobflowRemoteSettings) if f.name != "warnings"
}
