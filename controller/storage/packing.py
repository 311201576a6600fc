"""Compact documents: BSON, compressed with a dictionary of what jobs and flows have in common.

The first byte identifies the format. Packed data must stay readable for ever: a format, with its
`_SHARED` text, never changes; another one gets another number.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import bson

from controller.errors import StorageFormatError

_WAY = b"\x01"
_LEVEL = 6
_NONE = None
_SHARED: dict[str, Any] = {
    "flow": {
        "jobs": ["", ""],
        "name": "Flow",
        "lock_id": _NONE,
        "lock_time": _NONE,
        "lock_lease": _NONE,
        "created_on": _NONE,
        "updated_on": _NONE,
        "metadata": {},
        "parents": {"": {"1": [""]}},
        "ids": [["", "", 1]],
        "jobstore": _NONE,
    },
    "_id": _NONE,
    "job": {
        "@module": "jobflow.core.job",
        "@class": "Job",
        "@version": "0.4.0",
        "function": {"@module": "", "@callable": "", "@bound": _NONE},
        "function_args": [],
        "function_kwargs": {},
        "output_schema": _NONE,
        "uuid": "00000000-0000-4000-8000-000000000000",
        "index": 1,
        "name": "",
        "metadata": {},
        "config": {
            "@module": "jobflow.core.job",
            "@class": "JobConfig",
            "@version": "0.4.0",
            "resolve_references": True,
            "on_missing_references": "error",
            "manager_config": {},
            "expose_store": False,
            "pass_manager_config": True,
            "response_manager_config": {},
        },
        "hosts": ["00000000-0000-4000-8000-000000000000"],
        "metadata_updates": [],
        "config_updates": [],
        "name_updates": [],
    },
    "uuid": "00000000-0000-4000-8000-000000000000",
    "index": 1,
    "db_id": "1",
    "worker": "local",
    "state": "COMPLETED",
    "remote": {
        "step_attempts": 0,
        "queue_state": _NONE,
        "queue_reason": _NONE,
        "process_id": "1",
        "retry_time_limit": _NONE,
        "error": _NONE,
        "prerun_cleanup": False,
        "queue_out": _NONE,
        "queue_err": _NONE,
        "submission_token": "",
        "process": {"host": "", "pid": 1, "start_time": "", "boot_id": "", "pid_namespace": ""},
        "scheduler": "shell",
    },
    "parents": [],
    "previous_state": _NONE,
    "error": _NONE,
    "error_cause": _NONE,
    "lock_id": _NONE,
    "lock_time": _NONE,
    "lock_lease": _NONE,
    "run_dir": "/",
    "start_time": _NONE,
    "end_time": _NONE,
    "created_on": _NONE,
    "updated_on": _NONE,
    "priority": 0,
    "exec_config": _NONE,
    "resources": _NONE,
    "stored_data": _NONE,
}


@cache
def _dictionary() -> bytes:
    return bson.encode(_SHARED)


class Packer:
    """Compresses documents one after the other.

    Attributes
    ----------
    size
        Bytes of the documents so far, not compressed.
    number
        Number of documents.
    """

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL, zdict=_dictionary())
        self._pieces = [_WAY]
        self.size = self.number = 0

    def add(self, document: dict[str, Any]) -> None:
        """Add a document."""
        raw = bson.encode(document)
        self._pieces.append(self._compressor.compress(raw))
        self.size, self.number = self.size + len(raw), self.number + 1

    def finish(self) -> bytes:
        """Return the whole; nothing can be added afterwards."""
        return b"".join([*self._pieces, self._compressor.flush()])


def pack(documents: Iterable[dict[str, Any]]) -> bytes:
    """Return documents as bytes, from which `unpack` restores them exactly."""
    packer = Packer()
    for document in documents:
        packer.add(document)
    return packer.finish()


def unpack(packed: bytes) -> Iterator[dict[str, Any]]:
    """Yield the documents that were packed, in their order.

    Raises
    ------
    StorageFormatError
        The bytes are damaged, or a newer version wrote them.
    """
    if packed[:1] != _WAY:
        raise StorageFormatError(
            "packed documents were written by a newer version of jfr, or are damaged",
            hint="update jfr, or restore a backup",
        )
    try:
        raw = zlib.decompressobj(zdict=_dictionary()).decompress(bytes(packed[1:]))
    except zlib.error as error:
        raise StorageFormatError(
            f"packed documents are damaged: {error}", hint="restore a backup"
        ) from None
    at = 0
    while at < len(raw):
        (size,) = struct.unpack_from("<i", raw, at)
        yield bson.decode(raw[at : at + size])
        at += size
