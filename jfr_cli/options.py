"""Every option that several commands share, once."""

from __future__ import annotations

from typing import Annotated

import typer

FORMATS = ("table", "wide", "json", "ndjson", "yaml", "csv", "name", "count")


def _format(value: str | None) -> str | None:
    if value is not None and value not in FORMATS:
        raise typer.BadParameter(f"one of {', '.join(FORMATS)}")
    return value


OutputFormat = Annotated[
    str | None,
    typer.Option(
        "--format", help=f"How to print: {', '.join(FORMATS)}.", callback=_format, metavar="FORMAT"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Same as --format json.")]
JobIds = Annotated[
    list[str] | None,
    typer.Option("--job-id", "-jid", metavar="UUID:INDEX", help="Job by uuid and index."),
]
FlowJobIds = Annotated[
    list[str] | None, typer.Option("--job-id", "-jid", metavar="UUID", help="Flow of this job.")
]
DbIds = Annotated[
    list[str] | None, typer.Option("--db-id", "-did", metavar="ID", help="Job by its db_id.")
]
FlowIds = Annotated[
    list[str] | None,
    typer.Option("--flow-id", "-fid", metavar="ID", help="Flow by uuid, or any job's db_id."),
]
States = Annotated[
    list[str] | None, typer.Option("--state", "-s", metavar="STATE", help="State, in any case.")
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
    typer.Option("--name", "-n", metavar="PATTERN", help="Whole name; *, ? and [abc] are wild."),
]
Metadata = Annotated[
    str | None,
    typer.Option("--metadata", "-meta", metavar="DICT", help='JSON, or "key=value,key2=value2".'),
]
Days = Annotated[int | None, typer.Option("--days", "-ds", help="Changed within so many days.")]
Hours = Annotated[int | None, typer.Option("--hours", "-hs", help="Changed within so many hours.")]
Workers = Annotated[
    list[str] | None, typer.Option("--worker", "-wk", metavar="NAME", help="Name of the worker.")
]
RawQuery = Annotated[
    str | None, typer.Option("--query", "-q", metavar="DICT", help="Query in MongoDB's language.")
]
Locked = Annotated[bool, typer.Option("--locked", "-l", help="Only what somebody holds.")]
MaxResults = Annotated[
    int, typer.Option("--max-results", "-m", min=0, help="At most so many; 0 for all.")
]
SortBy = Annotated[
    str, typer.Option("--sort", metavar="FIELD", help="created_on, updated_on or db_id.")
]
ReverseSort = Annotated[
    bool, typer.Option("--reverse-sort", "-revs", help="Oldest first instead of newest first.")
]
Count = Annotated[bool, typer.Option("--count", help="Print only how many there are.")]
Verbosity = Annotated[
    int, typer.Option("--verbose", "-v", count=True, help="Show more; -vv still more.")
]
Columns = Annotated[
    str | None, typer.Option("--output", "-o", metavar="KEYS", help="Columns, with commas.")
]
JobIdArgument = Annotated[str, typer.Argument(metavar="ID", help="db_id or uuid of the job.")]
OptionalJobId = Annotated[
    str | None, typer.Argument(metavar="ID", help="db_id or uuid of the job.")
]
IndexArgument = Annotated[
    int | None, typer.Argument(metavar="INDEX", help="Index of the job; the largest if left out.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
