"""Reading YAML quickly, by the rules of YAML 1.2, with the line of each key.

PyYAML's C parser is ten times as fast as the pure ruamel.yaml, but resolves plain scalars by the
rules of YAML 1.1: ``time: 01:00:00`` would be 3600 and ``no`` false. Project files were always
read by the rules of YAML 1.2, so the parser gets these rules. Where PyYAML's C part is missing,
ruamel.yaml reads the same values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

KeyPath = tuple[str, ...]
"""Path from the top of a document to a value: keys and list positions, all as strings."""

_TAG = "tag:yaml.org,2002:"
_RULES: tuple[tuple[str, str, str], ...] = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (
        "float",
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    (
        "int",
        r"[-+]?0b[01_]+|[-+]?0o[0-7_]+|[-+]?[0-9][0-9_]*|[-+]?0x[0-9a-fA-F_]+",
        "-+0123456789",
    ),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    (
        "timestamp",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
        r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?",
        "0123456789",
    ),
)


class YAMLTextError(ValueError):
    """Text that is not valid YAML.

    Attributes
    ----------
    line
        Line number, counted from 1; None if the parser does not report it.
    """

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.message, self.line = message, line


class Engine(NamedTuple):
    """A parser of YAML."""

    load: Callable[[str], Any]
    compose: Callable[[str], Any]
    errors: tuple[type[Exception], ...]


def load_yaml(text: str) -> Any:
    """Return the value of a YAML document; None when it is empty.

    Raises
    ------
    YAMLTextError
        The text is not YAML, has more than one document, or a key is given twice.
    """
    engine = _engine()
    try:
        return engine.load(text)
    except engine.errors as error:
        raise _located(error, text) from None


def yaml_lines(text: str) -> dict[KeyPath, int]:
    """Find the line of every key and list item of a YAML or JSON document, counted from 1.

    Returns an empty dictionary for a document that cannot be parsed.
    """
    engine = _engine()
    try:
        root = engine.compose(text)
    except engine.errors:
        return {}
    found: dict[KeyPath, int] = {}
    _collect_lines(root, (), found)
    return found


def _collect_lines(node: Any, path: KeyPath, found: dict[KeyPath, int]) -> None:
    kind = getattr(node, "id", None)
    if kind == "mapping":
        for key, value in node.value:
            here = (*path, str(key.value))
            found[here] = key.start_mark.line + 1
            _collect_lines(value, here, found)
    elif kind == "sequence":
        for position, value in enumerate(node.value):
            here = (*path, str(position))
            found[here] = value.start_mark.line + 1
            _collect_lines(value, here, found)


def _located(error: Exception, text: str) -> YAMLTextError:
    """Convert a parser's error; its line number may be beyond the last line."""
    mark, begin = (getattr(error, f"{name}_mark", None) for name in ("problem", "context"))
    told = [getattr(error, name, None) for name in ("context", "problem")]
    words = ", ".join(part for part in told if part) or str(error)
    if mark is None:
        return YAMLTextError(" ".join(words.split()), None)
    line = min(mark.line + 1, len(text.splitlines()) or 1)
    if begin is not None and begin.line + 1 < line:
        words += f"; it begins in line {begin.line + 1}"
    return YAMLTextError(" ".join(words.split()), line)


@cache
def _engine() -> Engine:
    try:
        return compiled_engine()
    except ImportError:
        return pure_engine()


def pure_engine() -> Engine:
    """Return ruamel.yaml's own parser."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    def parser() -> Any:
        return YAML(typ="safe", pure=True)

    return Engine(
        lambda text: parser().load(text),
        lambda text: parser().compose(text),
        (YAMLError, ValueError),
    )


def compiled_engine() -> Engine:
    """Return PyYAML's compiled safe parser, with the rules of YAML 1.2.

    Raises
    ------
    ImportError
        PyYAML is not installed, or lacks its compiled part.
    """
    import yaml
    from yaml import CSafeLoader
    from yaml.constructor import ConstructorError

    class Loader(CSafeLoader):  # type: ignore[misc]  # PyYAML is untyped
        yaml_implicit_resolvers: dict[str, Any] = {}

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                if key.id != "scalar" or key.tag == f"{_TAG}merge":
                    continue
                if key.value in seen:
                    raise ConstructorError(
                        None, None, f"the key {key.value} is given twice", key.start_mark
                    )
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    for name, pattern, first in _RULES:
        characters = [c if c != "\0" else "" for c in first]
        Loader.add_implicit_resolver(_TAG + name, re.compile(f"^(?:{pattern})$"), characters)
    Loader.add_constructor(f"{_TAG}int", lambda loader, node: _integer(node.value))
    Loader.add_constructor(f"{_TAG}float", lambda loader, node: _number(node.value))
    return Engine(
        lambda text: yaml.load(text, Loader=Loader),  # noqa: S506 (derived from the safe one)
        lambda text: yaml.compose(text, Loader=Loader),
        (yaml.YAMLError, ValueError),
    )


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2], 10)
    return sign * int(digits[2:] if base != 10 else digits, base)


def _number(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
