r"""Regular expressions as patterns of SQLite's ``GLOB``, which needs no call of Python per value.

Understood are the expressions that `controller.globs` makes, and those that begin with ``^`` and
plain text: names of jobs, abbreviated ids.
"""

from __future__ import annotations

import re

_LONGEST = 10_000
_END = r"(?![\s\S])"
_ANY = r"[\s\S]"
_TOKEN = re.compile(r"\\(?P<escaped>\W)|(?P<plain>[^\\^$.|?*+()\[\]{}])", re.DOTALL)
_CLASS = re.compile(r"\[(?P<not>\^?)(?P<body>(?:\\\W|[^\\\]\[^])+)\]", re.DOTALL)


def glob_of(source: str) -> tuple[str, str] | None:
    """Return the pattern that matches the same texts, and the text that it begins with.

    None if there is none. Texts with NUL characters are not compared rightly by ``GLOB``.

    Parameters
    ----------
    source
        An expression without options.
    """
    if not source.startswith("^") or "\0" in source or len(source) > _LONGEST:
        return None
    rest, glob, start, is_fixed = source[1:], "", "", True
    while rest and rest != _END:
        if rest.startswith(_ANY):
            many = rest.startswith(f"{_ANY}*")
            glob, is_fixed = glob + ("*" if many else "?"), False
            rest = rest[len(_ANY) + many :]
        elif (found := _CLASS.match(rest)) is not None:
            members = _members(found["body"])
            if members is None:
                return None
            glob, is_fixed = f"{glob}[{'^' if found['not'] else ''}{members}]", False
            rest = rest[found.end() :]
        elif (found := _TOKEN.match(rest)) is not None:
            char = found["escaped"] or found["plain"]
            glob += f"[{char}]" if char in "*?[" else char
            start += char if is_fixed else ""
            rest = rest[found.end() :]
        else:
            return None
        if rest[:1] in ("*", "+", "?", "{"):
            return None
    return (glob if rest == _END else f"{glob}*"), start


def _members(body: str) -> str | None:
    """The inside of a class, whose ranges are written alike; None if that is not sure."""
    out, i, special = "", 0, False
    while i < len(body):
        escaped = body[i] == "\\"
        char = body[i + escaped]
        if char == "]" or (escaped and char in "^-"):
            special = True
        out += char
        i += 1 + escaped
    return None if special else out


def after(start: str) -> str | None:
    """Return the first text that does not begin with ``start`` and orders after all that do."""
    code = ord(start[-1]) + 1
    if code > 0x10FFFF:
        return None
    return start[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)
