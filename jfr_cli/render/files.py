"""What became of run directories that were to be deleted."""

from __future__ import annotations

from typing import Any, Protocol

from jfr_cli.render.outcome import SHOWN_REFUSALS, counted


class Cleaned(Protocol):
    """See `controller.jobs.files.CleanedFiles`."""

    deleted: list[str]
    skipped: dict[str, str]
    failed: dict[str, str]


def cleaning_facts(done: Cleaned, *, dry_run: bool = False) -> dict[str, Any]:
    """Return what scripts see."""
    return {
        "deleted": [] if dry_run else done.deleted,
        **({"would_delete": done.deleted} if dry_run else {}),
        "skipped": [{"db_id": i, "reason": why} for i, why in done.skipped.items()],
        "failed": [{"db_id": i, "reason": why} for i, why in done.failed.items()],
    }


def cleaning_lines(done: Cleaned, *, dry_run: bool = False) -> list[str]:
    """Return what people read."""
    would = " would be" if dry_run else ""
    lines = [f"{counted(len(done.deleted), 'folder')}{would} deleted"]
    left = {**done.failed, **done.skipped}
    lines += [f"{i}: left alone: {why}" for i, why in list(left.items())[:SHOWN_REFUSALS]]
    if len(left) > SHOWN_REFUSALS:
        lines.append(f"... and {len(left) - SHOWN_REFUSALS} more")
    return lines
