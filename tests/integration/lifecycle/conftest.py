"""The world of these tests, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world import World


@pytest.fixture
def world(store_spec: dict[str, Any], tmp_path: Path) -> Iterator[World]:
    """A project in a fresh database."""
    made = World(store_spec, tmp_path)
    yield made
    made.close()
