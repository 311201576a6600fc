"""Methods that users find on a lower class, and whose functions live in modules above it.

A project's model must not know the controller that works on it, and yet users write
``project.get_job_controller()``. Such a method asks here for its function. `controller` itself,
which Python imports before any of its modules, says where each of them lives; the module is
imported when the method is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TypeVar

Result = TypeVar("Result")

_homes: dict[str, str] = {}


def bind(homes: Mapping[str, str]) -> None:
    """Say where functions live; nothing is imported.

    Parameters
    ----------
    homes
        {method: function}, such as ``{"Worker.get_host": "controller.hosts:open_host"}``.
    """
    _homes.update(homes)


def bound(method: str) -> Callable[..., Result]:
    """Return the function of a method, and import its module if that has not been done."""
    module, _, name = _homes[method].partition(":")
    function: Callable[..., Result] = attrgetter(name)(importlib.import_module(module))
    return function
