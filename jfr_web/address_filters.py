"""A request's address, as a filter and as the equivalent `jf` command. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from controller.errors import ArgumentError
from controller.filter_texts import FLOW_KEYS, JOB_KEYS, LIST_FLAGS, flow_filter, job_filter
from controller.filter_texts import with_flags as with_list_flags
from controller.filters import FlowFilter, JobFilter

PAGE_SIZES = (25, 50, 100, 200, 500)


@dataclass(frozen=True)
class Ask:
    """The parts of a request that pages need.

    Attributes
    ----------
    path
        The path of the address.
    query
        (key, value) pairs of the address, without empty values.
    params
        Parameters in the path: ``{"job": "12"}``.
    session
        The session of the user.
    form
        (key, value) pairs of a form that was sent.
    """

    path: str
    query: tuple[tuple[str, str], ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    session: str = ""
    form: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, path: str, query: str, **more: Any) -> Ask:
        """Return the parts of a request that pages need."""
        return cls(path, tuple(parse_qsl(query, max_num_fields=1000)), **more)

    @property
    def text(self) -> str:
        """The query of the address."""
        return urlencode(self.query)

    def one(self, key: str) -> str | None:
        """Return the last value of a key, None if there is none."""
        return next((value for name, value in reversed(self.query) if name == key), None)

    def all(self, key: str) -> list[str]:
        """Return the values of a key; one value may hold several, separated by commas."""
        parts = [p.strip() for name, value in self.query if name == key for p in value.split(",")]
        return [part for part in parts if part]

    def flag(self, key: str) -> bool:
        """Whether a key is given, and not 0."""
        return self.one(key) not in (None, "0")

    def number(self, key: str, default: int, *, least: int = 0, most: int = 100_000) -> int:
        """Return a whole number.

        Raises
        ------
        ArgumentError
            The value is not a whole number, or is out of range.
        """
        text = self.one(key)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise ArgumentError(
                f"{key} cannot be {text!r}", hint=f"give a whole number from {least} to {most}"
            )
        return int(text)

    def url(self, path: str | None = None, **changes: Any) -> str:
        """Return this address with some keys changed; None removes a key.

        Parameters
        ----------
        path
            Another path; None for the same.
        changes
            A list gives a key several times.
        """
        kept = [(key, value) for key, value in self.query if key not in changes]
        for key, value in changes.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            kept += [(key, str(part)) for part in values if part is not None]
        return f"{path or self.path}?{urlencode(kept)}" if kept else path or self.path

    def filter_texts(self, keys: Mapping[str, bool]) -> dict[str, Any]:
        """Return the texts of a filter; ``keys`` as `controller.filter_texts.JOB_KEYS`."""
        found = {key: self.all(key) if many else self.one(key) for key, many in keys.items()}
        return {key: value for key, value in found.items() if value}

    def job_filter(self) -> JobFilter:
        """Return the filter of jobs in the address.

        Raises
        ------
        ArgumentError
            A value cannot be understood.
        """
        flags = {flag: self.flag(flag) for flag in LIST_FLAGS}
        return with_list_flags(job_filter(self.filter_texts(JOB_KEYS)), **flags)

    def flow_filter(self) -> FlowFilter:
        """Return the filter of flows in the address; errors as `job_filter`."""
        found = flow_filter(self.filter_texts(FLOW_KEYS))
        return replace(found, locked=self.flag("locked"))

    def command(self, *words: str, keys: Mapping[str, bool], more: Sequence[str] = ()) -> str:
        """Return the equivalent command.

        Parameters
        ----------
        words
            The words after ``jf``.
        keys
            The keys of the filter.
        more
            Further words.
        """
        line = ["jf", *words]
        for key, value in self.filter_texts(keys).items():
            text = ",".join(value) if isinstance(value, list) else value
            line += [f"--{key.replace('_', '-')}", text]
        line += [f"--{flag}" for flag in LIST_FLAGS if self.flag(flag)]
        return shlex.join([*line, *more])
