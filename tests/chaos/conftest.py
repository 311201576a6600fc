"""Say what was tried."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tally import Tally


@pytest.fixture
def chaos_folder() -> Iterator[Path]:
    """A folder in memory, where there is one: nothing here is to survive a loss of power."""
    memory = Path("/dev/shm")
    place = tempfile.mkdtemp(prefix="jfr-chaos-", dir=memory if memory.is_dir() else None)
    yield Path(place)
    shutil.rmtree(place, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up the tallies of each kind of chaos test, from whichever process ran them."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name.startswith("chaos "):
                    kinds.setdefault(name, []).append(value)
    for name, parts in sorted(kinds.items()):
        terminalreporter.section(name)
        for line in Tally.sum(parts).lines():
            terminalreporter.write_line(line)
