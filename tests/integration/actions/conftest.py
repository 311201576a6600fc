"""A queue with flows whose jobs are in chosen states, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from staged import Stage


@pytest.fixture
def stage(store_spec: dict[str, Any], tmp_path: Path) -> Iterator[Stage]:
    """A project in a fresh database."""
    made = Stage(store_spec, tmp_path)
    yield made
    made.controller.close()
