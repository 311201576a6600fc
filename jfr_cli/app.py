"""The root of the command line: global options and the groups, loaded when used."""

from __future__ import annotations

import importlib
import json as json_module
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]  # imported there
from typer.core import TyperCommand

from controller.errors import ConfigError, ControllerError
from jfr_cli.choices import choice
from jfr_cli.command_groups import CONTEXT, print_tree
from jfr_cli.console import give_up, say, survive_the_locale
from jfr_cli.errors import EXIT_CODES, report, report_defect, report_end, report_usage
from jfr_cli.lazy import Group, built, no_such_command
from jfr_cli.options import COLORS, FORMATS, ProjectName
from jfr_cli.parsing import UsageError
from jfr_cli.session import CURRENT

GROUPS: dict[str, str] = {
    "quickstart": "Create a ready-to-run project with an embedded database and a local worker.",
    "demo": "Submit equation-of-state calculations of some metals to the selected project.",
    "job": "List, inspect and change jobs.",
    "flow": "List, inspect and change flows.",
    "events": "Show what happened to jobs and flows and who did it, oldest first.",
    "top": "Show jobs, workers, runners, errors and throughput live.",
    "metrics": "Print metrics in Prometheus' text format, for a textfile collector.",
    "notify": "List and test the notifications of a project.",
    "runner": "Run the jobs of a project, and control its runners.",
    "project": "Create, list, check, change and move projects.",
    "worker": "Log in to workers and test them.",
    "admin": "Set up, repair and maintain the database.",
    "batch": "Manage batch processes, which run many jobs in one submission.",
    "backup": "Back up the queue database to files and restore it.",
    "gui": "View the project in a browser.",
    "plugin": "List the plugins that other packages add to jf.",
    "execution": "Run jobs on a worker.",
}
"""{name: one-line help} of ``commands/NAME.py``; a test compares it with the modules."""

_HIDDEN = ("execution",)


class LazyGroup(Group):
    """Imports a group's module when the group is used, not when it is listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a group: only its name and help text for listings, otherwise the real one."""
        if cmd_name not in GROUPS:
            return None if self._listing else _of_a_plugin(cmd_name)
        if self._listing:
            return TyperCommand(cmd_name, help=GROUPS[cmd_name], hidden=cmd_name in _HIDDEN)
        return load_group(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the group named by the first word, or suggest the closest."""
        word = args[0] if args else "-"
        if word not in GROUPS and not word.startswith("-") and self.get_command(ctx, word) is None:
            if ctx.resilient_parsing:
                return None, None, []  # TAB after an unknown command: nothing to complete
            known = [name for name in GROUPS if name not in _HIDDEN]
            raise no_such_command(word, known, ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the root options; some of them print."""
        with _ends_as_we_say():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _ends_as_we_say():
            return super().invoke(ctx)


def load_group(name: str) -> Any:
    """Import a group and return the command that Typer builds from it."""
    module = importlib.import_module(f"jfr_cli.commands.{name}")
    command = built(module.app)
    command.name, command.hidden = name, name in _HIDDEN
    return command


def _of_a_plugin(name: str) -> Any:
    """Return the command that a plugin added under a name, or None."""
    from jfr_cli.plugins import plugin_group

    group = plugin_group(name, tuple(GROUPS))
    return None if group is None else _named(name, group)


def _named(name: str, group: typer.Typer) -> Any:
    command = typer.main.get_command(group)
    command.name = name
    return command


def _of_all_plugins() -> dict[str, Any]:
    """Return {name: command} of all plugins; failing ones are reported and left out."""
    from jfr_cli.plugins import loaded_plugins

    plugins = loaded_plugins(tuple(GROUPS))
    for plugin in plugins:
        if plugin.error is not None:
            say(f"warning: without plugin {plugin.name}: {plugin.error}")
    return {name: _named(name, g) for plugin in plugins for name, g in plugin.commands.items()}


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,  # jf's scripts use the same protocol as Typer's
    pretty_exceptions_enable=False,
    context_settings=CONTEXT,
    epilog="Exit status: " + "; ".join(f"{code} {text}" for code, text in EXIT_CODES.items()),
)
completion_init()


