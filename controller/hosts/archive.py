"""Archives of many files as one stream, without holding any file in memory."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from controller.errors import RemoteError

CHUNK = 256 * 1024

Content = bytes | Path
"""Content of a file: bytes, or a file on this machine."""


def size_of(content: Content) -> int:
    """Return the number of bytes."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def stream_archive(
    members: Sequence[tuple[str, Content, int]],
) -> Iterator[bytes]:
    """Yield an archive that any ``tar`` can read.

    Parameters
    ----------
    members
        (short plain name, content, size) of each file.

    Raises
    ------
    RemoteError
        A file on this machine became shorter meanwhile.
    """
    for name, content, size in members:
        entry = tarfile.TarInfo(name)
        entry.size = size
        entry.mode = 0o644
        if isinstance(content, Path):
            entry.mode = content.stat().st_mode & 0o777
        yield entry.tobuf(tarfile.USTAR_FORMAT if size < 8 << 30 else tarfile.GNU_FORMAT)
        yield from read_chunks(content, 0, size)
        yield b"\0" * (-size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def read_chunks(content: Content, offset: int, size: int) -> Iterator[bytes]:
    """Yield a content from an offset up to a size."""
    if isinstance(content, bytes):
        for start in range(offset, size, CHUNK):
            yield content[start : min(start + CHUNK, size)]
        return
    with content.open("rb") as file:
        file.seek(offset)
        left = size - offset
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise RemoteError(f"{content} became shorter while it was being sent")
            left -= len(chunk)
            yield chunk
