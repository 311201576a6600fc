"""The doctor: finds what is not as it should be in a queue, and mends it.

``reading``      what is read, in batches
``diagnosing``   reading and pure rules (``controller.rules.diagnosis``) -> `Diagnosis`
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
"""Looks after which mending ends; one damage may hide another."""


@dataclass(frozen=True)
class Examination:
    """What was found, what was done, and what is left.

    Attributes
    ----------
    diagnosis
        What was found at first.
    mended
        What was done; in a dry run, what would be done at first.
    remaining
        What is left; the same as ``diagnosis`` in a dry run.
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
    foreign_locks: bool = False,
    half_inserted: bool = False,
    progress: Progress | None = None,
) -> Examination:
    """Examine a queue, and mend it if asked to.

    Parameters
    ----------
    fix
        Mend what can be mended, and look again. Without it nothing is changed.
    watch, outputs
        See `diagnose`.
    foreign_locks, half_inserted
        See `mend`.
    progress
        Called with (what is going on, how much of it is done, how much there is).

    Returns
    -------
    Examination
        What was found, what was or would be done, and what is left.

    Raises
    ------
    StorageFormatError
        With ``fix``: the database is of a newer version.
    """
    if fix:
        refuse_newer(controller.queue.auxiliary, "mending")
    first = remaining = diagnose(controller, watch=watch, outputs=outputs, progress=progress)
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
        if all(item.outcome is not Outcome.DONE for item in done):
            break
        remaining = diagnose(controller, outputs=outputs, progress=progress)
    return Examination(first, tuple(mended), remaining)
