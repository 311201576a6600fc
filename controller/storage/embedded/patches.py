"""Patches: fields that replace those of a stored document, written in front of it.

To change the states of 100,000 jobs, their documents need not be read: the new fields are put
before each one by the statement that changes the keys of its indexes. Whoever reads the document
gets it with these fields, and the next change of the document itself writes it whole.

A patched value begins with the length of the patch and a mark; the patch, as BSON, and the value as
it was stored follow. Neither BSON nor a compressed value has this mark as its fourth byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson

from controller.storage.embedded.compression import plain

MARK = 0xFE
"""The fourth byte of a patched value."""
_HEAD = 4
_LENGTH = _HEAD - 1


def patch_of(fields: Mapping[str, Any]) -> bytes:
    """Return a patch that sets top-level fields."""
    raw = bson.encode(fields)
    return len(raw).to_bytes(_LENGTH, "little") + bytes([MARK]) + raw


def patched(stored: bytes, patch: bytes) -> bytes:
    """Return a stored document with a patch, which is merged with the one that it has."""
    if stored[_LENGTH] != MARK:
        return patch + stored
    before, rest = _parts(stored)
    return patch_of({**before, **bson.decode(patch[_HEAD:])}) + rest


def whole(stored: bytes) -> bytes:
    """Return the BSON of a stored document, with what its patch sets.

    Raises
    ------
    InvalidBSON
        The value is damaged.
    """
    if stored[_LENGTH] != MARK:
        return plain(stored)
    fields, rest = _parts(stored)
    document: dict[str, Any] = bson.decode(plain(rest))
    document.update(fields)
    return bson.encode(document)


def _parts(stored: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the fields of a patch and what is behind it."""
    end = _HEAD + int.from_bytes(stored[:_LENGTH], "little")
    return bson.decode(stored[_HEAD:end]), stored[end:]
