"""``jf job files`` and the other commands that use a job's run directory."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.errors import ArgumentError, StateError
from jfr_cli import command_groups, options
from jfr_cli.console import print_data, say
from jfr_cli.output import (
    print_lines,
    show_one,
    show_outcome,
    show_report,
    show_rows,
    show_value,
    shows_document,
    shows_object,
    shows_one,
    shows_outcome,
    shows_table,
)
from jfr_cli.progress import progress_bar
from jfr_cli.render.files import FILE, RUN_FOLDER, cleaning, cleaning_facts, skipped_lines
from jfr_cli.selection import job_keywords, named_job
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.operations.logs import LogPart

app = command_groups.command_group("List, fetch and delete the files of a job.")
single = command_groups.part_of_group()


@app.command("ls")
@shows_one()
def ls(job: options.JobIdArgument, index: options.IndexArgument = None) -> None:
    """List the files in a job's run directory.

    Example: jf job files ls 12
    """
    with CURRENT.controller() as controller:
        folder, names = controller.list_job_files(**job_keywords(controller, job, index))
    if shows_table():
        say(f"in {folder}:")
        print_lines(names)
    elif shows_object():
        show_value({"run_dir": folder, "files": names})
    else:
        show_rows([{"name": name} for name in names], FILE)


@single.command("cd")
@shows_one()
def cd(job: options.JobIdArgument, index: options.IndexArgument = None) -> None:
    """Print the run directory of a job, on another machine as host:path.

    Example: cd "$(jf job cd 12)"
    """
    from controller.run_folders import run_folder

    with CURRENT.reader() as controller:
        found = named_job(controller, job, index, archived=True)
        folder = run_folder(found, CURRENT.project)
    if not shows_table():
        row = {"db_id": found.db_id, "host": folder.address, "run_dir": folder.path}
        show_one(row, RUN_FOLDER)
        return
    print_lines([str(folder)])
    if folder.way_there:
        say(f"on another machine: {folder.way_there}")


@app.command("get")
@shows_document()
def get(
    job: options.JobIdArgument,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="File names in the folder.")],
    index: Annotated[int | None, typer.Option("--index", "-i", help="Index of the job.")] = None,
    path: Annotated[
        Path,
        typer.Option(
            "--path", "-p", metavar="DIR", help="Folder to write to.", exists=True, file_okay=False
        ),
    ] = Path(),
) -> None:
    """Fetch files from a job's run directory.

    Example: jf job files get 12 queue.err --path /tmp
    """
    written = []
    with CURRENT.controller() as controller, progress_bar("fetching", at_least=2) as report:
        for number, name in enumerate(files, 1):
            target = path / Path(name).name
            content = controller.read_job_file(name, **job_keywords(controller, job, index))
            try:
                target.write_bytes(content)
            except OSError as error:
                raise ArgumentError(f"cannot write {target}: {error.strerror}") from None
            written.append(str(target))
            report(number, len(files))
    show_report({"files": written}, *(f"wrote {name}" for name in written))


@app.command("delete")
@shows_outcome()
def delete(
    job: options.JobIdArgument,
    index: Annotated[int | None, typer.Option("--index", "-i", help="Index of the job.")] = None,
    all_states: options.AllStates = False,
    force: options.SkipRunnerCheck = False,
    dry_run: options.DryRun = False,
) -> None:
    """Delete the run directory of a job that has ended.

    Example: jf job files delete 12
    """
    with CURRENT.controller() as controller:
        found = named_job(controller, job, index)
        done = controller.clean_job_files(
            [found], all_states=all_states, force=force, dry_run=dry_run
        )
    if found.run_dir and (why := {**done.failed, **done.skipped}.get(found.db_id)):
        raise StateError(
            f"the files of job {found.db_id} were not deleted: {why}",
            hint=None if done.failed else "use --all-states to delete files of jobs in any state",
        )
    if shows_table():
        for line in skipped_lines(done):
            say(f"not deleted: {line}")
    outcome = cleaning(done, [found], dry_run=dry_run)
    show_outcome(outcome, "folder", "deleted", **cleaning_facts(done, dry_run=dry_run))


@single.command("queue-out")
@shows_document()
def queue_out(job: options.JobIdArgument, index: options.IndexArgument = None) -> None:
    """Print what the queue wrote for a job: queue.out and queue.err.

    Example: jf job queue-out 12
    """
    with CURRENT.controller() as controller:
        found = controller.read_queue_files(**job_keywords(controller, job, index))
    if not shows_table():
        show_value(found)
        return
    for name, text in found.items():
        say(f"--- {name}" if text is not None else f"--- {name}: not found")
        if text:
            print_data(text.rstrip("\n"))


@single.command("log")
@shows_document()
def log(
    job: options.JobIdArgument,
    index: options.IndexArgument = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep showing new output until the job ends.")
    ] = False,
    lines: Annotated[
        int,
        typer.Option("--lines", "-n", min=0, metavar="N", help="Lines of each log to show first."),
    ] = 50,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file", metavar="NAME", help="Show this file of the job instead; repeatable."
        ),
    ] = None,
    timeout: options.Timeout = None,
) -> None:
    """Show the end of queue.out and queue.err: everything that a job prints.

    Example: jf job log 12 -f
    """
    from controller.api.job_logs import LOG_FILES

    names = tuple(file or ()) or LOG_FILES
    if timeout is not None and not follow:
        raise ArgumentError("--timeout requires --follow")
    with CURRENT.controller() as controller:
        keywords = job_keywords(controller, job, index)
        if follow:
            _follow(controller, names, lines, timeout, keywords)
            return
        parts, missing = controller.read_job_log(files=names, lines=lines, **keywords)
    if not shows_table():
        texts = {part.name: part.text for part in parts}
        show_value({name: None if name in missing else texts.get(name, "") for name in names})
        return
    _print_parts(parts, "")
    for name in missing:
        say(f"--- {name}: not found")


def _follow(
    controller: Any, names: tuple[str, ...], lines: int, timeout: float | None, job: dict[str, Any]
) -> None:
    """Print a job's logs, and new output."""
    as_lines = CURRENT.output_format == "ndjson"
    if not (shows_table() or as_lines):
        raise ArgumentError("--follow needs text or --format ndjson")
    shown = ""
    try:
        for part in controller.follow_job_log(
            files=names, lines=lines, timeout=timeout, notice=say, **job
        ):
            if as_lines:
                print_data(json.dumps({"file": part.name, "text": part.text}))
                sys.stdout.flush()
            else:
                shown = _print_parts([part], shown)
    except TimeoutError as error:
        say(f"jf: {error}")
        raise typer.Exit(8) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    found = controller.get_job_info(**job)
    if found is not None:
        say(f"job {found.db_id} is {found.state.value}")


