"""Parsing of command lines that Typer does not support."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import typer
from typer.core import TyperCommand

UsageError: Any = typer.BadParameter.__mro__[1]
"""Base class of Typer's usage errors; its own or click's, depending on the version."""

EVERY = "2"
"""Default seconds between two refreshes."""

TYPED: list[str] = []
"""The command line, as understood by the running command; for titles."""

COMMAND: list[str] = []
"""The command that runs, without its arguments, as one word."""

WATCH = ("--watch", "-W")
"""Names of the option whose value may be omitted."""

_MARK = "@"
"""What stands before the name of a saved filter."""
_EMPTY = re.compile(r"(--[^=]+=)?")
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")


def without_values(params: list[Any]) -> list[Any]:
    """Show nothing after flags in help, where Typer's text looks like a value."""
    for param in params:
        if (getattr(param, "is_flag", False) or getattr(param, "count", False)) and (
            param.metavar is None
        ):
            param.metavar = ""
    return params


class Command(TyperCommand):
    """A command that refuses empty words, and accepts ``--watch`` with and without seconds.

    A shell replaces an unset variable by an empty word: it was meant as an id or a name, and never
    as "all".
    """

    takes_empty = False

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its parameters, --help included."""
        return without_values(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words."""
        words = args
        if not ctx.resilient_parsing:  # not for completion
            if not self.takes_empty:
                _refuse_empty(ctx, args)
            words = self._with_seconds(ctx, args)
            COMMAND[:] = [ctx.command_path]
            TYPED[:] = [*sys.argv[1 : max(1, len(sys.argv) - len(args))], *words]
        return list(super().parse_args(ctx, words))

    def _with_seconds(self, ctx: Any, words: list[str]) -> list[str]:
        option = next((p for p in self.params if WATCH[0] in p.opts), None)
        if option is None or not set(WATCH) & set(words):
            return words

        def arguments_in(some: Sequence[str]) -> int | None:
            # Words after `--`, or after an option with a value, are not options.
            try:
                given, rest, _ = self.make_parser(ctx).parse_args([*some, f"{WATCH[0]}=?"])
            except UsageError:
                return None  # Typer reports the error better
            if given.get(option.name) != "?":
                return None
            return len(rest) + sum(_count(given.get(p.name)) for p in arguments)

        arguments = [
            p for p in self.params if p.param_type_name == "argument" and not _takes_only_marked(p)
        ]
        needed = sum(p.required for p in arguments)
        try:
            return with_seconds(words, arguments_in, needed if arguments else None)
        except ValueError as error:
            raise UsageError(str(error), ctx) from None


def _takes_only_marked(parameter: Any) -> bool:
    """Whether all values of an argument begin with ``@``, so that no number is one."""
    return str(parameter.metavar or "").startswith(f"[{_MARK}")


def _count(value: Any) -> int:
    """Number of words of an argument; an omitted one has a marker of Typer."""
    if isinstance(value, (list, tuple)):
        return len(value)
    return int(isinstance(value, str))


class CommandThatTakesEmpty(Command):
    """A command that accepts empty words."""

    takes_empty = True


def _refuse_empty(ctx: Any, words: list[str]) -> None:
    for before, word in zip([ctx.command_path, *words], words):
        if _EMPTY.fullmatch(word):
            raise UsageError(
                f"empty word after {word or before!r}: is a shell variable unset?",
                ctx,
            )


def with_seconds(
    words: list[str], arguments_in: Callable[[Sequence[str]], int | None], needed: int | None
) -> list[str]:
    """Add the seconds to every ``--watch``, as in ``--watch=5``.

    A separate next word is the seconds if the command takes no arguments, or if it is a number and
    the arguments come before it. Otherwise it is an argument.

    Parameters
    ----------
    arguments_in
        Counts the arguments among the first words; None if the next word is not an option.
    needed
        Number of arguments the command needs; None if it takes none.

    Raises
    ------
    ValueError
        A number that could be either.
    """
    found = []
    rest = iter(range(len(words)))
    for place in rest:
        before = arguments_in(words[:place]) if words[place] in WATCH else None
        if before is None:
            found.append(words[place])
            continue
        others = [*words[:place], *words[place + 1 :]]
        following = words[place + 1] if place + 1 < len(words) else "-"
        if _is_seconds(following, before, needed, partial(arguments_in, others)):
            found.append(f"{WATCH[0]}={following}")
            next(rest)
        else:
            found.append(f"{WATCH[0]}={EVERY}")
    return found


def _is_seconds(
    following: str, before: int, needed: int | None, with_it: Callable[[], int | None]
) -> bool:
    if following.startswith(("-", _MARK)):
        return False
    if needed is None:
        return True
    if not _NUMBER.fullmatch(following):
        return False
    if before >= max(1, needed):
        return True
    if (with_it() or 0) > max(1, needed):
        raise ValueError(
            f"{WATCH[0]} {following}: ambiguous: an argument, or the seconds? "
            f"Write {WATCH[0]}={following}, or put {WATCH[0]} at the end"
        )
    return False
