"""Groups of commands that are built when they are used.

Building a command takes Typer about a tenth of a millisecond per option; a group has hundreds of
them. Listing a group needs only names and helps; using it needs one command.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from jfr_cli.parsing import Command, UsageError, without_values


class _Unbuilt(Mapping[str, Any]):
    """The commands of a group by name, each built when it is looked up.

    Parameters
    ----------
    builders
        {name: function that builds the command}.
    """

    def __init__(self, builders: dict[str, Callable[[], Any]]) -> None:
        self._builders = builders
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = self._builders[name]()
            self._built[name].name = name
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)

    def __contains__(self, name: object) -> bool:
        return name in self._builders


class Group(TyperGroup):
    """A group that can be listed without its contents while ``_listing`` is true."""

    _listing = False

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its parameters, --help included."""
        return without_values(super().get_params(ctx))

    @contextmanager
    def _as_listing(self) -> Iterator[None]:
        self._listing = True
        try:
            yield
        finally:
            self._listing = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help without building any command."""
        with self._as_listing():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete the names of commands without building any."""
        with self._as_listing():
            return super().shell_complete(ctx, incomplete)


class CommandGroup(Group):
    """A group that builds its commands when they are used and suggests similar names.

    Attributes
    ----------
    listed
        {name: a command with only its help}.
    """

    listed: Mapping[str, Any] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in order of declaration."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; while the group is listed, only its listing entry."""
        if self._listing and cmd_name in self.listed:
            return self.listed[cmd_name]
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command named by the first word, or suggest similar ones."""
        if args and not ctx.resilient_parsing and args[0] not in self.commands:
            known = [name for name in self.commands if not self.commands[name].hidden]
            raise no_such_command(args[0], known, ctx)
        return super().resolve_command(ctx, args)


def no_such_command(word: str, known: Iterable[str], ctx: Any) -> Any:
    """Return the error for a word that is no command, with what is probably meant.

    Parameters
    ----------
    word
        What was typed.
    known
        Names of the commands that could stand there.
    ctx
        The group's context. Other groups are searched where no known name is similar: ``jf report``
        and ``jf flow pause`` name commands of ``jf job``.
    """
    from controller.config.suggestions import nearest, no_such

    hint = no_such(word, known)
    if nearest(word, known) is None and (others := _of_other_groups(word, ctx)):
        hint = f"did you mean {' or '.join(others)}?"
    return UsageError(f"there is no command {word!r}: {hint}", ctx)


def _of_other_groups(word: str, ctx: Any) -> list[str]:
    root = ctx.find_root()
    groups = (
        (name, root.command.get_command(root, name)) for name in root.command.list_commands(root)
    )
    return [
        f"`jf {name} {word}`"
        for name, group in groups
        if not group.hidden and word in getattr(group, "commands", ())
    ]


def built(app: typer.Typer) -> Any:
    """Build the command of a Typer program; commands of a `CommandGroup` only when used.

    Parameters
    ----------
    app
        A group, or a program of one command.
    """
    if app.info.cls is not CommandGroup:
        alone = copy.copy(app)
        alone.registered_commands = [_ours(info) for info in app.registered_commands]
        return typer.main.get_command(alone)
    empty = copy.copy(app)
    empty.registered_commands, empty.registered_groups = [], []
    group = typer.main.get_command(empty)
    assert isinstance(group, CommandGroup)
    builders: dict[str, Callable[[], Any]] = {}
    listed = {}
    commands, groups = _parts_of(app)
    for info in commands:
        assert info.callback is not None
        name = info.name or typer.main.get_command_name(info.callback.__name__)
        builders[name] = _builder_of_command(info)
        listed[name] = _listing_of(name, info, inspect.getdoc(info.callback))
    for inner in groups:
        assert inner.typer_instance is not None
        name = str(_value(inner.name) or _value(inner.typer_instance.info.name))
        builders[name] = _builder_of_group(inner.typer_instance)
        listed[name] = _listing_of(name, inner, _value(inner.typer_instance.info.help))
    group.commands = _Unbuilt(builders)  # type: ignore[assignment]  # nothing is added to it
    group.listed = listed
    return group


def _parts_of(app: typer.Typer) -> tuple[list[Any], list[Any]]:
    """Return the commands and groups of a group, including those of unnamed parts."""
    commands, groups = list(app.registered_commands), []
    for inner in app.registered_groups:
        assert inner.typer_instance is not None
        if _value(inner.name) or _value(inner.typer_instance.info.name):
            groups.append(inner)
        else:
            its_commands, its_groups = _parts_of(inner.typer_instance)
            commands += its_commands
            groups += its_groups
    return commands, groups


def _ours(info: Any) -> Any:
    """Return Typer's record of a command, to be built as a `Command`."""
    found = copy.copy(info)
    if info.cls is TyperCommand:
        found.cls = Command
    return found


def _builder_of_command(info: Any) -> Callable[[], Any]:
    def build() -> Any:
        alone = typer.Typer(add_completion=False)
        alone.registered_commands = [_ours(info)]
        return typer.main.get_command(alone)

    return build


def _builder_of_group(app: typer.Typer) -> Callable[[], Any]:
    return lambda: built(app)


def _listing_of(name: str, info: Any, text: str | None) -> TyperCommand:
    return TyperCommand(
        name,
        help=_value(info.help) or text,
        short_help=_value(info.short_help),
        hidden=bool(_value(info.hidden)),
        deprecated=bool(_value(info.deprecated)),
        rich_help_panel=_value(info.rich_help_panel),
    )


def _value(setting: Any) -> Any:
    """Return a setting of Typer, or its default."""
    return getattr(setting, "value", setting)
