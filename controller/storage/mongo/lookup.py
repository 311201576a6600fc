"""Look-ups on a server for TAB completion; if it does not answer at once, nothing is offered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pymongo
from bson.errors import BSONError
from pymongo.errors import PyMongoError

from controller.storage.opening import MongoPlace

TIMEOUT = 0.5
"""Seconds to connect to a server, and to wait for its answer."""

_MILLISECONDS = int(TIMEOUT * 1000)
_NEWEST = [("updated_on", -1), ("_id", -1)]


class ServerLookup:
    """See `controller.storage.lookup.Lookup`.

    Parameters
    ----------
    place
        Location of the store.
    """

    def __init__(self, place: MongoPlace) -> None:
        self._place = place

    def jobs(
        self, collection: str, key: str, begins: str, limit: int
    ) -> list[tuple[str, str, int, str, str]]:
        """Return (db_id, uuid, index, state, name) of the jobs that changed last."""
        fields = dict.fromkeys(("db_id", "uuid", "index", "state", "job.name"), 1)
        return [
            (
                str(found.get("db_id", "")),
                str(found.get("uuid", "")),
                int(found.get("index", 1)),
                str(found.get("state", "")),
                str((found.get("job") or {}).get("name", "")),
            )
            for found in self._find(collection, key, begins, fields, limit)
        ]

    def flows(
        self, collection: str, jobs: str, begins: str, limit: int
    ) -> list[tuple[str, str, str, str]]:
        """Return (db_id of the first job or "", uuid, state, name) of the flows changed last."""
        del jobs
        fields = {"uuid": 1, "state": 1, "name": 1, "ids": {"$slice": 1}}
        return [
            (
                str(found["ids"][0][0]) if found.get("ids") else "",
                str(found.get("uuid", "")),
                str(found.get("state", "")),
                str(found.get("name", "")),
            )
            for found in self._find(collection, "uuid", begins, fields, limit)
        ]

    def _find(
        self, collection: str, key: str, begins: str, fields: Mapping[str, Any], limit: int
    ) -> list[dict[str, Any]]:
        query = {key: {"$regex": f"^{re.escape(begins)}"}} if begins else {}
        hurry = dict.fromkeys(
            ("serverSelectionTimeoutMS", "connectTimeoutMS", "socketTimeoutMS"), _MILLISECONDS
        )
        options = {**self._place.options, **hurry, "retryReads": False}
        try:
            client: pymongo.MongoClient[dict[str, Any]]
            with pymongo.MongoClient(**options) as client, pymongo.timeout(TIMEOUT):
                found = client[self._place.database][collection].find(query, {**fields, "_id": 0})
                return list(found.sort(_NEWEST).limit(limit))
        except (PyMongoError, BSONError, TypeError, ValueError, OSError):
            return []  # wrong options too; they are reported by `jf project check`
