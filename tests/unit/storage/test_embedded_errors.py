"""What users read of errors of SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from controller.errors import StorageMissingError, StorageUnavailableError
from controller.storage.embedded.errors import translated


@pytest.mark.parametrize(
    "name", ["SQLITE_CANTOPEN", "SQLITE_READONLY_DBMOVED", "SQLITE_IOERR_WRITE"]
)
def test_a_file_that_went_away_meanwhile_is_missing(name: str, tmp_path: Path) -> None:
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorname = name
    path = tmp_path / "queue.sqlite"
    with pytest.raises(StorageMissingError, match="does not exist"), translated(path):
        raise error
    path.touch()
    with pytest.raises(StorageUnavailableError) as caught, translated(path):
        raise error
    assert not isinstance(caught.value, StorageMissingError)
