"""Stored values, compressed: what documents have in common is in a dictionary of ours.

The hot part of a finished job is a kilobyte of names of fields and of nulls, and a hundred bytes
that no other job has. zlib compresses it to these with a dictionary that holds the rest, in the
time that it takes to decode it once; unpacking takes a tenth of that. Dictionaries are made of
sample documents, not of those of a user: what was deleted leaves nothing behind. Jobs and flows
have one each, because a smaller one is nearer at hand and sooner prepared.

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
_SMALLEST_FLOW = 200
"""The same of a flow; a flow of one job has some 400."""
_WORTHWHILE = 0.8
"""Of the size, that may be left."""
MARK = 0xFF
"""The fourth byte of a compressed value."""
_CHECKSUM = struct.Struct("<I")
_START = 4 + _CHECKSUM.size
_LEVEL = 3
_WINDOW = -15
"""A power of two. Negative: without a header and a checksum."""
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

_TOKEN = "0" * 32
_BEGUN: dict[str, Any] = {
    **_NEW,
    "remote": {
        **_REMOTE,
        "process_id": "1",
        "submission_token": _TOKEN,
        "process": {
            "host": "",
            "boot_id": _UUID,
            "pid": "1",
            "pid_namespace": "pid:[4026531836]",
            "start_time": "1",
            "warm": _TOKEN,
        },
        "scheduler": "shell",
    },
    "parents": [],
    "run_dir": f"/home/user/.jfremote/jfr/work/00/00/00/{_UUID}_1",
    "start_time": _TIME,
    "end_time": _TIME,
    "worker": "local",
    "job": {**_JOB, "function_args": []},
}
_LEASE: dict[str, Any] = {
    "lock_id": _UUID,
    "lock_time": _TIME,
    "lock_lease": {
        "id": _UUID,
        "owner": {"host": "", "boot_id": _UUID, "pid": 1, "start_time": "1"},
        "seq": 1,
    },
}
_UNUSUAL: dict[str, Any] = {
    "error_cause": None,
    "attempts": [{"number": 1, "cause": None, "error": None, "run_dir": "/home/user/"}],
    "function_args": [_REFERENCE],
    **_LEASE,
}
_LAST: dict[str, Any] = {
    "lock_lease": None,
    "attempts": [
        {
            "number": 1,
            "state": "COMPLETED",
            "worker": "local",
            "node": "",
            "queue_id": "1",
            "submission_token": _TOKEN,
            "start_time": _TIME,
            "end_time": _TIME,
            "ended_on": _TIME,
        }
    ],
}
_SMALL_FLOW: dict[str, Any] = {
    "_id": bson.ObjectId("0" * 24),
    "uuid": _UUID,
    "jobs": [_UUID, _UUID],
    "state": "COMPLETED",
    "name": "Flow",
    "lock_id": None,
    "lock_time": None,
    "created_on": _TIME,
    "updated_on": _TIME,
    "metadata": {},
    "parents": {_UUID: {"1": []}, f"{_UUID[:-1]}1": {"1": [_UUID]}},
    "ids": [["1", _UUID, 1], ["2", _UUID, 1]],
    "jobstore": None,
    "lock_lease": None,
}

DICTIONARIES = {
    1: _STATES.encode() + b"".join(map(bson.encode, (_FLOW, _ENDED, _NEW))),
    2: _STATES.encode() + b"".join(map(bson.encode, (_UNUSUAL, {**_BEGUN, **_LAST}))),
    3: b"".join(map(bson.encode, ({"state": "READY RUNNING FAILED ", **_LEASE}, _SMALL_FLOW))),
}
"""{number: dictionary}: all documents until format 3; jobs and others, and flows, since format 4.

Files hold values that need them: none may ever change, only be added."""


class _Compressor:
    """Compresses with one dictionary.

    Parameters
    ----------
    number
        The number of the dictionary.
    window
        Power of two of the window for values that fit into it: a small one is quickly prepared.
    """

    def __init__(self, number: int, window: int) -> None:
        self._header = bytes([number, 0, 0, MARK])
        self._dictionary = DICTIONARIES[number]
        self._size = 1 << window
        self._prepared = zlib.compressobj(
            _LEVEL, zlib.DEFLATED, -window, _MEMORY, 0, self._dictionary
        )

    def __call__(self, raw: bytes) -> bytes:
        if len(raw) <= self._size:
            compressor = self._prepared.copy()
        else:
            compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, zdict=self._dictionary)
        checksum = _CHECKSUM.pack(zlib.crc32(raw))
        small = b"".join((self._header, checksum, compressor.compress(raw), compressor.flush()))
        return small if len(small) <= _WORTHWHILE * len(raw) else raw


_of_job, _of_flow = _Compressor(2, 12), _Compressor(3, 11)
_FLOW_BEGINS, _WITHIN = b"jobs\0", 150
"""The field that only flows have, and among how many first bytes it is."""


def packed(raw: bytes) -> bytes:
    """Return BSON as it is stored."""
    size = len(raw)
    if not _SMALLEST_FLOW <= size <= LARGEST:
        return raw
    if raw.find(_FLOW_BEGINS, 0, _WITHIN) > 0:
        return _of_flow(raw)
    return raw if size < SMALLEST else _of_job(raw)


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
    if zlib.crc32(raw) != _CHECKSUM.unpack_from(stored, 4)[0]:
        raise InvalidBSON("a compressed value is damaged")
    return raw
