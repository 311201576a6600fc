"""The only place where commands print results.

A command declares its kind of output by a decorator, which gives it ``--format`` and the like, and
ends with one call::

    @app.command("list")
    @shows_list()
    @with_job_filter
    def list_jobs(selection: JobFilter) -> None:
        with CURRENT.controller() as controller:
            jobs = controller.get_jobs_info_query(...)
        show_rows(jobs, JOBS)

The data and the table of each kind of thing are declared in `jfr_cli.render`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.errors import ArgumentError
from controller.safe_text import one_line
from jfr_cli import options
from jfr_cli.console import (
    hint,
    is_plain,
    print_data,
    print_renderable,
    print_table,
    print_text,
    say,
)
from jfr_cli.option_decorators import F, with_options
from jfr_cli.render import data
from jfr_cli.render.data import Row
from jfr_cli.render.tables import Listing, TableSpec, chosen_columns, chosen_data, data_keys
from jfr_cli.session import CURRENT
from jfr_cli.watch import watch

if TYPE_CHECKING:
    from rich.console import RenderableType

    from controller.waiting import WaitResult
    from jfr_cli.render.outcome import Outcome

_FORMAT = {"output_format": (options.OutputFormat, None), "json": (options.Json, False)}


def shows_list(*further_flags: str, watchable: bool = True) -> Callable[[F], F]:
    """Add the options of a command that ends with `show_rows`.

    Parameters
    ----------
    further_flags
        Additional names of ``--columns``.
    watchable
        It only reads, and gets ``--watch``.
    """
    columns = Annotated[
        str | None,
        typer.Option(
            "--columns",
            *further_flags,
            metavar="KEYS",
            help="Columns or keys, separated by commas.",
        ),
    ]
    bundle = {**_FORMAT, "columns": (columns, None)}
    return _decorator({**bundle, "seconds": (options.Watch, None)} if watchable else bundle)


def shows_one(*, watchable: bool = False) -> Callable[[F], F]:
    """Add the options of a command that ends with `show_one`.

    Parameters
    ----------
    watchable
        It only reads and its output may change, so it gets ``--watch``.
    """
    return _decorator(_with_watch(watchable))


def _with_watch(watchable: bool) -> dict[str, tuple[Any, Any]]:
    return {**_FORMAT, "seconds": (options.Watch, None)} if watchable else _FORMAT


def shows_document(*, watchable: bool = False) -> Callable[[F], F]:
    """Add the options of a command that ends with `show_value` or `show_report`.

    List formats are refused before the command does anything.
    Parameters as of `shows_one`.
    """
    return _decorator(_with_watch(watchable), listable=False)


def shows_outcome() -> Callable[[F], F]:
    """Add the options of a command that ends with `show_outcome`."""
    return _decorator(_FORMAT)


def _decorator(bundle: dict[str, tuple[Any, Any]], *, listable: bool = True) -> Callable[[F], F]:
    def call(command: Callable[..., Any], given: dict[str, Any], taken: dict[str, Any]) -> Any:
        CURRENT.use_format(taken["output_format"], taken["json"])
        if not listable:
            only_documents()
        CURRENT.columns = taken.get("columns")
        seconds = taken.get("seconds")
        if seconds is None:
            return command(**given)
        return watch(lambda: command(**given), seconds)

    return lambda command: with_options(command, bundle, call)


def only_documents() -> None:
    """Refuse list formats, before a command that prints no list does anything."""
    if not (shows_table() or shows_object()):
        raise ArgumentError(
            f"this is one document: --format {CURRENT.output_format} is for lists",
            hint="use --format json, ndjson or yaml",
        )


def only_lines(flag: str) -> None:
    """Refuse the formats whose documents cannot follow one another, line by line."""
    if not (shows_table() or CURRENT.output_format == "ndjson"):
        raise ArgumentError(
            f"{flag} writes lines: --format {CURRENT.output_format} is one document",
            hint="--format ndjson, or a table",
        )


def shows_table() -> bool:
    """Whether the output is for people, not for scripts."""
    return CURRENT.output_format in ("table", "wide")


def shows_object() -> bool:
    """Whether one thing is shown as an object; the other formats list something."""
    return CURRENT.output_format in ("json", "ndjson", "yaml")


def wants_wide() -> bool:
    """Whether a more detailed output for people is requested."""
    return CURRENT.output_format == "wide"


def wants_count() -> bool:
    """Whether only a number is requested: let the database count, and call `show_count`."""
    return CURRENT.output_format == "count"


def show_count(number: int) -> None:
    """Print a number."""
    print_data(str(number))


def show_rows(
    items: Sequence[Any],
    spec: TableSpec,
    *,
    verbosity: int = 0,
    defaults: Sequence[str] | None = None,
    title: str = "",
    below: Callable[[], RenderableType] | None = None,
) -> None:
    """Print a list of things in the requested format.

    Parameters
    ----------
    items
        The things, as ``spec.row`` takes them.
    verbosity
        The number of ``-v``; the format ``wide`` adds one.
    defaults
        Keys of the columns, if chosen by the user.
    title, below
        Printed above and below a table.
    """
    asked = CURRENT.columns
    if not shows_table():
        form, keys = CURRENT.output_format, data_keys(spec, asked)
        picked = picked_rows(items, spec)
        rows = [spec.data(item) for item in items] if form == "name" else picked
        text = data.written(rows, form, name_key=spec.name_key, keys=keys)
        if text:
            print_data(text)
        return
    wide = CURRENT.output_format == "wide"
    columns = chosen_columns(spec, asked, verbosity + wide, defaults)
    listing = Listing(spec, items, columns, pinned=asked is not None)
    if below is None and is_plain(CURRENT.color):
        print_text("\n\n".join([*([title] if title else []), listing.plain()]))
        return
    print_table(
        lambda width: _stacked(title, listing.table(width), below), CURRENT.color, whole=wide
    )
    if listing.left_out:
        names = ",".join(column.key for column in columns if column in listing.left_out)
        hint(f"no room for {names}: use --format wide, --columns or a pipe", CURRENT.color)


def picked_rows(items: Sequence[Any], spec: TableSpec) -> list[Row]:
    """Return the data of things, with the keys requested by ``--columns``; errors as there."""
    pick = chosen_data(spec, CURRENT.columns)
    return [pick(spec.data(item)) for item in items]


def _stacked(
    title: str, table: RenderableType, below: Callable[[], RenderableType] | None
) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    parts = [Text(title, style="bold"), Text(), table] if title else [table]
    return Group(*parts, *([Text(), below()] if below else []))


def show_one(
    item: Any,
    spec: TableSpec,
    picture: Callable[[], RenderableType] | None = None,
    **more: Any,
) -> None:
    """Print one thing: an object, where a list would be an array.

    Parameters
    ----------
    picture
        Makes the output for people; None shows a table with one row.
    more
        Further keys of the data.
    """
    if shows_table():
        if picture is None:
            show_rows([item], spec)
        else:
            show_picture(picture)
    elif shows_object():
        print_data(data.one_written(spec.data(item) | data.plain(more), CURRENT.output_format))
    else:
        show_rows([item], spec)


def show_value(value: Any) -> None:
    """Print a value of any spec, as JSON unless YAML is requested."""
    print_data(data.one_written(data.plain(value), CURRENT.output_format))


def write_value(value: Any, path: str) -> None:
    """Write a value of any spec to a file: YAML if its extension says so, else JSON.

    Raises
    ------
    ArgumentError
        The file cannot be written.
    """
    form = "yaml" if path.endswith((".yaml", ".yml")) else "json"
    try:
        Path(path).write_text(data.one_written(data.plain(value), form) + "\n", encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"cannot write {path}: {error.strerror}") from None


def show_picture(picture: Callable[[], RenderableType]) -> None:
    """Print output that is only for people."""
    if shows_table():
        print_renderable(picture(), CURRENT.color)


def show_report(facts: dict[str, Any], *lines: str) -> None:
    """Print the result of a command: an object for scripts, lines on standard error for people."""
    if shows_table():
        for line in lines:
            say(line)
    else:
        show_value(facts)


def show_outcome(outcome: Outcome, noun: str, done: str, **more: Any) -> None:
    """Print what an action on many things did, and exit with the matching status.

    Parameters
    ----------
    noun, done
        As in "job", "paused".
    more
        Further keys of the data.

    Raises
    ------
    typer.Exit
        Exit code 5 if some were refused, 6 if all were.
    """
    from jfr_cli.render import outcome as render

    form = CURRENT.output_format
    if form == "csv":
        show_rows(render.result_rows(outcome), render.RESULT)
    elif form == "name":
        print_lines(render.modified_ids(outcome))
    elif form == "count":
        show_count(len(render.modified_ids(outcome)))
    elif not shows_table():
        show_value(render.outcome_row(outcome) | more)
    else:
        if outcome.dry_run and outcome.changes:
            rows = render.plan_rows(outcome)
            named = any(row["name"] for row in rows)
            columns = tuple(c for c in render.CHANGE.columns if named or c.key != "name")
            show_rows(rows, replace(render.CHANGE, columns=columns))
        say(render.result_line(outcome, noun, done))
    if not CURRENT.as_json:
        for line in render.refusal_lines(outcome.refused):
            say(f"jf: {line}")
    if status := render.exit_status(outcome):
        raise typer.Exit(status)


def show_waited(result: WaitResult, show: Callable[[], None] | None = None) -> None:
    """Print the result of a wait, and exit with the matching status.

    Parameters
    ----------
    show
        Prints the result in another way.

    Raises
    ------
    typer.Exit
        Exit code 7 if one failed, 8 if the time limit was reached.
    """
    from jfr_cli.render.waiting import AWAITED, at_rest, standing, wait_row

    if show is not None:
        show()
    elif shows_object():
        show_value(wait_row(result))
    else:
        show_rows(result.waited, AWAITED)
    if result.verdict.value == "pending" and not CURRENT.as_json:
        say(f"jf: time limit reached after {result.seconds:.0f} s: {standing(result.waited)}")
    if result.verdict.value == "failed" and not CURRENT.as_json and (why := at_rest(result.waited)):
        say(f"jf: {why}")
    if status := {"failed": 7, "pending": 8}.get(result.verdict.value):
        raise typer.Exit(status)


def print_lines(lines: Sequence[str]) -> None:
    """Print lines of data, one per text, whatever it contains; nothing if there are none."""
    if lines:
        print_data("\n".join(map(one_line, lines)))
