"""Which processes a start creates, and what each does: pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MAIN = "runner"
"""Name of the process that does everything."""
ROLES = ("transfer", "complete", "queue", "checkout")


@dataclass(frozen=True)
class StartOptions:
    """How to start runners: the options of ``jf runner start``.

    Attributes
    ----------
    transfer, complete
        Number of processes that transfer files, and that complete jobs; both include the main
        process, which does everything.
    log_level
        None means the project's level.
    interactive
        Log in to workers interactively before the runner goes into the background.
    metrics
        ``[HOST:]PORT`` at which the main process serves metrics; None to serve none.
    """

    transfer: int = 1
    complete: int = 1
    log_level: str | None = None
    interactive: bool = False
    metrics: str | None = None

    @classmethod
    def stored(cls, options: dict[str, Any]) -> StartOptions:
        """Return the options in a record; options unknown to this version are ignored."""
        return cls(**{k: v for k, v in options.items() if k in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, Any]:
        """Return the options as a document."""
        return asdict(self)


@dataclass(frozen=True)
class ProcessPlan:
    """A process to start.

    Attributes
    ----------
    name
        Unique on a host: ``runner``, ``transfer-2``, ``complete-3``.
    roles
        What it does, of `ROLES`; everything if empty.
    """

    name: str
    roles: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, bool]:
        """The arguments of `Runner.run`."""
        return {role: not self.roles or role in self.roles for role in ROLES}


def plan_processes(options: StartOptions) -> list[ProcessPlan]:
    """Return the processes of a start: the main process, and any helpers that were requested."""
    plans = [ProcessPlan(MAIN)]
    for role, number in (("transfer", options.transfer), ("complete", options.complete)):
        plans += [ProcessPlan(f"{role}-{n}", (role,)) for n in range(2, number + 1)]
    return plans
