"""Checksums: equal for equal content, different for different, whatever the engine did to it."""

from __future__ import annotations

from datetime import datetime

import pytest
from bson import Int64, ObjectId

from controller.storage.checksum import document_digest

ID = ObjectId("0123456789abcdef01234567")
BASE = {"_id": ID, "a": 1, "b": [1, {"c": None, "d": datetime(2026, 1, 1)}]}


@pytest.mark.parametrize(
    "same",
    [
        {"b": [1, {"d": datetime(2026, 1, 1), "c": None}], "a": 1, "_id": ID},
        {**BASE, "a": Int64(1)},
    ],
)
def test_equal(same: dict[str, object]) -> None:
    assert document_digest(same) == document_digest(BASE)


@pytest.mark.parametrize(
    "changed",
    [
        {"a": 2},
        {"a": 1.0},
        {"a": True},
        {"a": "1"},
        {"a": None},
        {"b": [{"c": None, "d": datetime(2026, 1, 1)}, 1]},
        {"b": [1, {"d": datetime(2026, 1, 1)}]},
        {"_id": str(ID)},
        {"e": None},
    ],
)
def test_different(changed: dict[str, object]) -> None:
    assert document_digest({**BASE, **changed}) != document_digest(BASE)
