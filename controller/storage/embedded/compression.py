"""Stored values, compressed: what documents have in common is in a dictionary of ours.

The hot part of a finished job is a kilobyte of names of fields and of nulls, and a hundred bytes
that no other job has. zlib compresses it to these with a dictionary that holds the rest, in the
time that it takes to decode it once; unpacking takes a tenth of that. Dictionaries are made of
sample documents, not of those of a user: what was deleted leaves nothing behind.

A compressed value begins with the number of its dictionary, a mark and a checksum. BSON begins
with its length, whose last byte is never the mark: what files of earlier formats hold is read as
it is.
"""

from __future__ import annotations

import struct
import zlib
from datetime import datetime
from typing import Any

import bson
from bson.errors import InvalidBSON

SMALLEST, LARGEST = 400, 1 << 20
"""Bytes of a value that is compressed. Larger ones would hold up others; of events, which are
smaller, many are read at once."""
_WORTHWHILE = 0.8
"""Of the size, that may be left."""
MARK = 0xFF
"""The fourth byte of a compressed value."""
_HEADER = bytes([1, 0, 0, MARK])
_CHECKSUM = struct.Struct("<I")
_START = len(_HEADER) + _CHECKSUM.size
_LEVEL = 1
_SMALL_WINDOW, _WINDOW = -12, -15
"""Powers of two: a small window is quickly prepared. Negative: without a header and a checksum."""
_MEMORY = 5
_TIME, _UUID = datetime(2026, 1, 1), "00000000-0000-4000-8000-000000000000"

_REMOTE: dict[str, Any] = {
    "step_attempts": 0,
    **dict.fromkeys(("queue_state", "queue_reason", "process_id", "retry_time_limit", "error")),
    "prerun_cleanup": False,
    "queue_out": None,
    "queue_err": None,
    "submission_token": "0" * 32,
    "process": None,
    "scheduler": "shell",
}
_CONFIG: dict[str, Any] = {
    "@module": "jobflow.core.job",
    "@class": "JobConfig",
    "@version": "0.4.0",
    "resolve_references": True,
    "on_missing_references": "error",
    "manager_config": {},
    "expose_store": False,
    "pass_manager_config": True,
    "response_manager_config": {},
}
_REFERENCE: dict[str, Any] = {
    "@module": "jobflow.core.reference",
    "@class": "OutputReference",
    "@version": None,
    "uuid": _UUID,
    "attributes": [],
    "output_schema": None,
}
_JOB: dict[str, Any] = {
    "@module": "jobflow.core.job",
    "@class": "Job",
    "@version": "0.4.0",
    "function": {"@module": "jobs", "@callable": "add", "@bound": None},
    "function_args": [1, _REFERENCE],
    "function_kwargs": {},
    "output_schema": None,
    "uuid": _UUID,
    "index": 1,
    "name": "add",
    "metadata": {},
    "config": _CONFIG,
    "hosts": [_UUID],
    "metadata_updates": [],
    "config_updates": [],
    "name_updates": [],
}
_ATTEMPT: dict[str, Any] = {
    "number": 1,
    "start_time": _TIME,
    "end_time": _TIME,
    "state": "COMPLETED",
    "cause": None,
    "error": None,
    "worker": "local_shell",
    "run_dir": "/home/user/",
}
_FLOW: dict[str, Any] = {
    "_id": bson.ObjectId("0" * 24),
    "jobs": [_UUID],
    "created_on": _TIME,
    "updated_on": _TIME,
    "lock_id": None,
    "lock_time": None,
    "uuid": _UUID,
    "state": "COMPLETED",
    "name": "Flow",
    "jobstore": None,
    "parents": {_UUID: {"1": [_UUID]}},
    "ids": [["1", _UUID, 1]],
    "metadata": {},
}
_NEW: dict[str, Any] = {
    "_id": bson.ObjectId("0" * 24),
    "uuid": _UUID,
    "index": 1,
    "db_id": "1",
    "worker": "local_shell",
    "state": "COMPLETED",
    "remote": _REMOTE,
    "parents": [_UUID],
    **dict.fromkeys(("previous_state", "error", "lock_id", "lock_time", "run_dir")),
    **dict.fromkeys(("start_time", "end_time")),
    "created_on": _TIME,
    "updated_on": _TIME,
    "priority": 0,
    "exec_config": None,
    "resources": None,
    "stored_data": None,
    "job": _JOB,
}
_ENDED: dict[str, Any] = {
    "previous_state": None,
    "error": None,
    "lock_id": None,
    "lock_time": None,
    "run_dir": f"/home/user/.jfremote/00/00/00/{_UUID}_1",
    "start_time": _TIME,
    "end_time": _TIME,
    "lock_lease": None,
    "error_cause": None,
    "attempts": [_ATTEMPT],
    "process": {"boot_id": _UUID, "namespace": "pid:[4026531836]", "start_time": 1.5},
}
_STATES = "CHECKED_OUT UPLOADED SUBMITTED RUN_FINISHED DOWNLOADED WAITING READY PAUSED FAILED "

DICTIONARIES = {
    1: _STATES.encode() + b"".join(map(bson.encode, (_FLOW, _ENDED, _NEW))),
}
"""{number: dictionary}. Files hold values that need them: none may ever change, only be added."""
_dictionary = DICTIONARIES[_HEADER[0]]
_prepared = zlib.compressobj(_LEVEL, zlib.DEFLATED, _SMALL_WINDOW, _MEMORY, 0, _dictionary)


def packed(raw: bytes) -> bytes:
    """Return BSON as it is stored."""
    size = len(raw)
    if not SMALLEST <= size <= LARGEST:
        return raw
    if size <= 1 << -_SMALL_WINDOW:
        compressor = _prepared.copy()
    else:
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, zdict=_dictionary)
    checksum = _CHECKSUM.pack(zlib.crc32(raw))
    small = b"".join((_HEADER, checksum, compressor.compress(raw), compressor.flush()))
    return small if len(small) <= _WORTHWHILE * size else raw


def is_packed(stored: bytes) -> bool:
    """Whether a stored value is compressed."""
    return len(stored) >= _START and stored[3] == MARK


def plain(stored: bytes) -> bytes:
    """Return the BSON that `packed` was given, also that of files of earlier formats.

    Raises
    ------
    InvalidBSON
        The value is damaged.
    """
    if not is_packed(stored):
        return stored
    try:
        raw = zlib.decompressobj(_WINDOW, DICTIONARIES[stored[0]]).decompress(stored[_START:])
    except (KeyError, zlib.error) as error:
        raise InvalidBSON(f"a compressed value is damaged: {error}") from None
    if zlib.crc32(raw) != _CHECKSUM.unpack_from(stored, len(_HEADER))[0]:
        raise InvalidBSON("a compressed value is damaged")
    return raw
