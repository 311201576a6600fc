"""Which files are generated from the commands, and their contents."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import typer
from typer.testing import CliRunner

from controller import __version__
from jfr_cli.app import app
from jfr_cli.generate.manual import manual_pages
from jfr_cli.generate.shells import completion_scripts
from jfr_cli.generate.tree import Command, command_tree

FOLDERS = ("completions", "docs/man", "tests/golden/help")
"""They contain nothing else."""
_WIDTH = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}


def jf_tree() -> Command:
    """Return the commands of `jf`."""
    return command_tree(typer.main.get_command(app))


def generated_files() -> dict[str, str]:
    """Return {path within the source tree: content}."""
    tree = jf_tree()
    scripts, pages, helps = FOLDERS
    return {
        **{f"{scripts}/{name}": text for name, text in completion_scripts(tree).items()},
        **{f"{pages}/{name}": text for name, text in manual_pages(tree, __version__).items()},
        **{f"{helps}/{name}": text for name, text in _helps(tree)},
    }


def help_makers() -> str:
    """Return the versions of the packages that determine what the helps look like."""
    return "".join(f"{name} {version(name)}\n" for name in ("typer", "rich"))


def _helps(tree: Command) -> Iterator[tuple[str, str]]:
    """Yield (file name, help at 80 columns) of `jf` and of every group."""
    yield "made-with", help_makers()
    for group in tree.walk():
        if group.is_group:
            shown = CliRunner().invoke(app, [*group.words, "--help"], env=_WIDTH, prog_name="jf")
            lines = [line.rstrip() for line in shown.output.splitlines()]
            yield "-".join(("jf", *group.words)) + ".txt", "\n".join(lines).strip("\n") + "\n"
