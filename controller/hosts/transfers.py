"""Copies of files between machines: many small ones together, large ones resumable.

The part of a file that has arrived is stored next to its target, under a name that identifies the
state of the source. An interrupted transfer continues after it; when the size is right, the file
gets its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from controller.errors import RemoteError
from controller.hosts import scripts
from controller.hosts.archive import read_chunks
from controller.hosts.base import Progress
from controller.hosts.conversation import Sink, new_token
from controller.hosts.link import Clock
from controller.paths import make_private_folder, open_private

if TYPE_CHECKING:
    from controller.hosts.shell import ShellHost

_LARGE = 8 << 20
"""Size in bytes from which a file is sent alone."""
_AT_ONCE = 64 << 20
"""Maximum size of small files in one archive, in bytes."""


class _Meter:
    """Adds up the bytes transferred, and reports them."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def add(self, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


def send_files(host: ShellHost, files: Mapping[Path, Path], progress: Progress | None) -> None:
    """Copy files to a host; see `Host.send`."""
    sizes = {source: source.stat().st_size for source in files}
    meter = _Meter(sum(sizes.values()), progress)
    some: dict[Path, Path] = {}
    for source, size in sizes.items():
        if size >= _LARGE:
            continue
        if some and sum(sizes[s] for s in some) + size > _AT_ONCE:
            _send_small(host, some, sizes, meter)
            some = {}
        some[source] = files[source]
    if some:
        _send_small(host, some, sizes, meter)
    large = [source for source, size in sizes.items() if size >= _LARGE]
    if large:
        host.mkdir(*dict.fromkeys(files[source].parent for source in large))
    for source in large:
        _send_large(host, source, files[source], sizes[source], meter)


def _send_small(
    host: ShellHost, files: Mapping[Path, Path], sizes: Mapping[Path, int], meter: _Meter
) -> None:
    host.write_files({target: source for source, target in files.items()})
    meter.add(sum(sizes[source] for source in files))


def _send_large(host: ShellHost, source: Path, target: Path, size: int, meter: _Meter) -> None:
    """Send one file, continuing after the part that has arrived."""
    stat = source.stat()
    part = _part(target, f"{source} {stat.st_size} {stat.st_mtime_ns}")

    def attempt() -> None:
        there = _size(host.lookup([part])[0]) or 0
        if there > size:
            host.remove(part)
            there = 0
        lines = scripts.append_lines(PurePosixPath(part), PurePosixPath(target), size)
        host.do_once(lines, read_chunks(source, there, size))

    host.again(attempt)
    meter.add(size)


class _Counting:
    """A file that reports how much is written to it."""

    def __init__(self, path: Path, count: Callable[[int], None]) -> None:
        self._file, self._count = open_private(path, "ab"), count

    def write(self, data: bytes) -> int:
        self._count(len(data))
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()


@dataclass
class _Arriving:
    """A file being fetched.

    Attributes
    ----------
    source, target, part
        Path on the host, local path, and the part that has arrived.
    size, seen
        Of the file on the host, and its ``ls`` line.
    """

    source: Path
    target: Path
    part: Path
    size: int
    seen: str
    file: _Counting | None = None

    @property
    def offset(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


def fetch_files(
    host: ShellHost, files: Mapping[Path, Path], progress: Progress | None
) -> list[Path]:
    """Copy files from a host; see `Host.fetch`."""
    arriving = []
    sources = list(files)
    for source, line in zip(sources, host.lookup(sources) if sources else []):
        if line in ("-", "l"):
            continue
        size = _size(line)
        if size is None:
            raise RemoteError(f"Is a directory: {source} on {host.name}")
        target = files[source]
        make_private_folder(target.parent)
        arriving.append(_Arriving(source, target, _part(target, f"{source} {line}"), size, line))
    meter = _Meter(sum(one.size for one in arriving), progress)
    for some in scripts.in_commands([str(one.source) for one in arriving]):
        batch = [one for one in arriving if str(one.source) in set(some)]
        host.again(lambda batch=batch: _receive(host, batch, meter))  # type: ignore[misc]
    return [one.source for one in arriving]


def _receive(host: ShellHost, batch: Sequence[_Arriving], meter: _Meter) -> None:
    """Receive files, continuing after the parts that have arrived; rename them when complete."""
    offsets = {one.source: one.offset for one in batch}
    for one in batch:
        if offsets[one.source] > one.size:
            one.part.unlink()
            offsets[one.source] = 0
        meter.add(offsets[one.source])

    def open_file(number: int) -> Sink:
        one = batch[number]
        one.file = _Counting(one.part, meter.add)
        return one.file

    try:
        token = new_token()
        lines = scripts.read_lines(token, [one.source for one in batch], offsets)
        again = scripts.lookup_lines(one.source for one in batch)
        heard = host.converse(
            f"{lines}\n{scripts.plain_lines(again)}",
            clock=Clock(host.timeout, idle=True),
            token=token,
            open_file=open_file,
        )
    finally:
        for one in batch:
            if one.file is not None:
                one.file.close()
    seen = bytes(heard.stdout).decode(errors="replace").splitlines()
    for number, one in enumerate(batch):
        _finish(host, one, heard.files.get(number), seen[number])


def _finish(host: ShellHost, one: _Arriving, status: str | None, seen: str) -> None:
    if not host.came_whole(one.source, status):
        raise FileNotFoundError(2, "No such file or directory", str(one.source))
    if seen != one.seen or one.offset != one.size:
        one.part.unlink(missing_ok=True)
        raise RemoteError(f"{one.source} on {host.name} changed while it was being read")
    one.part.replace(one.target)


def _part(target: Path, state: str) -> Path:
    """Return the path of a partial file, which depends on the state of its source."""
    sign = hashlib.sha256(state.encode(errors="surrogateescape")).hexdigest()[:12]
    return target.with_name(f".{target.name}.{sign}.part")


def _size(line: str) -> int | None:
    """Return the size in a line of `ShellHost.lookup`; None if it is not a file."""
    words = line.split()
    return int(words[6]) if words[0] == "f" else 0 if words[0] == "-" else None
