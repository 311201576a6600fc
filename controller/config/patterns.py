"""Regular expressions that users write: whether they can be used."""

from __future__ import annotations

import re

LONGEST_REGEX = 200
_NESTED_REPEAT = re.compile(r"[*+}][^()]*\)+[*+{]")
"""A repeat within a repeat: matching it can take exponential time."""


def regex_problem(text: str) -> tuple[str, str] | None:
    """Return why a regular expression cannot be used, and what to do; None where it can."""
    try:
        re.compile(text)
    except re.error as error:
        return (
            f"{text!r} is no regular expression: {error}",
            r"a character that means itself has a backslash before it, such as \(",
        )
    if len(text) > LONGEST_REGEX or _NESTED_REPEAT.search(text):
        return (
            "the regular expression is too long or repeats a repeat, and could take forever",
            f"at most {LONGEST_REGEX} characters, and nothing like (a+)+",
        )
    return None
