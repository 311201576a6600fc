"""Hints for names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is probably meant by ``name``, if any."""
    lowered = {k.lower().replace("-", "_"): k for k in known}
    found = difflib.get_close_matches(name.lower().replace("-", "_"), lowered, n=1, cutoff=0.66)
    return lowered[found[0]] if found else None


def no_such(name: str, known: Iterable[str]) -> str:
    """Return a hint: the most similar known name, else all known names."""
    names = sorted(known)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"known: {', '.join(names) or 'none'}"
