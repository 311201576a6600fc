"""A server that is not there is one clear line, without secrets."""

from __future__ import annotations

import pytest

from controller.errors import StorageUnavailableError
from controller.storage.opening import open_store


def test_a_server_that_is_not_there() -> None:
    opened = open_store(
        {
            "type": "MongoStore",
            "host": "127.0.0.1",
            "port": 1,
            "database": "jobs",
            "collection_name": "jobs",
            "username": "me",
            "password": "secret",
            "mongoclient_kwargs": {"serverSelectionTimeoutMS": 100},
        }
    )
    jobs = opened.collection
    for call in (opened.database.ping, jobs.find_one, lambda: jobs.insert_one({"_id": 1})):
        with pytest.raises(StorageUnavailableError, match=r"jobs at 127\.0\.0\.1:1") as caught:
            call()
        message = str(caught.value)
        assert "\n" not in message
        assert "secret" not in message
        assert "Topology" not in message
    opened.database.close()
