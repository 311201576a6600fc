"""How documents are written in the files of a run directory."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from controller.errors import ConfigError, RemoteError


@dataclass(frozen=True)
class Format:
    """A way of writing documents.

    Attributes
    ----------
    extension
        Of the files, without the dot.
    encode, decode
        Document(s) -> bytes and back.
    """

    extension: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def encode_json(value: Any) -> bytes:
    """Write JSON; times as ``{"$date": ...}``, subclasses of float as plain numbers.

    NaN and infinities become null, which is what JSON has for them.
    """
    import orjson

    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATETIME
    return orjson.dumps(value, default=_encode_other, option=options | orjson.OPT_NON_STR_KEYS)


def decode_json(raw: bytes) -> Any:
    """Read what `encode_json` wrote, or any other JSON, ``NaN`` included.

    Raises
    ------
    RemoteError
        It is no JSON, for example because the job was killed while writing (``no_retry``).
    """
    import orjson

    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        import json

        try:
            value = json.loads(raw)
        except ValueError as error:
            raise RemoteError(f"not valid JSON: {error}", no_retry=True) from None
    return _revive(value) if b'"$date"' in raw else value


def _encode_other(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$date": value.isoformat()}
    if isinstance(value, float):
        return float(value)
    if type(value).__name__ == "ObjectId":
        return {"@module": "bson.objectid", "@class": "ObjectId", "oid": str(value)}
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _revive(value: Any) -> Any:
    if isinstance(value, list):
        return [_revive(v) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$date"}:
        return _time(value)
    return {k: _revive(v) for k, v in value.items()}


def _time(value: dict[str, Any]) -> Any:
    """Read ``{"$date": ISO text}``; what only looks like it stays a dictionary."""
    try:
        return datetime.fromisoformat(value["$date"])
    except (TypeError, ValueError):
        return value


def _encode_msgpack(value: Any) -> bytes:
    import msgpack

    def default(other: Any) -> Any:
        if isinstance(other, datetime):
            return {"__datetime__": True, "as_str": other.strftime("%Y%m%dT%H:%M:%S.%f")}
        return _encode_other(other)

    packed: bytes = msgpack.packb(value, default=default)
    return packed


def _decode_msgpack(raw: bytes) -> Any:
    import msgpack

    def hook(value: dict[Any, Any]) -> Any:
        if "__datetime__" in value:
            text = value["as_str"]
            return datetime.strptime(text, "%Y%m%dT%H:%M:%S.%f")
        return value

    return msgpack.unpackb(raw, object_hook=hook, strict_map_key=False)


FORMATS: dict[str, Format] = {
    "maggma_json": Format("json", encode_json, decode_json),
    "orjson": Format("json", encode_json, decode_json),
    "msgspec_json": Format("json", encode_json, decode_json),
    "msgpack": Format("msgpack", _encode_msgpack, _decode_msgpack),
}
"""By the names of the project file. The three kinds of JSON differ only in the library that
jobflow-remote uses for them."""


def get_format(name: str) -> Format:
    """Return a format by its name in the project file."""
    if name not in FORMATS:
        raise ConfigError(f"unknown remote_jobstore {name!r}", hint=f"one of {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of_file(path: Path) -> Format:
    """Return the format of a file by its name."""
    return FORMATS["msgpack" if ".msgpack" in path.suffixes else "maggma_json"]


def read_file(path: Path) -> Any:
    """Read a file in the format of its name, compressed or not."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    return format_of_file(path).decode(raw)


def write_file(path: Path, value: Any) -> None:
    """Write a file in the format of its name: the whole file or nothing.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written.
    """
    import os

    raw = format_of_file(path).encode(value)
    if path.suffix == ".gz":
        raw = gzip.compress(raw, compresslevel=5)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
