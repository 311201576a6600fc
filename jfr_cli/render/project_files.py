"""Contents of project files: workers, execution configurations, problems, conflicts, changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jfr_cli.render.data import Row
from jfr_cli.render.schemas import DocumentSchema, array, entry, flag, integer, mapping, text
from jfr_cli.render.tables import MORE, MOST, Column, TableSpec

if TYPE_CHECKING:
    from controller.config import ExecutionConfig, Problem, WorkerBase
    from controller.config.conflicts import ConflictIssue
    from controller.config.editing import FileEdit


def _worker_row(named: tuple[str, WorkerBase]) -> Row:
    from controller.config import masked

    name, worker = named
    return {
        "name": name,
        "type": worker.type,
        "info": worker.cli_info,
        "details": masked(worker.model_dump(mode="json", exclude_unset=True)),
    }


def _lines(key: str) -> Any:
    """Return a cell that shows a mapping, one key per line."""

    def cell(named: Any) -> str:
        shown = WORKERS.row(named)[key]
        return "\n".join(f"{k}: {v}" for k, v in shown.items() if v is not None)

    return cell


WORKERS = TableSpec(
    "worker",
    "A worker: an entry of `jf project worker list`.",
    {
        "name": text("Its name."),
        "type": text("local, remote or separated_transfer."),
        "info": mapping("Its location and scheduler."),
        "details": mapping("All its settings, without secrets."),
    },
    row=_worker_row,
    columns=(
        Column("name", "Name", rank=0),
        Column("type", "Type", levels=MORE, rank=0),
        Column("info", "Info", _lines("info"), levels=range(1, 2), wraps=True, rank=0),
        Column("details", "Details", _lines("details"), levels=MOST, wraps=True, rank=0),
    ),
    name_key="name",
)


def _exec_config_row(named: tuple[str, ExecutionConfig]) -> Row:
    from controller.config import masked

    return {"name": named[0], **masked(named[1].model_dump(mode="json"))}


EXEC_CONFIGS = TableSpec(
    "exec-config",
    "An execution configuration: an entry of `jf project exec_config list`.",
    {
        "name": text("Its name."),
        "modules": array(text("A module."), "Names for `module load`.", null=True),
        "export": mapping("Environment variables.", null=True),
        "pre_run": text("Shell lines before the job.", null=True),
        "post_run": text("Shell lines after the job.", null=True),
    },
    row=_exec_config_row,
    columns=(
        Column("name", "Name", rank=0),
        *(
            Column(key, header, levels=MORE, wraps=True, rank=0)
            for key, header in (
                ("modules", "Modules"),
                ("export", "Export"),
                ("pre_run", "Pre run"),
                ("post_run", "Post run"),
            )
        ),
    ),
    name_key="name",
)


def _problem_row(problem: Problem) -> Row:
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "message": problem.message,
        "hint": problem.hint,
    }


def problem_line(problem: Problem) -> str:
    """Format a problem like a compiler message, which editors can jump to."""
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    key = f"{problem.key}: " if problem.key else ""
    return f"{place}: {key}{problem.message}{f' ({problem.hint})' if problem.hint else ''}"


PROBLEMS = TableSpec(
    "problem",
    "A problem of a project file: an entry of `jf project validate`.",
    {
        "file": text("The file."),
        "line": integer("Line number, from 1.", null=True),
        "key": text("The key concerned, with dots between levels; empty for the whole file."),
        "message": text("The problem."),
        "hint": text("What to write instead.", null=True),
    },
    row=_problem_row,
    columns=(
        Column("line", "Line", number=True, rank=0),
        Column("key", "Key", rank=0),
        Column("message", "Message", wraps=True, rank=0),
        Column("hint", "Hint", wraps=True, rank=0),
    ),
    name_key="key",
)


def _conflict_row(issue: ConflictIssue) -> Row:
    return {"kind": issue.kind, "projects": list(issue.projects), "message": issue.message}


CONFLICTS = TableSpec(
    "conflict",
    "A conflict between projects: an entry of `jf project check-conflicts`.",
    {
        "kind": text("jobs_handle_dir, queue_collection, output_collection or directory."),
        "projects": array(text("A project."), "The projects concerned."),
        "message": text("The shared resource."),
    },
    row=_conflict_row,
    columns=(
        Column("kind", "Kind", rank=0),
        Column("projects", "Projects", wraps=True, rank=0),
        Column("message", "Message", wraps=True, rank=0),
    ),
    name_key="kind",
)

EDITS = TableSpec(
    "file-edit",
    "What `jf project edit replace` did to a file, or would do.",
    {
        "file": text("The file."),
        "count": integer("Number of matches of the text."),
        "diff": text("The change as a unified diff, without secrets."),
        "problems": array(
            entry(DocumentSchema("", "A problem.", PROBLEMS.properties)),
            "Why the changed file would be unusable.",
        ),
        "changed": flag("Whether it was changed."),
        "backup": text("Backup of the original file.", null=True),
    },
    columns=(
        Column("file", "File", wraps=True, rank=0),
        Column("count", "Found", number=True),
        Column("changed", "Changed", rank=0),
        Column("backup", "Backup", wraps=True),
    ),
    name_key="file",
)


def edit_row(edit: FileEdit, *, changed: bool, backup: Path | None) -> Row:
    """Return the data of a change."""
    return {
        "file": str(edit.path),
        "count": edit.count,
        "diff": edit.diff,
        "problems": [_problem_row(problem) for problem in edit.problems],
        "changed": changed,
        "backup": backup and str(backup),
    }


REMOVED = DocumentSchema(
    "removed-project",
    "What `jf project remove` deleted, or would delete.",
    {
        "project": text("Name of the project."),
        "paths": array(text("A file or folder."), "Deleted paths."),
        "left": array(text("A file or folder."), "Paths not created by jfr, which stay."),
        "dry_run": flag("Whether nothing was deleted."),
    },
)
MIGRATED = TableSpec(
    "migrated-collection",
    "A collection that `jf project migrate` copied, or would copy.",
    {
        "what": text("Kind of documents."),
        "source": text("Source database."),
        "source_collection": text("Its name in the source."),
        "target": text("Target database."),
        "target_collection": text("Its name in the target."),
        "documents": integer("Number of documents."),
        "written": integer("Number of documents written.", null=True),
        "unchanged": integer("Number of documents that existed already.", null=True),
        "checksum": text("Checksum of the content, equal on both sides.", null=True),
    },
    columns=(
        Column("what", "What", rank=0),
        Column("source", "From", wraps=True, rank=2),
        Column("target", "To", wraps=True, rank=2),
        Column("documents", "Documents", number=True, rank=0),
        Column("written", "Written", number=True),
        Column("unchanged", "Unchanged", number=True),
        Column("checksum", "Checksum", short=("Checksum", lambda row: (row["checksum"] or "")[:8])),
    ),
    name_key="what",
)
