"""Repeating writes when another process wrote to the same documents at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from controller.errors import WriteConflictError

logger = logging.getLogger(__name__)

_TRIES = 6

_T = TypeVar("_T")


def repeat_on_conflict(write: Callable[[], _T]) -> _T:
    """Do a write, and repeat it if the database refused it because of another process.

    Parameters
    ----------
    write
        A whole transaction, or a write that may be done twice: of several documents some may
        have been written before the refusal.

    Raises
    ------
    WriteConflictError
        It was refused several times.
    """
    for _ in range(_TRIES - 1):
        try:
            return write()
        except WriteConflictError as error:
            logger.debug("once more: %s", error)
    return write()
