"""The result of an action on whole flows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.errors import ControllerError, LockedDocumentError
from controller.operations.bulk import Options
from controller.operations.flow_locks import LockedFlows


@dataclass(frozen=True)
class FlowRefusal:
    """A flow that was not deleted, archived or brought back, and why."""

    flow_id: str
    error: ControllerError

    @property
    def db_id(self) -> str:
        """The flow's uuid, its identifier in all results."""
        return self.flow_id

    @property
    def reason(self) -> str:
        """The reason in one line, with what to do next."""
        return str(self.error)


@dataclass(frozen=True)
class FlowChange:
    """A flow that was deleted, archived or brought back.

    Attributes
    ----------
    db_id
        Its uuid.
    name
        Its name.
    before
        Its state before.
    after
        None: it no longer exists; else its state, or ``ARCHIVED``.
    """

    db_id: str
    name: str
    before: str
    after: str | None = None


class FlowResult(list[str]):
    """Uuids of the flows that were deleted (or moved), and what happened to the others.

    Attributes
    ----------
    matched
        Number of selected flows.
    refused
        Flows that were not deleted, and why.
    unchanged, dependents
        Always empty; present as in `BulkResult`.
    changes
        The flows that were deleted, or would be.
    jobs
        Number of jobs deleted with them.
    postponed
        db_ids of jobs whose process still runs or whose files or outputs still exist, because they
        could not be reached: a runner will clean up.
    requested
        db_ids of jobs whose process was to be ended or whose files or outputs were to be deleted.
    dry_run
        Whether nothing was written.
    """

    def __init__(self, matched: int, *, dry_run: bool = False) -> None:
        super().__init__()
        self.matched, self.dry_run, self.jobs = matched, dry_run, 0
        self.refused: list[FlowRefusal] = []
        self.unchanged: list[str] = []
        self.changes: list[FlowChange] = []
        self.dependents: list[FlowChange] = []
        self.postponed: list[str] = []
        self.requested: set[str] = set()

    def refuse(self, uuid: str, error: ControllerError, options: Options) -> None:
        """Note a refused flow, or raise why where the caller wants that."""
        if options.raise_on_error:
            raise error
        self.refused.append(FlowRefusal(uuid, error))

    def refuse_unavailable(
        self, uuids: Iterable[str], held: LockedFlows, options: Options, may_wait: bool
    ) -> list[str]:
        """Refuse those of a chunk that cannot be locked; return those to wait for.

        Parameters
        ----------
        uuids
            The uuids of all flows of the chunk.
        may_wait
            Whether flows that another process holds are tried again later.
        """
        left: list[str] = []
        for uuid in uuids:
            error = held.unavailable.get(uuid)
            if error is not None and may_wait and isinstance(error, LockedDocumentError):
                left.append(uuid)
            elif error is not None:
                self.refuse(uuid, error, options)
        return left