def _print_parts(parts: Sequence[LogPart], shown: str) -> str:
    """Print parts of logs, with a heading where the file changes; return the last file name."""
    for part in parts:
        if part.name != shown:
            more = f" (the first {part.left_out} bytes are omitted)" if part.left_out else ""
            say(f"--- {part.name}{more}")
            shown = part.name
        print_data(part.text.removesuffix("\n"))
        sys.stdout.flush()
    return shown


@single.command("todir")
def todir(
    job: options.JobIdArgument,
    index: options.IndexArgument = None,
    shell: Annotated[
        str, typer.Option("--shell", "-s", metavar="PROGRAM", help="The shell to start.")
    ] = "bash",
) -> None:
    """Start a shell in a job's run directory; leave it with `exit`.

    Example: jf job todir 12
    """
    import os

    from controller.run_folders import run_folder

    with CURRENT.reader() as controller:
        folder = run_folder(named_job(controller, job, index, archived=True), CURRENT.project)
    if not sys.stdin.isatty():
        where = f"cd to {folder}" if folder.address is None else folder.way_there
        raise ArgumentError("a shell needs a terminal", hint=f"instead: {where}")
    words = folder.terminal(shell)
    sys.stdout.flush()
    try:
        if folder.address is None:
            os.chdir(folder.path)
        os.execvp(words[0], words)  # noqa: S606 (the shell is what was asked for)
    except OSError as error:
        raise ArgumentError(f"cannot start {words[0]}: {error.strerror}") from None
