"""Add shared options to commands."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def with_options(
    command: F,
    bundle: Mapping[str, tuple[Any, Any]],
    call: Callable[[Callable[..., Any], dict[str, Any], dict[str, Any]], Any],
    *,
    replaces: str | None = None,
) -> F:
    """Add options to a command.

    Parameters
    ----------
    command
        The command's function.
    bundle
        {parameter: (annotation of the option, default)}.
    call
        Calls the command; gets the command, its own arguments and the added ones.
    replaces
        A parameter of the command that is not an option, because ``call`` provides it.
    """
    own = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def wrapper(**given: Any) -> Any:
        taken = {name: given.pop(name) for name in bundle}
        return call(command, given, taken)

    kept = [p for p in own.parameters.values() if p.name != replaces]
    kept = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in kept]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in bundle.items()
    ]
    wrapper.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in [*kept, *added]}
    del wrapper.__wrapped__  # Typer would follow it to the original command
    return wrapper  # type: ignore[return-value]
