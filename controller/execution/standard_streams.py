"""The standard streams of a warm process while it runs a job."""

from __future__ import annotations

import ctypes
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_LIBC = ctypes.CDLL(None)
_ENCODING = getattr(sys.stdout, "encoding", None) or "utf-8"
_ERRORS = getattr(sys.stdout, "errors", None) or "strict"
"""As this interpreter has set them up for a stream that is not a terminal."""


@contextmanager
def standard_streams(out: str, err: str) -> Iterator[None]:
    """Redirect standard output and error to files of these names; make standard input empty.

    The streams are like those of a fresh interpreter. At the end everything is flushed, including
    the buffers of C libraries, and all three lead nowhere, whatever the job has done to them.
    """
    _lead(0, os.devnull, os.O_RDONLY)
    _lead(1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _lead(2, err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    streams = sys.stdin, sys.stdout, sys.stderr = _text_streams()
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
    try:
        yield
    finally:
        for stream in {id(s): s for s in (*streams[1:], sys.stdout, sys.stderr)}.values():
            with suppress(Exception):
                stream.flush()
        _LIBC.fflush(None)
        for number in (0, 1, 2):
            _lead(number, os.devnull, os.O_RDWR)
        sys.stdin, sys.stdout, sys.stderr = _text_streams()


def _lead(number: int, name: str, flags: int) -> None:
    """Make a file descriptor lead to a file, whether it is open or not."""
    opened = os.open(name, flags, 0o666)
    if opened == number:
        os.set_inheritable(number, True)
        return
    os.dup2(opened, number)
    os.close(opened)


def _text_streams() -> tuple[io.TextIOWrapper, io.TextIOWrapper, io.TextIOWrapper]:
    coded: dict[str, Any] = {"encoding": _ENCODING, "closefd": False}
    return (
        open(0, errors=_ERRORS, **coded),
        open(1, "w", errors=_ERRORS, **coded),
        open(2, "w", errors="backslashreplace", buffering=1, **coded),
    )
