"""Commands that other packages add; docs/plugins.md tells how.

Nothing is loaded for help, for TAB or for a command of `jf` itself: plugins are looked for only if
the word is not one of its commands, or by ``jf plugin list``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer

from controller.errors import ConfigError

GROUP = "jfr.plugins"
OLD_GROUP = "jobflow_remote.plugins"
"""The group of jobflow-remote, whose plugins add commands to its program, as jfr does."""

_OLD_PROGRAM = "jobflow_remote.cli.jf"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Commands:
    """The object with which a plugin adds its groups of commands.

    Parameters
    ----------
    taken
        Names that are already in use.
    """

    def __init__(self, taken: Container[str]) -> None:
        self._taken = taken
        self.added: dict[str, typer.Typer] = {}

    def add_group(self, name: str, group: typer.Typer) -> None:
        """Add a group: ``jf NAME ...``.

        Parameters
        ----------
        name
            Small letters, digits, ``-`` and ``_``.
        group
            The group; with a single command and no callback it is that command.

        Raises
        ------
        ConfigError
            The name is invalid or in use, or ``group`` is not a Typer.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"a command cannot be called {name!r}")
        if name in self._taken or name in self.added:
            raise ConfigError(f"the command {name!r} already exists")
        if not isinstance(group, typer.Typer):
            raise ConfigError(f"the command {name!r} must be a typer.Typer, not {group!r}")
        self.added[name] = group


@dataclass
class Plugin:
    """One plugin, as ``jf plugin list`` shows it.

    Attributes
    ----------
    name
        The name of its entry point.
    entry_group
        The group of its entry point.
    target
        The object that the entry point names.
    package, version
        The distribution that brings it.
    commands
        {name: group} that it added.
    error
        Why it could not be loaded; None when it was.
    """

    name: str
    entry_group: str
    target: str
    package: str
    version: str
    commands: dict[str, typer.Typer] = field(default_factory=dict)
    error: str | None = None


@cache
def loaded_plugins(own: tuple[str, ...]) -> list[Plugin]:
    """Find and load all plugins, once.

    Parameters
    ----------
    own
        Names of our own commands.

    Returns
    -------
    list of Plugin
        In the order of their names. A failing plugin does not affect others. If the setting
        ``cli_load_plugins`` is false, they are found but not loaded.
    """
    from controller.config import SETTINGS

    taken, found = set(own), []
    for entry in _entries():
        plugin = _described(entry)
        found.append(plugin)
        if not SETTINGS.cli_load_plugins:
            plugin.error = "not loaded: the setting cli_load_plugins is false"
            continue
        commands = Commands(taken)
        try:
            _register(entry, commands)
        except Exception as error:  # noqa: BLE001  # the code of others may raise anything
            plugin.error = f"{type(error).__name__}: {error}"
            continue
        plugin.commands = commands.added
        taken.update(commands.added)
    return found


def plugin_group(name: str, own: tuple[str, ...]) -> typer.Typer | None:
    """Return the group that some plugin added under a name."""
    for plugin in loaded_plugins(own):
        if name in plugin.commands:
            return plugin.commands[name]
    return None


def _entries() -> Iterator[EntryPoint]:
    for group in (GROUP, OLD_GROUP):
        yield from sorted(entry_points(group=group), key=lambda entry: entry.name)


def _described(entry: EntryPoint) -> Plugin:
    package = entry.dist
    return Plugin(
        entry.name,
        entry.group,
        entry.value,
        package.metadata["Name"] if package else "",
        package.version if package else "",
    )


def _register(entry: EntryPoint, commands: Commands) -> None:
    if entry.group == GROUP:
        entry.load()(commands)
    else:
        _register_old(entry, commands)


def _register_old(entry: EntryPoint, commands: Commands) -> None:
    """Let a plugin of jobflow-remote add to that program, and take over what it added."""
    program: Any = importlib.import_module(_OLD_PROGRAM).app
    before = len(program.registered_groups), len(program.registered_commands)
    entry.load().setup_jf_plugin()
    for group in program.registered_groups[before[0] :]:
        commands.add_group(str(group.name), group.typer_instance)
    for command in program.registered_commands[before[1] :]:
        alone = typer.Typer(add_completion=False)
        alone.registered_commands.append(command)
        commands.add_group(command.name or command.callback.__name__.replace("_", "-"), alone)
