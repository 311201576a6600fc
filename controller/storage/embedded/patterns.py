r"""Regular expressions as in MongoDB: PCRE, in which ``\d`` and ``\w`` only match ASCII."""

from __future__ import annotations

import re
from typing import Any

from bson import Regex

from controller.errors import FilterError, UnsupportedOperationError

_OPTIONS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_KNOWN_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE
_ESCAPE_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_POSIX_CLASS = re.compile(r"\[[^\]]*\[[:.=]")
_OF_ASCII = re.compile(r"\\[dDwWsSbB]")


def compile_pattern(source: Any, options: str = "") -> re.Pattern[str]:
    """Compile a regular expression.

    Parameters
    ----------
    source
        Text, or a ``bson.Regex`` with its own flags.
    options
        Letters of "imsx".

    Raises
    ------
    FilterError
        It is not a regular expression.
    UnsupportedOperationError
        It has a different meaning in Python.
    """
    flags = 0
    for option in options:
        flags |= int(_OPTIONS[option])
    if type(source) is Regex:
        flags |= source.flags & ~int(re.UNICODE)
        source = source.pattern
    if type(source) is not str:
        raise FilterError(f"not a regular expression: {source!r}")
    if flags & ~int(_KNOWN_FLAGS):
        raise UnsupportedOperationError(f"the flags of the regular expression {source!r}")
    if _POSIX_CLASS.search(source):
        raise UnsupportedOperationError(f"a class as [[:alpha:]] in {source!r}")
    try:
        return re.compile(_in_ascii(source) if flags & re.IGNORECASE else source, _kind(flags))
    except (re.error, OverflowError, RecursionError) as error:
        raise FilterError(f"not a regular expression: {source!r} ({error})") from None


def _kind(flags: int) -> int:
    """Restrict classes to ASCII; case folding, if requested, covers all letters."""
    return flags if flags & re.IGNORECASE else flags | int(re.ASCII)


def _in_ascii(source: str) -> str:
    def confined(match: re.Match[str]) -> str:
        found = match.group()
        return f"(?a:{found})" if _OF_ASCII.search(found) else found

    return _ESCAPE_OR_CLASS.sub(confined, source)
