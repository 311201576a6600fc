"""Prompts. Without a terminal, the command is refused instead."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from controller.errors import ArgumentError, ControllerError
from controller.safe_text import harmless
from jfr_cli.option_decorators import F, with_options


def _refuse_old_name(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:
        raise ControllerError(
            "--force is no longer an option of this command: nothing was done", hint="add --yes"
        )


_OLD_FORCE = Annotated[
    bool,
    typer.Option("--force", "-f", hidden=True, callback=_refuse_old_name, help="Use --yes."),
]


def knows_old_force(command: F) -> F:
    """Refuse ``--force`` in a command with ``--yes``, the new name of this option."""
    return with_options(
        command, {"old_force": (_OLD_FORCE, False)}, lambda inner, given, taken: inner(**given)
    )


def confirm(question: str, yes: bool) -> None:
    """Ask before a change; a no ends the command with exit status 0.

    Parameters
    ----------
    yes
        Do not ask.

    Raises
    ------
    ArgumentError
        There is no terminal.
    """
    if not agrees(question, yes):
        raise typer.Exit(0)


def agrees(question: str, yes: bool) -> bool:
    """Ask as `confirm` does, and return the answer."""
    if yes:
        return True
    _need_terminal(question)
    return typer.confirm(harmless(question), default=False, err=True)


def confirm_by_typing(question: str, word: str, yes: bool) -> None:
    """Ask for a word to be typed, before an irreversible change; otherwise as `confirm`."""
    if yes:
        return
    _need_terminal(question)
    typed = typer.prompt(
        harmless(f"{question} Type {word} to continue"), default="", show_default=False, err=True
    )
    if typed != word:
        raise typer.Exit(0)


def _need_terminal(question: str) -> None:
    if not sys.stdin.isatty():
        raise ArgumentError(f"{question} There is no terminal to answer on", hint="add --yes")
