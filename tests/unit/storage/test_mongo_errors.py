"""Errors of pymongo in our words."""

from __future__ import annotations

import pickle

import pytest
from bson.errors import InvalidDocument
from pymongo import errors as driver

from controller.errors import (
    ArgumentError,
    ConfigError,
    DocumentTooLargeError,
    DuplicateKeyError,
    StorageClosedError,
    StorageError,
    StorageUnavailableError,
    UnsupportedOperationError,
    WriteConflictError,
)
from controller.storage.mongo.errors import translated

PLACE = "MongoDB database d at h:1"


def conflict() -> driver.OperationFailure:
    return driver.OperationFailure(
        "WriteConflict", 112, {"errorLabels": ["TransientTransactionError"]}
    )


def bulk(code: int) -> driver.BulkWriteError:
    error = {"index": 0, "code": code, "errmsg": "refused", "keyValue": {"uuid": "u"}}
    return driver.BulkWriteError({"writeErrors": [error], "writeConcernErrors": []})


CASES = [
    (driver.ServerSelectionTimeoutError("x, Topology Description: <...>"), StorageUnavailableError),
    (driver.AutoReconnect("x"), StorageUnavailableError),
    (driver.NotPrimaryError("x"), StorageUnavailableError),
    (driver.OperationFailure("auth failed", 18), StorageUnavailableError),
    (driver.OperationFailure("command find requires authentication", 13), StorageUnavailableError),
    (driver.OperationFailure("bad auth", 8000), StorageUnavailableError),
    (conflict(), WriteConflictError),
    (driver.DuplicateKeyError("x", 11000, {"keyValue": {"a": 1}}), DuplicateKeyError),
    (bulk(11000), DuplicateKeyError),
    (bulk(121), StorageError),
    (driver.BulkWriteError({}), StorageError),
    (driver.OperationFailure("violates exclusion constraint x", 1), DuplicateKeyError),
    (driver.OperationFailure("no such command", 59), UnsupportedOperationError),
    (driver.OperationFailure("no such stage", 40324), UnsupportedOperationError),
    (driver.OperationFailure("x", 2), StorageError),
    (driver.ConfigurationError("Unknown option x"), ConfigError),
    (driver.InvalidURI("Invalid port s@cret"), ConfigError),
    (driver.InvalidOperation("Cannot use MongoClient after close"), StorageClosedError),
    (driver.InvalidOperation("Cannot use a cursor twice"), StorageError),
    (driver.DocumentTooLarge("x"), DocumentTooLargeError),
    (driver.OperationFailure("x", 10334), DocumentTooLargeError),
    (driver.OperationFailure("Size 9 is larger than MaxDocumentSize 8"), DocumentTooLargeError),
    (InvalidDocument("cannot encode"), ArgumentError),
    (TypeError("x"), ArgumentError),
    (OverflowError("8-byte ints"), ArgumentError),
]


@pytest.mark.parametrize(
    ("error", "kind"), CASES, ids=[f"{type(e).__name__} {n}" for n, (e, _) in enumerate(CASES)]
)
def test_translation(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught, translated(PLACE):
        raise error
    assert kind in type(caught.value).__mro__[:2]
    assert isinstance(caught.value, type(error)) or kind in (DuplicateKeyError, ArgumentError)
    assert type(pickle.loads(pickle.dumps(caught.value))) is kind
    assert caught.value.__cause__ is error
    assert "Topology" not in str(caught.value)
    assert "s@cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_duplicate_names_its_key() -> None:
    with pytest.raises(DuplicateKeyError, match="uuid") as caught, translated(PLACE):
        raise bulk(11000)
    assert caught.value.key == {"uuid": "u"}


def test_errors_of_our_own_pass() -> None:
    with pytest.raises(KeyError), translated(PLACE):
        raise KeyError("x")
