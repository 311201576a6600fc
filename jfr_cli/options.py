"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any

import typer

from controller.states import BatchState, FlowState, JobState
from jfr_cli import complete
from jfr_cli.choices import choice, split_at_commas, starting_with
from jfr_cli.parsing import WATCH

FORMATS = ("table", "wide", "json", "ndjson", "yaml", "csv", "name", "count")
COLORS = ("auto", "always", "never")
SORTS = ("created_on", "updated_on", "db_id")
job_states = starting_with([state.name for state in JobState])
event_states = starting_with(sorted({s.name for kind in (JobState, FlowState) for s in kind}))


def _states(kind: Iterable[Enum]) -> dict[str, Any]:
    """Settings of an option whose values are states."""
    names = [state.name for state in kind]
    return {"callback": split_at_commas, "autocompletion": starting_with(names)}


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
        callback=split_at_commas,
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
        callback=split_at_commas,
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
        autocompletion=starting_with(SORTS),
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
