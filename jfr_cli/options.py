"""The options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Annotated, Any

import typer

from controller.states import BatchState, FlowState, JobState
from jfr_cli import complete
from jfr_cli.lazy import CommandGroup
from jfr_cli.parsing import WATCH

FORMATS = ("table", "wide", "json", "ndjson", "yaml", "csv", "name", "count")
COLORS = ("auto", "always", "never")
SORTS = ("created_on", "updated_on", "db_id")
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


def one_of(allowed: Sequence[str]) -> Callable[[str | None], str | None]:
    """Make a check that a value is one of some words."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in allowed:
            from controller.config.suggestions import no_such

            raise typer.BadParameter(
                f"{value!r} is not one of the choices: {no_such(value, allowed)}"
            )
        return value

    return check


def _starting_with(allowed: Sequence[str]) -> Callable[[str], list[str]]:
    """Make a completion from fixed words; words in capitals may be typed in lower case."""

    def complete(incomplete: str) -> list[str]:
        if found := [word for word in allowed if word.startswith(incomplete)]:
            return found
        return [w.lower() for w in allowed if w.lower().startswith(incomplete)]

    complete.words = tuple(allowed)  # type: ignore[attr-defined]  # for the completion scripts
    return complete


def choice(allowed: Sequence[str]) -> dict[str, Any]:
    """Settings of an option with fixed values, which are checked and completed."""
    return {"callback": one_of(allowed), "autocompletion": _starting_with(allowed)}


def _split_at_commas(values: list[str] | None) -> list[str] | None:
    """Let ``-s FAILED,READY`` mean ``-s FAILED -s READY``: no state and no id has a comma."""
    return [part.strip() for value in values for part in value.split(",")] if values else values


def choices(allowed: Sequence[str]) -> dict[str, Any]:
    """Settings of an option that takes several words, which are completed."""
    return {"callback": _split_at_commas, "autocompletion": _starting_with(allowed)}


SEVERAL: dict[str, Any] = {"callback": _split_at_commas}
"""Settings of an option that takes several values, with commas or one after the other."""
job_states = _starting_with([state.name for state in JobState])
event_states = _starting_with(sorted({s.name for kind in (JobState, FlowState) for s in kind}))


def _states(kind: Iterable[Enum]) -> dict[str, Any]:
    """Settings of an option whose values are states."""
    names = [state.name for state in kind]
    return {"callback": _split_at_commas, "autocompletion": _starting_with(names)}


OutputFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        help=f"Output format: {', '.join(FORMATS)}.",
        metavar="FORMAT",
        **choice(FORMATS),
    ),
]
Watch = Annotated[
    float | None,
    typer.Option(
        *WATCH,
        metavar="[SECONDS]",
        min=0.1,
        help="Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Same as --format json.")]
