"""Collections on each engine: one database per module, a fresh collection per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from servers import fresh_store

from controller.storage.base import Collection, Database, Document
from controller.storage.opening import open_store

Fill = Callable[[list[Document]], Collection]


@pytest.fixture(scope="module")
def shared_database(
    engine: str, outsider: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database for a whole module: making one for each test would cost most of the time."""
    with fresh_store(engine, tmp_path_factory.mktemp("storage"), outsider) as spec:
        database = open_store(spec).database
        yield database
        database.close()


_numbers = count(1)


@pytest.fixture
def collection(shared_database: Database) -> Collection:
    """A collection that nobody used before."""
    return shared_database.collection(f"c{next(_numbers)}")


@pytest.fixture
def fill(shared_database: Database) -> Fill:
    """Make a collection of documents."""

    def make(documents: list[Document]) -> Collection:
        collection = shared_database.collection(f"c{next(_numbers)}")
        collection.insert_many(documents)
        return collection

    return make
