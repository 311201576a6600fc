"""Which part of a runner's work a process or thread does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller.states import BATCH_STATES, QUEUED_STATES, JobState


@dataclass(frozen=True)
class RunnerRoles:
    """The tasks of a runner process; all of them, unless several processes share them.

    Attributes
    ----------
    transfer, complete, queue, checkout
        Transfer files, complete jobs, submit and poll the queues, claim READY jobs.
    """

    transfer: bool = True
    complete: bool = True
    queue: bool = True
    checkout: bool = True

    @property
    def named(self) -> list[str]:
        """Names of the parts that it does, in the order of a job's life."""
        return [n for n in ("checkout", "transfer", "queue", "complete") if getattr(self, n)]

    @property
    def on_hosts(self) -> RunnerRoles:
        """Those of them that touch the machines of workers."""
        return replace(self, checkout=False, complete=False)

    @property
    def ends(self) -> list[str]:
        """Values of the states handled by these roles."""
        ended: dict[str, tuple[JobState, ...]] = {
            "checkout": (JobState.READY,),
            "transfer": (JobState.CHECKED_OUT, JobState.RUN_FINISHED),
            "queue": (JobState.UPLOADED, *QUEUED_STATES, *BATCH_STATES),
            "complete": (JobState.DOWNLOADED,),
        }
        return [s.value for part, states in ended.items() if getattr(self, part) for s in states]


ALL_ROLES = RunnerRoles()
"""Those of a process that does everything."""
NO_ROLES = RunnerRoles(transfer=False, complete=False, queue=False, checkout=False)
"""Those of a process that does nothing, to which some are added."""
