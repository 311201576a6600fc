"""Groups of commands, with the options that every group has."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from jfr_cli.lazy import CommandGroup

CONTEXT = {"help_option_names": ["-h", "--help"]}
"""Settings of every group and command."""


def command_group(summary: str, **settings: Any) -> typer.Typer:
    """Make a group of commands, with the options that every group has.

    Parameters
    ----------
    summary
        The line of help.
    settings
        Further settings of `typer.Typer`. With ``invoke_without_command`` the group has its own
        callback.
    """
    group = typer.Typer(
        cls=CommandGroup,
        help=summary,
        no_args_is_help=not settings.get("invoke_without_command"),
        add_completion=False,
        context_settings=CONTEXT,
        **settings,
    )
    if not settings.get("invoke_without_command"):
        group.callback()(_accept_tree)
    return group


def part_of_group() -> typer.Typer:
    """Make a part of a group, added with ``add_typer`` without a name."""
    return typer.Typer(add_completion=False, context_settings=CONTEXT)


def print_tree(command: Any, name: str, depth: int = 0) -> None:
    """Write a command and those below it, one per line."""
    summary = next(iter((command.help or "").strip().splitlines()), "")
    sys.stdout.write(f"{'  ' * depth}{name:<{24 - 2 * depth}} {summary}".rstrip() + "\n")
    for inner, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            print_tree(below, inner, depth + 1)


def _print_tree_of(context: typer.Context, value: bool) -> None:
    if value:
        print_tree(context.command, context.info_name or "")
        raise typer.Exit


Tree = Annotated[
    bool,
    typer.Option(
        "--tree", help="Print the commands of this group.", callback=_print_tree_of, is_eager=True
    ),
]


def _accept_tree(tree: Tree = False) -> None:
    del tree
