"""The root of the command line: options for every command, and the groups, loaded when used."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from controller.errors import ControllerError
from jfr_cli.console import say
from jfr_cli.errors import EXIT_CODES, report
from jfr_cli.options import FORMATS
from jfr_cli.session import CURRENT

GROUPS: dict[str, str] = {
    "quickstart": "Make a project that needs no database server, and say what comes next.",
    "demo": "Run a real calculation in a project of its own and show the result.",
    "job": "List jobs, and look into one.",
    "flow": "List flows, and look into one.",
    "runner": "Run the jobs of a project.",
    "project": "Make, list and check projects.",
    "admin": "Set up and look after the database.",
    "execution": "What runs on a worker.",
}
"""{name: one-line help} of ``commands/NAME.py``; a test compares it with the modules."""

_HIDDEN = ("execution",)
_CONTEXT = {"help_option_names": ["-h", "--help"]}


class LazyGroup(TyperGroup):
    """Imports a group's module when the group is used, not when it is listed."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a group: a name and a help text for listings, else the real one."""
        if cmd_name not in GROUPS:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=GROUPS[cmd_name], hidden=cmd_name in _HIDDEN)
        module = importlib.import_module(f"jfr_cli.commands.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    @contextmanager
    def _as_listing(self) -> Any:
        self._listing = True
        try:
            yield
        finally:
            self._listing = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help without importing any group."""
        with self._as_listing():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete group names without importing any group."""
        with self._as_listing():
            return super().shell_complete(ctx, incomplete)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_CONTEXT,
    epilog="Exit status: " + "; ".join(f"{code} {text}" for code, text in EXIT_CODES.items()),
)


def _tree(value: bool) -> None:
    if not value:
        return
    for name in GROUPS:
        command = LazyGroup.get_command(LazyGroup(name="jf"), None, name)
        say_tree(command, name, 0)
    raise typer.Exit


def say_tree(command: Any, name: str, depth: int) -> None:
    """Write a command and those below it."""
    summary = (command.help or "").strip().splitlines()[0] if command.help else ""
    sys.stdout.write(f"{'  ' * depth}{name:<{24 - 2 * depth}} {summary}\n")
    for inner, below in getattr(command, "commands", {}).items():
        say_tree(below, inner, depth + 1)


def _version(value: bool) -> None:
    if value:
        from controller import __version__

        sys.stdout.write(f"jfr {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    project: Annotated[
        str | None, typer.Option("--project", "-p", help="Name of the project.")
    ] = None,
    full_exc: Annotated[
        bool, typer.Option("--full-exc", "-fe", help="Show whole tracebacks.")
    ] = False,
    warn_project: Annotated[
        bool, typer.Option("--warn-project", "-wp", help="Warn about unusable project files.")
    ] = False,
    output_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")
    ] = "table",
    json: Annotated[bool, typer.Option("--json", help="Same as --format json.")] = False,
    color: Annotated[
        str, typer.Option("--color", metavar="WHEN", help="auto, always or never.")
    ] = "auto",
    tree: Annotated[
        bool, typer.Option("--tree", help="Print all commands.", callback=_tree, is_eager=True)
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Run jobflow workflows, and see and steer them.

    Begin with: jf quickstart
    """
    del tree, version
    if output_format not in FORMATS:
        raise typer.BadParameter(f"one of {', '.join(FORMATS)}", param_hint="--format")
    if color not in ("auto", "always", "never"):
        raise typer.BadParameter("auto, always or never", param_hint="--color")
    CURRENT.project_name, CURRENT.color = project, color
    CURRENT.full_exc, CURRENT.warn_project = full_exc, warn_project
    CURRENT.output_format = "json" if json else output_format


def run() -> int:
    """Run `jf`: the one place where errors become messages and exit codes."""
    try:
        app(prog_name="jf")
    except ControllerError as error:
        if CURRENT.full_exc:
            raise
        return report(error, as_json=CURRENT.as_json)
    except KeyboardInterrupt:
        say("jf: interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be flushed to it any more.
        sys.stdout = None
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return 0
