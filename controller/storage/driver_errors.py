"""Errors that scripts catch by pymongo's classes, and jfr by its own.

jobflow-remote passes pymongo's errors on, so scripts written for it catch these. A database error
here belongs to both classes; pymongo is only imported when one is raised.
"""

from __future__ import annotations

from typing import Any, TypeVar

from controller.errors import ControllerError, DuplicateKeyError, rebuilt

Ours = TypeVar("Ours", bound=ControllerError)

DUPLICATE_CODE = 11000


def of_both_kinds(error: Ours, driver: Exception) -> Ours:
    """Return an error of both jfr's and pymongo's class, with the same facts."""
    pair = type(error), type(driver)
    kind = _KINDS.get(pair) or _KINDS.setdefault(pair, _both(*pair))
    both: Ours = kind.__new__(kind)
    both.args = error.args
    both.__dict__.update({**driver.__dict__, **error.__dict__})
    return both


def duplicate_key(
    message: str, *, index: str | None = None, key: dict[str, Any] | None = None
) -> DuplicateKeyError:
    """Return the error about a document that violates a unique index."""
    from pymongo.errors import DuplicateKeyError as DriverDuplicateKeyError

    details = {"code": DUPLICATE_CODE, "errmsg": message, "keyValue": key or {}}
    driver = DriverDuplicateKeyError(message, DUPLICATE_CODE, details)
    return of_both_kinds(DuplicateKeyError(message, index=index, key=key), driver)


_KINDS: dict[tuple[type, type], Any] = {}
"""{(our class, pymongo's): the class of both}."""


def _both(ours: type[ControllerError], theirs: type[Exception]) -> Any:
    def reduce(self: ControllerError) -> tuple[Any, ...]:
        # Pickled as jfr's class, because this class cannot be found by its name.
        facts = {name: value for name, value in self.__dict__.items() if name[:1] != "_"}
        return rebuilt, (ours, self.args, facts)

    names = {"__module__": ours.__module__, "__doc__": ours.__doc__, "__reduce__": reduce}
    return type(ours.__name__, (ours, theirs), names)
