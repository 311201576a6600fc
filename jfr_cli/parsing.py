"""How a command reads its words, where Typer knows no way to say it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import typer
from typer.core import TyperCommand

UsageError: Any = typer.BadParameter.__mro__[1]
"""Base of all that Typer finds wrong with a command; Typer has its own, or click's, by version."""

EVERY = "2"
"""Seconds between two looks where the user names none."""

TYPED: list[str] = []
"""The words of `jf` as the command that runs has understood them; for titles."""

COMMAND: list[str] = []
"""The command that runs, without its arguments, as one word."""

WATCH = ("--watch", "-W")
"""Names of the option whose value may be left out."""

_EMPTY = re.compile(r"(--[^=]+=)?")
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")


def without_values(params: list[Any]) -> list[Any]:
    """Let help show nothing behind flags: what Typer writes there reads as if a value followed."""
    for param in params:
        if (getattr(param, "is_flag", False) or getattr(param, "count", False)) and (
            param.metavar is None
        ):
            param.metavar = ""
    return params


class Command(TyperCommand):
    """A command that refuses empty words, and takes ``--watch`` with and without seconds.

    An empty word is what a shell makes of a variable that is not set: it was meant as an
    id or a name, and never everything.
    """

    takes_empty = False

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its parameters, --help included."""
        return without_values(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words."""
        words = args
        if not ctx.resilient_parsing:  # not at TAB
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
            # What follows `--`, or an option that wants a value, is no option itself.
            try:
                given, rest, _ = self.make_parser(ctx).parse_args([*some, f"{WATCH[0]}=?"])
            except UsageError:
                return None  # whatever is wrong, Typer says it better
            if given.get(option.name) != "?":
                return None
            return len(rest) + sum(_count(given.get(p.name)) for p in arguments)

        arguments = [p for p in self.params if p.param_type_name == "argument"]
        needed = sum(p.required for p in arguments)
        try:
            return with_seconds(words, arguments_in, needed if arguments else None)
        except ValueError as error:
            raise UsageError(str(error), ctx) from None


def _count(value: Any) -> int:
    """How many words an argument got; one that got none has a mark of Typer's."""
    if isinstance(value, (list, tuple)):
        return len(value)
    return int(isinstance(value, str))


class CommandThatTakesEmpty(Command):
    """A command for which an empty word may be meant."""

    takes_empty = True


def _refuse_empty(ctx: Any, words: list[str]) -> None:
    for before, word in zip([ctx.command_path, *words], words):
        if _EMPTY.fullmatch(word):
            raise UsageError(
                f"an empty word follows {word or before!r}: is a variable of the shell not set?",
                ctx,
            )


def with_seconds(
    words: list[str], arguments_in: Callable[[Sequence[str]], int | None], needed: int | None
) -> list[str]:
    """Give every ``--watch`` its seconds, as ``--watch=5``.

    A word that follows it after a blank is the seconds where the command takes no arguments, or
    where it is a number and the arguments stand before it. Otherwise it is an argument.

    Parameters
    ----------
    arguments_in
        Counts the arguments among the first words; None where the word behind these is no option.
    needed
        How many arguments the command needs; None where it takes none.

    Raises
    ------
    ValueError
        A number that may be meant as either.
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
    if following.startswith("-"):
        return False
    if needed is None:
        return True
    if not _NUMBER.fullmatch(following):
        return False
    if before >= max(1, needed):
        return True
    if (with_it() or 0) > max(1, needed):
        raise ValueError(
            f"{WATCH[0]} {following}: is this an argument, or are these the seconds? "
            f"Write {WATCH[0]}={following}, or put {WATCH[0]} at the end"
        )
    return False
