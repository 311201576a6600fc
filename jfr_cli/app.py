"""The root of the command line: options for every command, and the groups, loaded when used."""

from __future__ import annotations

import importlib
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
from jfr_cli.console import give_up, say, survive_the_locale
from jfr_cli.errors import EXIT_CODES, report, report_defect, report_end, report_usage
from jfr_cli.lazy import Group, built
from jfr_cli.options import COLORS, CONTEXT, FORMATS, ProjectName, choice, print_tree
from jfr_cli.parsing import UsageError
from jfr_cli.session import CURRENT

GROUPS: dict[str, str] = {
    "quickstart": "Make a project on the embedded database, with a local worker, ready to run.",
    "demo": "Submit the equation of state of some metals, in the selected project.",
    "job": "List jobs, look into them and change them.",
    "flow": "List flows, look into them and change them.",
    "runner": "Run the jobs of a project, and see who does.",
    "project": "Make, list, check, change and move projects.",
    "worker": "Log in to machines that ask for a second factor.",
    "admin": "Set up, repair and look after the database.",
    "batch": "Look after batch processes, which run many jobs in one submission.",
    "backup": "Copy the queue database into files, and back.",
    "gui": "Look at the project in a browser.",
    "plugin": "List what other packages add to this program.",
    "execution": "What runs on a worker.",
}
"""{name: one-line help} of ``commands/NAME.py``; a test compares it with the modules."""

_HIDDEN = ("execution",)


class LazyGroup(Group):
    """Imports a group's module when the group is used, not when it is listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a group: a name and a help text for listings, else the real one."""
        if cmd_name not in GROUPS:
            return None if self._listing else _of_a_plugin(cmd_name)
        if self._listing:
            return TyperCommand(cmd_name, help=GROUPS[cmd_name], hidden=cmd_name in _HIDDEN)
        return load_group(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the group that the first word names, or suggest the nearest."""
        word = args[0] if args else "-"
        if word not in GROUPS and not word.startswith("-") and self.get_command(ctx, word) is None:
            if ctx.resilient_parsing:
                return None, None, []  # TAB behind a word that is no command: nothing to offer
            from controller.config.suggestions import no_such

            known = [name for name in GROUPS if name not in _HIDDEN]
            raise UsageError(f"there is no command {word!r}: {no_such(word, known)}", ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the root options, some of which print."""
        with _ends_as_we_say():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _ends_as_we_say():
            return super().invoke(ctx)


def load_group(name: str) -> Any:
    """Import a group and return it as the command that Typer makes of it."""
    module = importlib.import_module(f"jfr_cli.commands.{name}")
    command = built(module.app)
    command.name, command.hidden = name, name in _HIDDEN
    return command


def _of_a_plugin(name: str) -> Any:
    """Return the command that a plugin added under a name, None where there is none."""
    from jfr_cli.plugins import plugin_group

    group = plugin_group(name, tuple(GROUPS))
    return None if group is None else _named(name, group)


def _named(name: str, group: typer.Typer) -> Any:
    command = typer.main.get_command(group)
    command.name = name
    return command


def _of_all_plugins() -> dict[str, Any]:
    """Return {name: command} of all plugins; those that fail are named, and left out."""
    from jfr_cli.plugins import loaded_plugins

    plugins = loaded_plugins(tuple(GROUPS))
    for plugin in plugins:
        if plugin.error is not None:
            say(f"warning: without plugin {plugin.name}: {plugin.error}")
    return {name: _named(name, g) for plugin in plugins for name, g in plugin.commands.items()}


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,  # the scripts are our own; they speak to Typer as its own do
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
        say(f"{path} completes words of jf in every {shell} that starts from now on")
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

    if _asks_for_json():
        from jfr_cli.render.schemas import VERSION

        sys.stdout.write(f'{{"jfr": "{__version__}", "schema": {VERSION}}}\n')
    else:
        sys.stdout.write(f"jfr {__version__}\n")
    raise typer.Exit


@app.callback()
def root(
    project: ProjectName = None,
    full_exc: Annotated[
        bool, typer.Option("--full-exc", "-fe", help="Show whole tracebacks.")
    ] = False,
    warn_project: Annotated[
        bool, typer.Option("--warn-project", "-wp", help="Warn about unusable project files.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", "-prof", hidden=True, help="Show where time is spent.")
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
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            help="Let TAB complete words in this shell.",
            callback=_install_completion,
            is_eager=True,
        ),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option(
            "--show-completion",
            help="Print the script for that.",
            callback=_show_completion,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Run jobflow workflows, and see and steer them.

    Begin with: jf quickstart
    """
    del tree, version, install_completion, show_completion
    if project == "":
        raise typer.BadParameter(
            "it is empty: is a variable of the shell not set?", param_hint="-p"
        )
    CURRENT.project_name, CURRENT.color = project, color
    CURRENT.full_exc, CURRENT.warn_project = full_exc, warn_project
    CURRENT.output_format = "json" if json else output_format
    if no_pager:
        os.environ["JF_PAGER"] = ""
    if profile:
        _start_profile()


def _start_profile() -> None:
    """Write, when the program ends, which functions took how long, to standard error."""
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
    """Whether errors are written as JSON; also where the words could not be understood."""
    said = set(" ".join(sys.argv[1:]).replace("--format ", "--format=").split())
    return CURRENT.as_json or bool(said & {"--json", "--format=json", "--format=ndjson"})


def _setting_wants_tracebacks() -> bool:
    try:
        from controller.config import SETTINGS
    except ConfigError:  # they may be what is wrong
        return False
    return bool(SETTINGS.cli_full_exc)


class Interrupted(Exception):
    """Ctrl-C, with what had been done by then: of a KeyboardInterrupt Typer keeps only the code."""


@contextmanager
def _ends_as_we_say() -> Iterator[None]:
    """Get hold of interruptions, and of readers that went away, before Typer or Rich do."""
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
    """Return the exit status: the reader of our output has seen enough."""
    give_up(sys.stdout)
    return 0


def _end_in_order(number: int, frame: object) -> None:
    """End at SIGTERM as at Ctrl-C: what is open is closed, what is locked is freed."""
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
        # Whatever happened ends in one line.
        if isinstance(error, ControllerError):
            return report(error, as_json=_asks_for_json())
        return report_defect(error, as_json=_asks_for_json())
    return code if isinstance(code, int) else 0
