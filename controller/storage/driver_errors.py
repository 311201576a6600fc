"""Errors that scripts catch by pymongo's classes, and we by ours.

jobflow-remote lets pymongo's errors through, so that scripts written for it catch these. An error
of a database here is of both kinds; pymongo is imported where one is raised, not before.
"""

from __future__ import annotations

from typing import Any, TypeVar

from controller.errors import ControllerError, DuplicateKeyError, rebuilt

Ours = TypeVar("Ours", bound=ControllerError)

DUPLICATE_CODE = 11000


def of_both_kinds(error: Ours, driver: Exception) -> Ours:
    """Return one of our errors as one that is of a class of pymongo's too, with its facts."""
    pair = type(error), type(driver)
    kind = _KINDS.get(pair) or _KINDS.setdefault(pair, _both(*pair))
    both: Ours = kind.__new__(kind)
    both.args = error.args
    both.__dict__.update({**driver.__dict__, **error.__dict__})
    return both


def duplicate_key(
    message: str, *, index: str | None = None, key: dict[str, Any] | None = None
) -> DuplicateKeyError:
    """Return the error about a document that a unique index refuses."""
    from pymongo.errors import DuplicateKeyError as DriverDuplicateKeyError

    details = {"code": DUPLICATE_CODE, "errmsg": message, "keyValue": key or {}}
    driver = DriverDuplicateKeyError(message, DUPLICATE_CODE, details)
    return of_both_kinds(DuplicateKeyError(message, index=index, key=key), driver)


_KINDS: dict[tuple[type, type], Any] = {}
"""{(our class, pymongo's): the class of both}."""


def _both(ours: type[ControllerError], theirs: type[Exception]) -> Any:
    def reduce(self: ControllerError) -> tuple[Any, ...]:
        # What crosses a process boundary is ours: this class cannot be found by its name.
        facts = {name: value for name, value in self.__dict__.items() if name[:1] != "_"}
        return rebuilt, (ours, self.args, facts)

    names = {"__module__": ours.__module__, "__doc__": ours.__doc__, "__reduce__": reduce}
    return type(ours.__name__, (ours, theirs), names)
