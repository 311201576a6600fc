"""Convert pymongo's errors to jfr's: what happened where, without secrets or server internals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bson.errors import BSONError
from pymongo import errors as driver

from controller.errors import (
    ArgumentError,
    ConfigError,
    ControllerError,
    DocumentTooLargeError,
    DuplicateKeyError,
    StorageClosedError,
    StorageError,
    StorageUnavailableError,
    UnsupportedOperationError,
    WriteConflictError,
)
from controller.storage.driver_errors import duplicate_key, of_both_kinds

_DUPLICATE = {11000, 11001, 12582}
_SHARED_KEY = "exclusion constraint"  # message of servers based on PostgreSQL
_WRITE_CONFLICT = 112
_DEADLOCK = "deadlock detected"
"""Message of servers based on PostgreSQL; a retry succeeds."""
_NOT_ALLOWED = {13, 18, 8000}  # Unauthorized, AuthenticationFailed, AtlasError
_NOT_KNOWN = {59, 115, 168, 238, 40324}  # commands, options and stages unsupported by a server
_NO_OPERATOR = ("unknown operator", "unknown top level operator")
_CLOSED = "after close"
_TOO_LARGE = {10334, 17280, 17419, 17420}
_TOO_LARGE_ELSEWHERE = "MaxDocumentSize"
"""Message of servers that only speak MongoDB's protocol."""


@contextmanager
def translated(location: str) -> Iterator[None]:
    """Convert errors of a call of pymongo to jfr's. Only calls of pymongo belong in the block.

    Parameters
    ----------
    location
        Name of the database in messages; without secrets.

    Raises
    ------
    StorageUnavailableError
        The server does not answer, or refuses the login.
    DuplicateKeyError, UnsupportedOperationError, StorageError
        The server refused the operation.
    ArgumentError
        The call itself is wrong, such as a value that cannot be stored as BSON.
    """
    try:
        yield
    except (driver.PyMongoError, driver.DocumentTooLarge) as error:
        ours = in_our_words(location, error)
        # The error of a duplicate already has both classes.
        same = isinstance(ours, driver.PyMongoError)
        raise (ours if same else of_both_kinds(ours, error)) from error
    except (BSONError, TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(f"MongoDB cannot store this: {error}") from error


def in_our_words(
    location: str, error: driver.PyMongoError | driver.DocumentTooLarge
) -> ControllerError:
    """Return the error that replaces one of pymongo's; see `translated`."""
    if isinstance(error, driver.DocumentTooLarge):
        return _too_large(location)
    if error.has_error_label("TransientTransactionError"):
        return WriteConflictError(
            f"{location}: another process changed the same documents at the same time",
            hint="try again",
        )
    if isinstance(error, driver.BulkWriteError):
        details = error.details or {}
        refused = details.get("writeErrors") or details.get("writeConcernErrors") or []
        return _refused(location, next(iter(refused), {}), "a bulk write failed")
    if isinstance(error, driver.OperationFailure):
        return _refused(location, {"code": error.code, **(error.details or {})}, str(error))
    if isinstance(error, driver.ConfigurationError):
        return _misconfigured(location, error)
    if isinstance(error, driver.ConnectionFailure):
        return StorageUnavailableError(
            f"{location} does not answer",
            hint="check that the server is running, and that host and port are right",
        )
    if isinstance(error, driver.InvalidOperation) and _CLOSED in str(error):
        return StorageClosedError(f"{location}: the connection was closed by this process")
    return StorageError(f"{location}: {error}")


def _refused(location: str, details: Mapping[str, Any], otherwise: str) -> StorageError:
    code, message = details.get("code"), details.get("errmsg") or otherwise
    if code in _DUPLICATE or _SHARED_KEY in message:
        return _duplicate(details)
    if code == _WRITE_CONFLICT or _DEADLOCK in message:
        return WriteConflictError(
            f"{location}: another process changed the same documents at the same time",
            hint="try again",
        )
    if code in _NOT_ALLOWED:
        return StorageUnavailableError(
            f"{location} refused the login (code {code})",
            hint="check username, password and auth_source in the project file",
        )
    if code in _NOT_KNOWN or any(said in message for said in _NO_OPERATOR):
        return UnsupportedOperationError(f"{location}: {message}")
    if code in _TOO_LARGE or _TOO_LARGE_ELSEWHERE in message:
        return _too_large(location)
    return StorageError(f"{location}: {message}")


def _too_large(location: str) -> DocumentTooLargeError:
    return DocumentTooLargeError(
        f"{location}: a document is too large for MongoDB",
        hint="keep large values in an additional store of the JobStore",
    )


def _duplicate(details: Mapping[str, Any]) -> DuplicateKeyError:
    key = dict(details.get("keyValue") or {})
    names = ", ".join(key or details.get("keyPattern") or {}) or "unique key"
    return duplicate_key(f"a document with the same {names} exists", key=key or None)


def _misconfigured(location: str, error: driver.ConfigurationError) -> ConfigError:
    if isinstance(error, driver.InvalidURI):
        # pymongo's message about an invalid address may quote a part of the password.
        return ConfigError(
            f"{location}: invalid address",
            hint="write mongodb://USER:PASSWORD@HOST:PORT/DATABASE, with special characters "
            "of user and password percent-encoded",
        )
    return ConfigError(
        f"{location}: {error}", hint="check mongoclient_kwargs and address in the project file"
    )
