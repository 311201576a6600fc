"""Filters of a project that users saved under a name, for the command line and the web page.

They are beside the project file, in a file of the same name that ends in ``.filters``: YAML, so
that it can be edited by hand, and not a project file, so that jobflow-remote does not read it. A
filter contains strings as `controller.filter_texts` reads them: ``days: 7`` stays relative to the
day of use. ::

    job:
      broken: {state: [FAILED, REMOTE_ERROR], days: "7"}
    flow:
      copper: {name: "Cu *"}
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from controller import filter_texts
from controller.config.files import UnreadableFileError, read_text
from controller.config.suggestions import no_such
from controller.config.writing import write_file
from controller.config.yamltext import YAMLTextError, load_yaml
from controller.errors import ArgumentError, ConfigError, NotFoundError

Kind = Literal["job", "flow"]
KINDS: tuple[Kind, ...] = ("job", "flow")

Texts = dict[str, str | list[str]]
"""{flag without dashes in front, with ``_``: text, or texts of a flag that may be repeated}."""

LISTS = frozenset({"job_id", "db_id", "flow_id", "state", "worker", "cause"})
"""Keys with several values."""
KEYS: dict[Kind, frozenset[str]] = {
    "flow": LISTS - {"worker", "cause"}
    | {"start_date", "end_date", "name", "metadata", "days", "hours", "query"},
}
KEYS["job"] = KEYS["flow"] | {"worker", "cause", "error_match"}
"""Keys of a filter of each kind."""

MARK = "@"
"""Prefix of the name of a saved filter."""
_NAME = re.compile(r"\w[\w.+-]{0,63}")
_STARTS = ("start_date", "days", "hours")
"""Keys that cannot be combined."""


@dataclass(frozen=True)
class SavedFilter:
    """A saved filter.

    Attributes
    ----------
    kind
        Kind of what it selects.
    name
        Its name.
    texts
        Its conditions.
    """

    kind: Kind
    name: str
    texts: Texts

    @property
    def flags(self) -> str:
        """The options of `jf job list` or `jf flow list` that mean the same."""
        words: list[str] = []
        for key, value in self.texts.items():
            flag = f"--{key.replace('_', '-')}"
            for one in value if isinstance(value, list) else [value]:
                words += [flag, shlex.quote(one)]
        return " ".join(words)


def filters_path(project_file: Path) -> Path:
    """Return where the saved filters of a project are."""
    return project_file.with_suffix(".filters")


def saved_filters(project_file: Path, kind: Kind) -> dict[str, SavedFilter]:
    """Return the saved filters of a kind by name, in alphabetical order.

    Raises
    ------
    ConfigError
        The file cannot be read, or a filter in it cannot be used.
    """
    path = filters_path(project_file)
    entries = _read(path).get(kind) or {}
    if not isinstance(entries, Mapping):
        raise ConfigError(f"{path}: {kind} must contain names and filters")
    return {str(n): _checked(path, kind, str(n), entries[n]) for n in sorted(entries, key=str)}


def named_filter(project_file: Path, kind: Kind, name: str) -> SavedFilter:
    """Return a saved filter by its name, with or without `MARK`.

    Raises
    ------
    NotFoundError
        There is no such filter.
    ConfigError
        As for `saved_filters`.
    """
    known = saved_filters(project_file, kind)
    found = known.get(name.removeprefix(MARK))
    if found is None:
        hint = no_such(name.removeprefix(MARK), known)
        raise NotFoundError(
            f"there is no saved filter {MARK}{name.removeprefix(MARK)} of {kind}s",
            hint=hint if known else f"`jf {kind} filter save NAME ...` saves one",
        )
    return found


def combined(filters: Iterable[SavedFilter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the conditions of filters with those of a command line, which override them key by key.

    A beginning (``start_date``, ``days`` or ``hours``) replaces any other. Of several filters with
    the same key the last one counts.

    Parameters
    ----------
    given
        Conditions as `filter_texts.job_filter` takes them; None for a key that was not given.
    """
    texts: dict[str, Any] = {}
    for more in (*(saved.texts for saved in filters), given):
        set_here = {key: value for key, value in more.items() if value is not None}
        if any(key in set_here for key in _STARTS):
            texts = {key: value for key, value in texts.items() if key not in _STARTS}
        texts |= set_here
    return texts


