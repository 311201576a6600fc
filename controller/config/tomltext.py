"""Writing TOML, which the standard library can only read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from controller.config.yamltext import KeyPath

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"\s*\[(?!\[)(?P<name>.+?)\]\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"\s*(?P<name>[^=#\[{]+?)\s*=")
_PART = re.compile(r"""\s*(?:"(?P<a>[^"]*)"|'(?P<b>[^']*)'|(?P<c>[A-Za-z0-9_-]+))\s*\.?""")


def dump_toml(data: Mapping[str, Any]) -> str:
    """Write a mapping as TOML; keys whose value is None are left out, as TOML has no null."""
    return "\n".join(_table(data, ())).lstrip("\n") + "\n"


def toml_lines(text: str) -> dict[KeyPath, int]:
    """Find the lines of the tables and keys of a TOML document, counted from 1.

    Keys within inline tables and multi-line values are not found.
    """
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _key_parts(header["name"])
            found.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            found.setdefault((*table, *_key_parts(assignment["name"])), number)
    return found


def _key_parts(text: str) -> KeyPath:
    return tuple(m["a"] or m["b"] or m["c"] or "" for m in _PART.finditer(text))


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    tables = {k: v for k, v in data.items() if isinstance(v, Mapping)}
    plain = {k: v for k, v in data.items() if k not in tables and v is not None}
    if path and (plain or not tables):
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from _table(value, (*path, str(key)))


def _key(key: Any) -> str:
    return str(key) if _BARE_KEY.fullmatch(str(key)) else _string(str(key))


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return "{ " + inner + " }" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value if v is not None) + "]"
    return _string(str(value))
