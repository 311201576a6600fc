"""Checks of regular expressions written by users."""

from __future__ import annotations

import re

LONGEST_REGEX = 200
_NESTED_REPEAT = re.compile(r"[*+}][^()]*\)+[*+{]")
"""A repeat within a repeat: matching it can take exponential time."""


def regex_problem(text: str) -> tuple[str, str] | None:
    """Return why a regular expression cannot be used, and what to do; None if it can."""
    try:
        re.compile(text)
    except re.error as error:
        return (
            f"{text!r} is not a valid regular expression: {error}",
            r"put a backslash before a special character to match it literally, as in \(",
        )
    if len(text) > LONGEST_REGEX or _NESTED_REPEAT.search(text):
        return (
            "the regular expression is too long or nests repeats, and could take forever",
            f"use at most {LONGEST_REGEX} characters, and no nested repeats such as (a+)+",
        )
    return None