JobIds = Annotated[
    list[str] | None,
    typer.Option(
        "--job-id",
        "-jid",
        metavar="UUID:INDEX",
        help="Job by uuid and index.",
        autocompletion=complete.job_uuids_with_index,
    ),
]
FlowJobIds = Annotated[
    list[str] | None,
    typer.Option(
        "--job-id",
        "-jid",
        metavar="UUID",
        help="Flow of this job.",
        autocompletion=complete.job_uuids,
    ),
]
DbIds = Annotated[
    list[str] | None,
    typer.Option(
        "--db-id",
        "-did",
        metavar="ID",
        help="Job by db_id; separate several with commas.",
        callback=_split_at_commas,
        autocompletion=complete.job_ids,
    ),
]
FlowIds = Annotated[
    list[str] | None,
    typer.Option(
        "--flow-id",
        "-fid",
        metavar="ID",
        help="Flow by uuid, or any job's db_id.",
        callback=_split_at_commas,
        autocompletion=complete.flow_ids,
    ),
]
JobStates = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        "-s",
        metavar="STATE",
        help="State, upper or lower case; separate several with commas.",
        **_states(JobState),
    ),
]
FlowStates = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        "-s",
        metavar="STATE",
        help="State, upper or lower case; separate several with commas.",
        **_states(FlowState),
    ),
]
StartDate = Annotated[
    str | None,
    typer.Option("--start-date", "-sdate", metavar="DATE", help="Changed at or after (local)."),
]
EndDate = Annotated[
    str | None,
    typer.Option("--end-date", "-edate", metavar="DATE", help="Changed at or before (local)."),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name", "-n", metavar="PATTERN", help="Full name; *, ? and [0-9] are wildcards."
    ),
]
Metadata = Annotated[
    str | None,
    typer.Option("--metadata", "-meta", metavar="DICT", help='JSON, or "key=value,key2=value2".'),
]
Days = Annotated[
    int | None, typer.Option("--days", "-ds", min=0, help="Changed within this many days.")
]
Hours = Annotated[
    int | None, typer.Option("--hours", "-hs", min=0, help="Changed within this many hours.")
]
Workers = Annotated[
    list[str] | None,
    typer.Option(
        "--worker",
        "-wk",
        metavar="NAME",
        help="Name of the worker.",
        autocompletion=complete.worker_names,
    ),
]
ProjectName = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        metavar="NAME",
        help="Name of the project.",
        autocompletion=complete.project_names,
    ),
]
BatchStates = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        "-s",
        metavar="STATE",
        help="State of the batch process, upper or lower case; separate several with commas.",
        **_states(BatchState),
    ),
]
LOG_LEVELS = ("error", "warn", "info", "debug")
LogLevel = Annotated[
    str | None,
    typer.Option(
        "--log-level",
        "-log",
        metavar="LEVEL",
        help=f"One of {', '.join(LOG_LEVELS)}; default: the project's.",
        **choice(LOG_LEVELS),
    ),
]
LeastLevel = Annotated[
    str | None,
    typer.Option(
        "--level",
        metavar="LEVEL",
        help=f"Lowest level to show, of {', '.join(LOG_LEVELS)}.",
        **choice(LOG_LEVELS),
    ),
]
SetPid = Annotated[
    bool, typer.Option("--set-pid", "-pid", help="Use the process id as the runner's id.")
]
Interactive = Annotated[
    bool,
    typer.Option(
        "--connect-interactive", "-i", help="First log in to workers that require a user for it."
    ),
]
BreakLock = Annotated[
    bool,
    typer.Option("--break-lock", "-bl", help="Take the lock even if another process holds it."),
]
OneWorker = Annotated[
    str | None,
    typer.Option(
        "--worker",
        "-w",
        metavar="NAME",
        help="Only this worker.",
        autocompletion=complete.worker_names,
    ),
]
ProjectArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of the project.", autocompletion=complete.project_names
    ),
]
OptionalProject = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="Name of the project.", autocompletion=complete.project_names
    ),
]
Causes = Annotated[
    list[str] | None,
    typer.Option("--cause", metavar="CAUSE", help="Cause of the failure, such as walltime."),
]
ErrorMatch = Annotated[
    str | None,
    typer.Option("--error-match", metavar="REGEX", help="Regular expression found in the error."),
]
RawQuery = Annotated[
    str | None, typer.Option("--query", "-q", metavar="DICT", help="Query in MongoDB syntax.")
]
SavedJobFilters = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[@NAME]...",
        help="Saved filters; options override them.",
        autocompletion=complete.job_filters,
    ),
]
SavedFlowFilters = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[@NAME]...",
        help="Saved filters; options override them.",
        autocompletion=complete.flow_filters,
    ),
]
Locked = Annotated[bool, typer.Option("--locked", "-l", help="Only those that are locked.")]
Archived = Annotated[bool, typer.Option("--archived", help="Show archived ones instead.")]
MaxResults = Annotated[
    int, typer.Option("--max-results", "-m", min=0, help="Maximum number (0: no limit).")
]
SortBy = Annotated[
    str,
    typer.Option(
        "--sort",
        metavar="FIELD",
        help="created_on, updated_on or db_id.",
        autocompletion=_starting_with(SORTS),
    ),
]
ReverseSort = Annotated[
    bool, typer.Option("--reverse-sort", "-revs", help="Oldest first instead of newest first.")
]
Count = Annotated[bool, typer.Option("--count", help="Print only the number of results.")]
Verbosity = Annotated[
    int,
    typer.Option(
        "--verbose",
        "--verbosity",
        "-v",
        count=True,
        show_default=False,
        help="Show more; -vv shows even more.",
    ),
]
StoredDataKeys = Annotated[
    list[str] | None,
    typer.Option("--stored-data-key", "-sdk", metavar="KEY", help="Show this stored data."),
]
JobIdArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="db_id or uuid of the job.", autocompletion=complete.job_ids),
]
OptionalJobId = Annotated[
    str | None,
    typer.Argument(metavar="ID", help="db_id or uuid of the job.", autocompletion=complete.job_ids),
]
FlowIdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="db_id of any job, or uuid.", autocompletion=complete.flow_ids
    ),
]
IndexArgument = Annotated[
    int | None, typer.Argument(metavar="INDEX", help="Index of the job; default: the largest.")
]
SomeJobIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="db_id or uuid.", autocompletion=complete.job_ids),
]
SomeFlowIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID]...", help="db_id of any job, or uuid.", autocompletion=complete.flow_ids
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", metavar="SECONDS", min=0, help="Wait at most this long, then exit 8."
    ),
]
AnyOf = Annotated[bool, typer.Option("--any", help="Stop when one of them has ended.")]
ForJobStates = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        metavar="STATE",
        help="Wait for this state or a later one instead of the end.",
        **_states(JobState),
    ),
]
ForFlowStates = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        metavar="STATE",
        help="Wait for this state or a later one instead of the end.",
        **_states(FlowState),
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")]
Wait = Annotated[
    int | None,
    typer.Option("--wait", "-w", min=0, metavar="SECONDS", help="Wait this long for locks."),
]
RaiseOnError = Annotated[
    bool, typer.Option("--raise-on-error", "-re", help="Stop at the first refused job.")
]
Limit = Annotated[
    int | None,
    typer.Option("--max", min=0, metavar="N", help="Refuse if more are selected (0: no limit)."),
]
AllStates = Annotated[
    bool, typer.Option("--all-states", "-as", help="Also for jobs that may still need them.")
]
SkipRunnerCheck = Annotated[
    bool, typer.Option("--force", "-f", help="Even while a runner is active.")
]