def _show_completion(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:
        from jfr_cli.generate import install

        shell = install.calling_shell()
        sys.stdout.write(install.script(context.command, shell, _of_all_plugins()))
        raise typer.Exit


def _install_completion(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:
        from jfr_cli.generate import install

        shell = install.calling_shell()
        path = install.install(context.command, shell, Path.home(), _of_all_plugins())
        say(f"{path} provides completion for jf in every new {shell}")
        raise typer.Exit


def _tree(value: bool) -> None:
    if not value:
        return
    for name in GROUPS:
        if name not in _HIDDEN:
            print_tree(load_group(name), name)
    raise typer.Exit


def _version(value: bool) -> None:
    if not value:
        return
    from controller import __version__
    from controller.tables.schemas import VERSION
    from jfr_cli.versions import version_facts, version_text

    facts = version_facts(__version__, VERSION)
    text = json_module.dumps(facts) if _asks_for_json() else version_text(facts)
    sys.stdout.write(f"{text}\n")
    raise typer.Exit


@app.callback()
def root(
    project: ProjectName = None,
    full_exc: Annotated[
        bool, typer.Option("--full-exc", "-fe", help="Show full tracebacks.")
    ] = False,
    warn_project: Annotated[
        bool, typer.Option("--warn-project", "-wp", help="Warn about unusable project files.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", "-prof", hidden=True, help="Profile the command.")
    ] = False,
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            **choice(FORMATS),
            help=f"One of {', '.join(FORMATS)}.",
        ),
    ] = "table",
    json: Annotated[bool, typer.Option("--json", help="Same as --format json.")] = False,
    color: Annotated[
        str,
        typer.Option("--color", metavar="WHEN", **choice(COLORS), help=f"{', '.join(COLORS)}."),
    ] = "auto",
    no_pager: Annotated[
        bool, typer.Option("--no-pager", help="Never show long tables in a pager.")
    ] = False,
    tree: Annotated[
        bool, typer.Option("--tree", help="Print all commands.", callback=_tree, is_eager=True)
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the installed versions.", callback=_version, is_eager=True
        ),
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            help="Install completion for this shell.",
            callback=_install_completion,
            is_eager=True,
        ),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option(
            "--show-completion",
            help="Print the completion script.",
            callback=_show_completion,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Run, monitor and control jobflow workflows.

    Start with: jf quickstart
    """
    del tree, version, install_completion, show_completion
    if project == "":
        raise typer.BadParameter("the value is empty: is a shell variable unset?", param_hint="-p")
    CURRENT.project_name, CURRENT.color = project, color
    CURRENT.full_exc, CURRENT.warn_project = full_exc, warn_project
    CURRENT.output_format = "json" if json else output_format
    if no_pager:
        os.environ["JF_PAGER"] = ""
    if profile:
        _start_profile()


def _start_profile() -> None:
    """At exit, write the time spent per function to standard error."""
    import atexit
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    atexit.register(
        lambda: pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumtime").print_stats(60)
    )
    atexit.register(profiler.disable)
    profiler.enable()


def _asks_for_json() -> bool:
    """Whether errors are written as JSON, also when the command line could not be parsed."""
    said = set(" ".join(sys.argv[1:]).replace("--format ", "--format=").split())
    return CURRENT.as_json or bool(said & {"--json", "--format=json", "--format=ndjson"})


def _setting_wants_tracebacks() -> bool:
    try:
        from controller.config import SETTINGS
    except ConfigError:  # they may be the cause of the error
        return False
    return bool(SETTINGS.cli_full_exc)


class Interrupted(Exception):
    """Ctrl-C, with the work done so far: Typer keeps only the code of a KeyboardInterrupt."""


@contextmanager
def _ends_as_we_say() -> Iterator[None]:
    """Handle interruptions and closed pipes before Typer or Rich do."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(str(error)) from None
    except BrokenPipeError:
        raise typer.Exit(_reader_is_gone()) from None
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Rich's on_broken_pipe
            raise typer.Exit(_reader_is_gone()) from None
        raise


def _reader_is_gone() -> int:
    """Return the exit status after the reader closed the pipe."""
    give_up(sys.stdout)
    return 0


def _end_in_order(number: int, frame: object) -> None:
    """Handle SIGTERM like Ctrl-C: close connections and release locks."""
    del number, frame
    sys.exit(143)


def run() -> int:
    """Run `jf`: the one place where errors become messages and exit codes."""
    survive_the_locale()
    signal.signal(signal.SIGTERM, _end_in_order)
    try:
        code = app(sys.argv[1:], prog_name="jf", standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        return report_usage(error, as_json=_asks_for_json())
    except (Interrupted, KeyboardInterrupt, typer.Abort) as error:
        return report_end(130, str(error) or "interrupted", as_json=_asks_for_json())
    except BrokenPipeError:
        return _reader_is_gone()
    except Exception as error:
        if CURRENT.full_exc or _setting_wants_tracebacks():
            raise
        # Every error ends in one line.
        if isinstance(error, ControllerError):
            return report(error, as_json=_asks_for_json())
        return report_defect(error, as_json=_asks_for_json())
    return code if isinstance(code, int) else 0
