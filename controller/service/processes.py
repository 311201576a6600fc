"""Which processes a start makes, and what each does: pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MAIN = "runner"
"""Name of the process that does everything."""
ROLES = ("transfer", "complete", "queue", "checkout")


@dataclass(frozen=True)
class StartOptions:
    """How runners are started; the options of ``jf runner start``.

    Attributes
    ----------
    transfer, complete
        Processes that move files, and that complete jobs; the first of each is the one that does
        everything.
    log_level
        None takes the project's.
    interactive
        Let logins ask before the runner goes into the background.
    metrics
        ``[HOST:]PORT`` at which the process that does everything serves metrics; None for nowhere.
    """

    transfer: int = 1
    complete: int = 1
    log_level: str | None = None
    interactive: bool = False
    metrics: str | None = None

    @classmethod
    def stored(cls, options: dict[str, Any]) -> StartOptions:
        """Return those that a record holds; what this version does not know is left out."""
        return cls(**{k: v for k, v in options.items() if k in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, Any]:
        """Return them as they are stored."""
        return asdict(self)


@dataclass(frozen=True)
class ProcessPlan:
    """A process to start.

    Attributes
    ----------
    name
        Unique on a host: ``runner``, ``transfer-2``, ``complete-3``.
    roles
        What it does, of `ROLES`; all of it when empty.
    """

    name: str
    roles: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, bool]:
        """The arguments of `Runner.run`."""
        return {role: not self.roles or role in self.roles for role in ROLES}


def plan_processes(options: StartOptions) -> list[ProcessPlan]:
    """Say which processes a start makes: one that does everything, and helpers where asked for."""
    plans = [ProcessPlan(MAIN)]
    for role, number in (("transfer", options.transfer), ("complete", options.complete)):
        plans += [ProcessPlan(f"{role}-{n}", (role,)) for n in range(2, number + 1)]
    return plans
