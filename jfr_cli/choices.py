"""Options whose values are words of a list: checked, completed, and separated by commas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer


def one_of(allowed: Sequence[str]) -> Callable[[str | None], str | None]:
    """Make a check that a value is one of some words."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in allowed:
            from controller.config.suggestions import no_such

            raise typer.BadParameter(
                f"{value!r} is not one of the choices: {no_such(value, allowed)}"
            )
        return value

    return check


def starting_with(allowed: Sequence[str]) -> Callable[[str], list[str]]:
    """Make a completion from fixed words; words in capitals may be typed in lower case."""

    def complete(incomplete: str) -> list[str]:
        if found := [word for word in allowed if word.startswith(incomplete)]:
            return found
        return [w.lower() for w in allowed if w.lower().startswith(incomplete)]

    complete.words = tuple(allowed)  # type: ignore[attr-defined]  # for the completion scripts
    return complete


def choice(allowed: Sequence[str]) -> dict[str, Any]:
    """Settings of an option with fixed values, which are checked and completed."""
    return {"callback": one_of(allowed), "autocompletion": starting_with(allowed)}


def split_at_commas(values: list[str] | None) -> list[str] | None:
    """Let ``-s FAILED,READY`` mean ``-s FAILED -s READY``: no state and no id has a comma."""
    return [part.strip() for value in values for part in value.split(",")] if values else values


def choices(allowed: Sequence[str]) -> dict[str, Any]:
    """Settings of an option that takes several words, which are completed."""
    return {"callback": split_at_commas, "autocompletion": starting_with(allowed)}


SEVERAL: dict[str, Any] = {"callback": split_at_commas}
"""Settings of an option that takes several values, with commas or one after the other."""
