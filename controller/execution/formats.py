"""Formats of the documents in files of a run directory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.errors import ConfigError, RemoteError
from controller.execution.values import described_time, has_non_finite


@dataclass(frozen=True)
class Format:
    """A format of documents.

    Attributes
    ----------
    extension
        File name extension, without the dot.
    encode, decode
        Document(s) -> bytes and back.
    """

    extension: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def encode_json(value: Any) -> bytes:
    """Write JSON; times and object ids in monty's form, NaN and infinities as Python writes them.

    Raises
    ------
    TypeError
        A value cannot be written as JSON.
    """
    return _json(value, _encode_other)


def decode_json(raw: bytes) -> Any:
    """Read JSON, ``NaN``, ``Infinity`` and integers of any size included.

    Raises
    ------
    RemoteError
        It is not valid JSON, for example because the job was killed while writing (``no_retry``).
    """
    import orjson

    # orjson makes floats of integers that are too large for it.
    if b"0" * _LONG not in raw.translate(_DIGITS_AS_ZEROS):
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RemoteError(f"not valid JSON: {error}", no_retry=True) from None


_LONG = 19
"""Number of digits from which an integer may exceed 64 bits."""
_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)


def _json(value: Any, default: Callable[[Any], Any]) -> bytes:
    import orjson

    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
    try:
        raw = orjson.dumps(value, default=default, option=options)
    except TypeError:  # an integer too large for it, half a character; or it cannot be written
        return json.dumps(value, default=default, separators=(",", ":")).encode()
    if b"null" in raw and has_non_finite(value):  # orjson writes them so
        return json.dumps(value, default=default, separators=(",", ":")).encode()
    return raw


def _encode_other(value: Any) -> Any:
    if isinstance(value, datetime):
        return described_time(value)
    if isinstance(value, float):
        return float(value)
    if type(value).__name__ == "ObjectId":
        return {"@module": "bson.objectid", "@class": "ObjectId", "oid": str(value)}
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _encode_documents(value: Any) -> bytes:
    """Write documents as JSON so that `_decode_documents` can distinguish times from dictionaries.

    A time is ``{"$date": text}``. A dictionary of the user's that looks like that, or like the mark
    itself, is put into ``{"$literal": ...}``.
    """

    def default(other: Any) -> Any:
        return {_TIME: other.isoformat()} if isinstance(other, datetime) else _encode_other(other)

    raw = _json(value, default)
    marks = any(b'{"%s":' % mark.encode() in raw for mark in (_TIME, _LITERAL))
    if marks and _holds_mark(value):
        raw = _json(_escaped(value), default)
    return raw


def _decode_documents(raw: bytes) -> Any:
    value = decode_json(raw)
    return _revived(value) if b'"$date"' in raw or b'"$literal"' in raw else value


_TIME, _LITERAL = "$date", "$literal"


def _is_mark(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and (_TIME in value or _LITERAL in value)


def _holds_mark(value: Any) -> bool:
    if isinstance(value, Mapping):
        return _is_mark(value) or any(map(_holds_mark, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_holds_mark, value))


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = {key: _escaped(each) for key, each in value.items()}
        return {_LITERAL: inner} if _is_mark(value) else inner
    return [_escaped(each) for each in value] if isinstance(value, (list, tuple)) else value


def _revived(value: Any) -> Any:
    if isinstance(value, list):
        return [_revived(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_TIME}:
        return _time(value)
    if set(value) == {_LITERAL} and isinstance(value[_LITERAL], dict):
        value = value[_LITERAL]
    return {key: _revived(each) for key, each in value.items()}


def _time(value: dict[str, Any]) -> Any:
    """Read ``{"$date": ISO text}``; what only looks like it stays a dictionary."""
    try:
        return datetime.fromisoformat(value[_TIME])
    except (TypeError, ValueError):
        return value


def _encode_for_jobflow_remote(value: Any) -> bytes:
    """Write documents as a worker of jobflow-remote 1.0.1 does, for its runner.

    Times are text; NaN and infinities are null, since its runner reads nothing else.
    """
    import orjson

    def default(other: Any) -> Any:
        return other.isoformat() if isinstance(other, datetime) else _encode_other(other)

    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=default, option=options)


def _encode_msgpack(value: Any) -> bytes:
    import msgpack

    times = 0

    def default(other: Any) -> Any:
        nonlocal times
        if not isinstance(other, datetime):
            return _encode_other(other)
        times += 1
        moment = other.astimezone(UTC) if other.tzinfo else other
        # strftime does not fill a year before 1000 with zeros.
        return {_MARK: True, "as_str": f"{moment.year:04}{moment.strftime(_MSGPACK_TIME[2:])}"}

    packed: bytes = msgpack.packb(value, default=default)
    if packed.count(_MARK.encode()) > times and _has_key(value, _MARK):
        raise ValueError(
            f"a dictionary with the key {_MARK!r} stands for a time in MessagePack: "
            "rename the key, or set another remote_jobstore in the project file"
        )
    return packed


_MARK, _MSGPACK_TIME = "__datetime__", "%Y%m%dT%H:%M:%S.%f"


def _has_key(value: Any, key: str) -> bool:
    if isinstance(value, Mapping):
        return key in value or any(_has_key(each, key) for each in value.values())
    return isinstance(value, (list, tuple)) and any(_has_key(each, key) for each in value)


def _decode_msgpack(raw: bytes) -> Any:
    import msgpack

    def hook(value: dict[Any, Any]) -> Any:
        if _MARK not in value:
            return value
        try:
            return datetime.strptime(value["as_str"], _MSGPACK_TIME)
        except (LookupError, TypeError, ValueError):
            return value

    return msgpack.unpackb(raw, object_hook=hook, strict_map_key=False)


_DOCUMENTS = Format("json", _encode_documents, _decode_documents)
_FOR_JOBFLOW_REMOTE = Format("json", _encode_for_jobflow_remote, _decode_documents)

FORMATS: dict[str, Format] = {
    "maggma_json": _DOCUMENTS,
    "orjson": _DOCUMENTS,
    "msgspec_json": _DOCUMENTS,
    "msgpack": Format("msgpack", _encode_msgpack, _decode_msgpack),
}
"""By the names of the project file. The three kinds of JSON differ only in the library that
jobflow-remote uses for them."""


def get_format(name: str) -> Format:
    """Return a format by its name in the project file."""
    if name not in FORMATS:
        raise ConfigError(
            f"unknown remote_jobstore {name!r}", hint=f"choose one of {', '.join(FORMATS)}"
        )
    return FORMATS[name]


def format_of_file(path: Path, *, for_jobflow_remote: bool = False) -> Format:
    """Return the format of a file by its name.

    Parameters
    ----------
    for_jobflow_remote
        Whether a runner of jobflow-remote 1.0.1 will read it.
    """
    if ".msgpack" in path.suffixes:
        return FORMATS["msgpack"]
    return _FOR_JOBFLOW_REMOTE if for_jobflow_remote else _DOCUMENTS


def read_file(path: Path) -> Any:
    """Read a file in the format of its name, compressed or not."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    return format_of_file(path).decode(raw)


def write_file(
    path: Path, value: Any, *, for_jobflow_remote: bool = False, lasting: bool = True
) -> None:
    """Write a file in the format of its name: completely or not at all.

    Parameters
    ----------
    for_jobflow_remote
        Whether a runner of jobflow-remote 1.0.1 will read it.
    lasting
        Wait until it would survive a loss of power.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written.
    """
    import os

    raw = format_of_file(path, for_jobflow_remote=for_jobflow_remote).encode(value)
    if path.suffix == ".gz":
        raw = gzip.compress(raw, compresslevel=5)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(raw)
            if lasting:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