def save_filter(
    project_file: Path,
    kind: Kind,
    name: str,
    texts: Mapping[str, Any],
    *,
    replace: bool = False,
    dry_run: bool = False,
) -> SavedFilter:
    """Save a filter, and return it.

    Parameters
    ----------
    texts
        As for `combined`.
    replace
        Replace a filter of this name.

    Raises
    ------
    ArgumentError
        The name or the filter cannot be used, or the name is taken.
    ConfigError
        The file cannot be read or written.
    """
    name = name.removeprefix(MARK)
    if not _NAME.fullmatch(name):
        raise ArgumentError(
            f"{name!r} cannot be the name of a filter",
            hint="use up to 64 letters, digits, and . + - _",
        )
    path = filters_path(project_file)
    kept = {key: value for key, value in texts.items() if value not in (None, [], ())}
    if not kept:
        raise ArgumentError("a filter needs a condition", hint="for example --state FAILED")
    with _only_writer(path):
        content = _read(path)
        entries = dict(content.get(kind) or {})
        if name in entries and not replace:
            raise ArgumentError(
                f"there is a saved filter {MARK}{name} already", hint="use --replace to replace it"
            )
        found = _checked(path, kind, name, kept)
        if not dry_run:
            write_file(path, {**content, kind: {**entries, name: found.texts}})
    return found


def delete_filters(
    project_file: Path, kind: Kind, names: Iterable[str], *, dry_run: bool = False
) -> list[SavedFilter]:
    """Delete saved filters, all of them or none, and return them; errors as `named_filter`."""
    path = filters_path(project_file)
    with _only_writer(path):
        gone = [
            named_filter(project_file, kind, name)
            for name in dict.fromkeys(n.removeprefix(MARK) for n in names)
        ]
        content = _read(path)
        deleted = {saved.name for saved in gone}
        kept = {key: value for key, value in content[kind].items() if str(key) not in deleted}
        if not dry_run:
            write_file(path, {**content, kind: kept})
    return gone


@contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Allow one process at a time to read and rewrite the file; the others wait.

    The folder is locked, not the file, which is replaced by each write. Where folders cannot be
    locked (some network file systems), the last one to write wins, as with any editor.
    """
    try:
        descriptor = os.open(path.resolve().parent, os.O_RDONLY)
    except OSError:  # what reads or writes the file says what is wrong
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def filter_names(project_file: Path, kind: Kind) -> list[str]:
    """Return the names of saved filters, unchecked, for completion; none after an error."""
    try:
        entries = _read(filters_path(project_file)).get(kind)
    except ConfigError:
        return []
    return sorted(map(str, entries)) if isinstance(entries, Mapping) else []


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = load_yaml(read_text(path))
    except YAMLTextError as error:
        raise UnreadableFileError(path, error.message, error.line) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must contain the keys {' and '.join(KINDS)}")
    return content


def _checked(path: Path, kind: Kind, name: str, texts: Any) -> SavedFilter:
    """Return a filter after checking its conditions."""
    if not isinstance(texts, Mapping):
        raise ConfigError(f"{path}: the filter {name} must contain keys and values")
    if unknown := sorted(set(map(str, texts)) - KEYS[kind]):
        raise ConfigError(
            f"{path}: the filter {name} has the key {unknown[0]!r}",
            hint=no_such(unknown[0], KEYS[kind]),
        )
    found = {str(key): _text(str(key), value) for key, value in texts.items()}
    reads = filter_texts.job_filter if kind == "job" else filter_texts.flow_filter
    try:
        reads(found)
    except ArgumentError as error:
        raise ArgumentError(f"filter {name}: {error.message}", hint=error.hint) from error
    return SavedFilter(kind, name, found)


def _text(key: str, value: Any) -> str | list[str]:
    """Return a value as a command line would give it, whatever type YAML has read."""
    if key in LISTS:
        values = value if isinstance(value, (list, tuple)) else str(value).split(",")
        return [str(one).strip() for one in values]
    if isinstance(value, Mapping):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, date) else str(value)
