"""An in-process database with MongoDB's semantics over one SQLite file.

SQLite gives durability, concurrency and indexes; the meaning of filters, updates and orders is
MongoDB's, within the portable subset (`controller.storage.base`). What is where:

``values``       BSON's order of values, and keys that SQLite orders alike
``filters patterns expressions updates projections stages``   MongoDB's language, on plain
                 dictionaries
``parts``        splits a document into a small hot part and its large values
``compression``  values as they are stored
``patches patching``   fields written in front of many documents, which need not be read for it
``known``        fields of documents that indexes know
``layout``       the tables, the catalogue of indexes, the version of the format
``lockfile``     the write lock: a fair queue with a bounded wait
``creation``     creates a file completely or not at all; read-only files
``network``      restricts a file on a network file system to one host
``errors``       converts SQLite's errors
``link file``    a connection, and large values on it; connections per thread, transactions, forks
``wildcards``    indexes of every path below one
``globs``        regular expressions as patterns of SQLite
``planner``      filter -> SQL that narrows the candidates
``known_plans``  what the planner said of filters that differ only in their values
``routes``       which index answers what, by how much the indexes hold
``rows``         documents in and out of the tables, with the keys of their indexes
``changes``      updates and replacements, prepared before the file is locked
``writes bulk_rewriting``   updates and deletions in a transaction; many documents changed alike
``cursor collection aggregation database``   the contract
``store``        a maggma Store (imports maggma; loaded on demand only)
``lookup``       ids and names for TAB completion, with the standard library only

Names are loaded on first use: a look-up needs no bson.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.storage.embedded.database import EmbeddedDatabase, open_database

__all__ = ["EmbeddedDatabase", "open_database"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from controller.storage.embedded import database

    return getattr(database, name)
