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
"""Minimum size in bytes of a file that is transferred alone."""
_SMALL = 1 << 20
"""Maximum size in bytes of a file that is sent along with the answer whether it exists."""
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
        Size of the file on the host, and its ``ls`` line.
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
    arriving, arrived, there = [], [], set[Path]()
    for source, line in _first_look(host, files).items():
        if line in ("-", "l"):
            continue
        if line == "d":
            raise RemoteError(f"Is a directory: {source} on {host.name}")
        there.add(source)
        if line.startswith("s "):
            arrived.append(int(line[2:]))
            continue
        size, target = _size(line), files[source]
        assert size is not None
        make_private_folder(target.parent)
        arriving.append(_Arriving(source, target, _part(target, f"{source} {line}"), size, line))
    meter = _Meter(sum(one.size for one in arriving) + sum(arrived), progress)
    meter.add(sum(arrived))
    for some in scripts.in_commands([str(one.source) for one in arriving]):
        batch = [one for one in arriving if str(one.source) in set(some)]
        host.again(lambda batch=batch: _receive(host, batch, meter))  # type: ignore[misc]
    return [source for source in files if source in there]


def _first_look(host: ShellHost, files: Mapping[Path, Path]) -> dict[Path, str]:
    """Look at files and receive the small ones, of many folders in one command.

    Returns
    -------
    dict
        {file there: what `scripts.first_look_lines` says of it}; one that is small is in its place.
    """
    folders: dict[Path, list[Path]] = {}
    for source in files:
        folders.setdefault(source.parent, []).append(source)
    token, ordered, entries = new_token(), list[Path](), []
    for folder, sources in folders.items():
        entries.append((len(ordered), folder, [source.name for source in sources]))
        ordered += sources
    if not ordered:
        return {}
    define, *lines = scripts.first_look_lines(token, entries, _SMALL)
    said: dict[Path, str] = {}
    start = 0
    for some in scripts.in_commands(lines):
        end = start + len(some)
        asked = [source for _, folder, _ in entries[start:end] for source in folders[folder]]
        first, start = entries[start][0], end
        body = "\n".join([define, *some, "jfr_rc=0"])
        said.update(host.again(lambda b=body, f=first, a=asked: _see(host, token, b, f, a, files)))  # type: ignore[misc]
    return said


def _see(
    host: ShellHost,
    token: str,
    body: str,
    first: int,
    sources: Sequence[Path],
    files: Mapping[Path, Path],
) -> dict[Path, str]:
    """Run one command of `_first_look`; the files have numbers from ``first`` on."""
    arriving: dict[int, _Counting] = {}
    parts = {n: _part(files[source], token) for n, source in enumerate(sources, first)}

    def open_file(number: int) -> Sink:
        make_private_folder(parts[number].parent)
        parts[number].unlink(missing_ok=True)
        arriving[number] = _Counting(parts[number], lambda size: None)
        return arriving[number]

    try:
        heard = host.converse(
            body, clock=Clock(host.timeout, idle=True), token=token, open_file=open_file
        )
    finally:
        for file in arriving.values():
            file.close()
    lines = bytes(heard.stdout).decode(errors="replace").splitlines()
    lines = [line for line in lines if line]
    if len(lines) != len(sources):
        raise RemoteError(f"{host.name} did not report all files: {lines[-1:]}")
    for number, (source, line) in enumerate(zip(sources, lines), first):
        if line.startswith("s "):
            host.came_whole(source, heard.files.get(number))
            if parts[number].stat().st_size != int(line[2:]):
                parts[number].unlink()
                raise RemoteError(f"{source} on {host.name} changed while it was read")
            parts[number].replace(files[source])
    return dict(zip(sources, lines))


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
