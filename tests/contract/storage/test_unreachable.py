"""A server that is not there is one clear line, without secrets."""

from __future__ import annotations

import pytest

from controller.errors import StorageUnavailableError
from controller.storage.jobstores import build_store, open_jobstore
from controller.storage.opening import SERVER_SELECTION_TIMEOUT_MS, open_store
from controller.storage.outputs import delete_outputs, empty_jobstore, stored_outputs


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


DEAD = {"type": "MongoStore", "host": "127.0.0.1", "port": 1, "database": "o"}


@pytest.mark.parametrize("kind", ["MongoStore", "GridFSStore"])
def test_stores_of_maggma_look_for_a_server_as_long_as_we_do(kind: str) -> None:
    store = build_store({**DEAD, "type": kind, "collection_name": "c"})
    assert store.mongoclient_kwargs == {"serverSelectionTimeoutMS": SERVER_SELECTION_TIMEOUT_MS}
    own = {"serverSelectionTimeoutMS": 7, "appname": "x"}
    store = build_store({**DEAD, "type": kind, "collection_name": "c", "mongoclient_kwargs": own})
    assert store.mongoclient_kwargs == own


def test_a_jobstore_that_is_not_there() -> None:
    short = {"serverSelectionTimeoutMS": 50}
    docs = {**DEAD, "collection_name": "c", "mongoclient_kwargs": short}
    store = open_jobstore({"docs_store": docs})
    store.connect()
    for use in (
        lambda: stored_outputs(store, ["u"]),
        lambda: delete_outputs(store, [("u", 1)]),
        lambda: empty_jobstore(store),
    ):
        with pytest.raises(StorageUnavailableError, match="does not answer") as caught:
            use()
        assert "Topology" not in str(caught.value)
    store.close()
