"""The doctor: finds and repairs problems of a queue.

``reading``      what is read, in batches
``diagnosing``   reading and pure rules (``controller.rules.diagnosis``) -> `Diagnosis`
``folders``      remains of run directories on this machine
``mending``      `Diagnosis` -> plan -> writes, each conditional on what was seen

`examine` does all of it in one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.doctor.diagnosing import diagnose
from controller.doctor.mending import Mended, Outcome, mend
from controller.doctor.reading import Progress
from controller.operations.version import refuse_newer
from controller.rules.diagnosis import Diagnosis, Finding, FindingKind, Severity

if TYPE_CHECKING:
    from controller.jobcontroller import JobController

__all__ = [
    "Diagnosis",
    "Examination",
    "Finding",
    "FindingKind",
    "Mended",
    "Outcome",
    "Severity",
    "diagnose",
    "examine",
    "mend",
]

ROUNDS = 3
"""Maximum number of examinations for repairs; one problem may hide another."""


@dataclass(frozen=True)
class Examination:
    """The findings, the repairs, and what is left.

    Attributes
    ----------
    diagnosis
        The first examination.
    mended
        The repairs; in a dry run, those that would be done first.
    remaining
        The last examination; the same as ``diagnosis`` in a dry run.
    """

    diagnosis: Diagnosis
    mended: tuple[Mended, ...]
    remaining: Diagnosis

    @property
    def ok(self) -> bool:
        """Whether no problem is left."""
        return self.remaining.ok


def examine(
    controller: JobController,
    fix: bool = False,
    *,
    watch: bool = False,
    outputs: bool = False,
    files: bool = False,
    foreign_locks: bool = False,
    half_inserted: bool = False,
    progress: Progress | None = None,
) -> Examination:
    """Examine a queue, and repair it on request.

    Parameters
    ----------
    fix
        Repair what can be repaired, and examine again. If False, nothing is changed.
    watch, outputs, files
        See `diagnose`.
    foreign_locks, half_inserted
        See `mend`.
    progress
        Called with (activity, amount done, total amount).

    Returns
    -------
    Examination
        The findings, the repairs done or planned, and what is left.

    Raises
    ------
    StorageFormatError
        With ``fix``: the database has a newer version.
    """
    if fix:
        refuse_newer(controller.queue.auxiliary, "mending")
    looks = {"outputs": outputs, "files": files}
    first = remaining = diagnose(controller, watch=watch, progress=progress, **looks)
    mended: list[Mended] = []
    for _ in range(ROUNDS if fix else 1):
        done = mend(
            controller,
            remaining,
            dry_run=not fix,
            foreign_locks=foreign_locks,
            half_inserted=half_inserted,
            progress=progress,
        )
        mended += done
        _tell(controller, done if fix else [])
        if all(item.outcome is not Outcome.DONE for item in done):
            break
        remaining = diagnose(controller, progress=progress, **looks)
    return Examination(first, tuple(mended), remaining)


def _tell(controller: JobController, done: list[Mended]) -> None:
    """Record the repairs in the event log."""
    number = sum(item.outcome is Outcome.DONE for item in done)
    if number:
        controller.queue.events.admin("doctor", f"{number} problems mended")
