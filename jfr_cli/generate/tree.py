"""The commands, options and arguments of `jf` as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer


@dataclass(frozen=True)
class Parameter:
    """An option or an argument.

    Attributes
    ----------
    names
        Every spelling of an option, as it was declared; the name of an argument.
    is_option
        Whether it is an option.
    value
        Metavar in the help; "" for a flag, in brackets if optional.
    kind
        Kind of its values in `jfr_cli.completion_values`; "" where unknown.
    words
        The allowed words, where they are fixed.
    text
        Its help.
    default
        Its default in words, or "".
    required, repeatable, hidden
        Flags, as named.
    """

    names: tuple[str, ...]
    is_option: bool
    value: str
    kind: str
    words: tuple[str, ...]
    text: str
    default: str
    required: bool
    repeatable: bool
    hidden: bool


@dataclass(frozen=True)
class Command:
    """A command, or a group of commands.

    Attributes
    ----------
    words
        The words after `jf` that lead to it; empty for `jf` itself.
    paragraphs
        Its help without the examples; the first one is the summary.
    examples
        Command lines.
    closing
        The last part of the help.
    parameters
        Its parameters, in the order of the help.
    commands
        The commands of a group.
    is_group, hidden
        Flags, as named.
    """

    words: tuple[str, ...]
    paragraphs: tuple[str, ...]
    examples: tuple[str, ...]
    closing: str
    parameters: tuple[Parameter, ...]
    commands: tuple[Command, ...]
    is_group: bool
    hidden: bool

    @property
    def summary(self) -> str:
        """The first paragraph of the help."""
        return self.paragraphs[0] if self.paragraphs else ""

    @property
    def options(self) -> list[Parameter]:
        """The options that are not hidden."""
        return [p for p in self.parameters if p.is_option and not p.hidden]

    @property
    def arguments(self) -> list[Parameter]:
        """The arguments."""
        return [p for p in self.parameters if not p.is_option]

    def walk(self) -> Iterator[Command]:
        """Yield this command and all below it, including hidden ones."""
        yield self
        for below in self.commands:
            yield from below.walk()


def command_tree(command: Any, words: tuple[str, ...] = ()) -> Command:
    """Read a command built by Typer, and all below it.

    Parameters
    ----------
    command
        The command, as `typer.main.get_command` returns it.
    words
        The words after `jf` that lead to it.
    """
    settings = getattr(command, "context_settings", None) or {}
    context = typer.Context(command, info_name=words[-1] if words else "jf", **settings)
    below = []
    is_group = hasattr(command, "list_commands")
    for name in command.list_commands(context) if is_group else ():
        found = command.get_command(context, name)
        if found is not None:
            below.append(command_tree(found, (*words, name)))
    paragraphs, examples = _split(command.help or "")
    return Command(
        words,
        paragraphs,
        examples,
        " ".join((command.epilog or "").split()),
        tuple(_parameter(p) for p in command.get_params(context)),
        tuple(below),
        is_group,
        bool(command.hidden),
    )


def _split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Separate the examples of a help text from its paragraphs."""
    paragraphs, examples = [], []
    for block in text.partition("\f")[0].strip().split("\n\n"):
        lines = [line.strip() for line in block.splitlines()]
        first = lines[0].lower() if lines else ""
        if first.startswith(("example:", "examples:")):
            lines[0] = lines[0].partition(":")[2].strip()
            examples += [line for line in lines if line]
        elif any(lines):
            paragraphs.append(" ".join(line for line in lines if line != "\b").strip())
    return tuple(paragraphs), tuple(examples)


def _parameter(found: Any) -> Parameter:
    is_option = found.param_type_name == "option"
    is_flag = is_option and bool(found.is_flag or found.count)
    return Parameter(
        # The names of --help come from a set, in any order.
        names=tuple(sorted((*found.opts, *found.secondary_opts), key=len, reverse=True))
        if is_option
        else (str(found.name),),
        is_option=is_option,
        value="" if is_flag else found.metavar or "VALUE",
        kind=str(_noted(found, "kind", "")),
        words=tuple(_noted(found, "words", ())),
        text=" ".join((getattr(found, "help", None) or "").split()),
        default="" if is_flag else _in_words(found.default),
        required=bool(found.required),
        repeatable=bool(getattr(found, "multiple", False)) or found.nargs == -1,
        hidden=bool(getattr(found, "hidden", False)),
    )


def _noted(found: Any, name: str, default: Any) -> Any:
    """Return what `jfr_cli.choices` or `jfr_cli.complete` noted on the completion function.

    Typer wraps it, and keeps its attributes.
    """
    complete = found._custom_shell_complete
    if complete is None:
        return default
    return getattr(inspect.getclosurevars(complete).nonlocals.get("autocompletion"), name, default)


def _in_words(default: Any) -> str:
    return str(default) if isinstance(default, (str, int, float, Path)) and default != "" else ""
