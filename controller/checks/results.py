"""The result of a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.errors import ControllerError


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    Attributes
    ----------
    what
        The part that was checked.
    problem
        The problem; None if there is none.
    hint
        How to fix it.
    note
        A finding of interest, such as a path.
    warning
        The problem does not prevent anything from working.
    """

    what: str
    problem: str | None = None
    hint: str | None = None
    note: str | None = None
    warning: bool = False

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return self.problem is None or self.warning


def result_of(what: str, check: Callable[[], str | None]) -> CheckResult:
    """Run a check; an error in it does not prevent the other checks.

    Parameters
    ----------
    check
        Returns a note of interest, or raises the problem.
    """
    try:
        return CheckResult(what, note=check())
    except ControllerError as error:
        return CheckResult(what, error.message, error.hint)
    except OSError as error:
        return CheckResult(what, str(error))
    except Exception as error:  # noqa: BLE001 (stores and schedulers may be the users' own)
        return CheckResult(what, f"{type(error).__name__}: {error}")
