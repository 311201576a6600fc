"""Patterns of `fnmatch` as regular expressions that databases and `re` read alike."""

from __future__ import annotations

import re


def glob_to_regex(pattern: str) -> str:
    r"""Translate a pattern of `fnmatch` into a regular expression for the whole text.

    The result stays within what PCRE (MongoDB) and `re` read alike; ``fnmatch.translate`` ends
    in ``\Z``, which they do not.
    """
    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        i += 1
        if char == "*":
            out.append(r"[\s\S]*")
        elif char == "?":
            out.append(r"[\s\S]")
        elif char == "[" and (end := _class_end(pattern, i)) > 0:
            out.append(_char_class(pattern[i:end]))
            i = end + 1
        else:
            out.append(re.escape(char))
    return f"^{''.join(out)}(?![\\s\\S])"


def _class_end(pattern: str, start: int) -> int:
    """Position of the ] that closes a class opened before ``start``, or -1."""
    first = start + 1 if pattern[start : start + 1] == "!" else start
    return pattern.find("]", first + 1)  # a ] right at the beginning is a member


def _char_class(body: str) -> str:
    """Translate the inside of [...]; a reversed range matches nothing, as in `fnmatch`."""
    negated = body[:1] == "!"
    members, i, out = (body[1:] if negated else body), 0, ""
    while i < len(members):
        low, high = members[i], members[i + 2 : i + 3]
        if high and members[i + 1] == "-":
            if low <= high:
                out += f"{_literal(low)}-{_literal(high)}"
            i += 3
        else:
            out += _literal(low)
            i += 1
    if not out:
        return r"[\s\S]" if negated else r"(?!)"
    return f"[{'^' if negated else ''}{out}]"


def _literal(char: str) -> str:
    """A character as a member of a class; of two & or | together, `re` warns."""
    return f"\\{char}" if char in "\\[]^-&|~" else char
