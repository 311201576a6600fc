"""Telling the kinds of ids apart: a db_id, a uuid, the start of a uuid."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID


def is_uuid(text: str) -> bool:
    """Whether an id is a canonical lower-case uuid; anything else is a db_id."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def is_id(value: Any, *, number: bool = False) -> bool:
    """Whether a value can be an id; ``number`` allows integers, which are converted to text."""
    return isinstance(value, str) or (
        number and isinstance(value, int) and not isinstance(value, bool)
    )


def is_start_of_uuid(text: str) -> bool:
    """Whether a text may be an abbreviated uuid of sufficient length."""
    return bool(re.fullmatch(r"[0-9a-f]{4,8}|[0-9a-f]{8}-[0-9a-f-]{0,26}", text))
