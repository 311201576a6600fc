"""The size of a document, and the maximum size that a store accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson

from controller.storage.base import Document
from controller.storage.opening import store_type

MONGODB_LIMIT = 16 * 1024**2
"""Bytes of BSON that every MongoDB takes as one document, and no more."""


def size_limit(store: Mapping[str, Any]) -> int | None:
    """Bytes of BSON that a document in a store may have; None where any size will do.

    Parameters
    ----------
    store
        Description of the store, as in a project file.
    """
    if store_type(store) in ("EmbeddedStore", "GridFSStore", "GridFSURIStore"):
        return None
    return MONGODB_LIMIT


def document_size(document: Document) -> int:
    """Bytes of a document as BSON."""
    return len(bson.encode(document))
