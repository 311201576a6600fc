"""The document version of a database, and what wrote it."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib.metadata import Distribution, distributions, version
from typing import TYPE_CHECKING, Any

from controller.errors import StorageFormatError
from controller.storage.base import Collection, Document, Session

if TYPE_CHECKING:
    from packaging.version import Version

SCHEMA_VERSION = "1.0.1"
"""The version of jobflow-remote that defines these documents."""
VERSION = {"jobflow_remote_version": {"$exists": True}}


def installed_packages() -> dict[str, str]:
    """Return {package: version} of this environment; "-" replaces dots, special in MongoDB.

    Read once: the packages that a process has imported do not change.
    """
    return dict(_installed())


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    found = (name_and_version(distribution) for distribution in distributions())
    return tuple((name.replace(".", "-"), number) for name, number in found if name)


def name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Return fields from the head of a package's metadata; "" for missing ones.

    `importlib.metadata` parses the whole file, which holds the README of the package: of an
    environment as large as those of this field that is a fifth of a second.
    """
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    fields = {"name": "", "version": ""}
    for line in text.partition("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        if fields.get(key.lower()) == "":
            fields[key.lower()] = value.strip()
    return fields["name"], fields["version"]


@cache
def installed_jobflow() -> str:
    """Return the version of jobflow in this environment, without importing it."""
    return version("jobflow")


def version_document(number: str = SCHEMA_VERSION) -> Document:
    """Return the document that records what wrote the database."""
    return {
        "jobflow_remote_version": number,
        "jobflow_version": installed_jobflow(),
        "full_environment": installed_packages(),
    }


def write_version(auxiliary: Collection, document: Document) -> None:
    """Replace the fields of the version document, or insert it."""
    auxiliary.update_one(VERSION, {"$set": document}, upsert=True)


def set_version(auxiliary: Collection, number: str, *, session: Session | None) -> None:
    """Record that the documents have reached a version; what wrote them is recorded at the end."""
    auxiliary.update_one(
        VERSION, {"$set": {"jobflow_remote_version": number}}, upsert=True, session=session
    )


def read_version(auxiliary: Collection) -> Document | None:
    """Return the version document, None if there is none."""
    return auxiliary.find_one(VERSION)


def current_version(auxiliary: Collection) -> Version:
    """Return the version of the documents; without a version document it is 0.1.0.

    Raises
    ------
    ArgumentError
        The stored value is not a version.
    """
    from controller.rules.upgrades import FIRST_VERSION, parse_version

    stored = read_version(auxiliary)
    return parse_version(stored["jobflow_remote_version"] if stored else FIRST_VERSION)


def refuse_newer(auxiliary: Collection, action: str) -> None:
    """Refuse to change documents of a newer version, whose format may differ.

    Raises
    ------
    StorageFormatError
        The database has a newer version.
    """
    stored = read_version(auxiliary)
    if stored is not None and (problem := newer_version(stored)):
        raise StorageFormatError(
            f"{problem}: {action} is refused",
            hint="use the jfr version that wrote it, or a newer one",
        )


def newer_version(stored: Document) -> str | None:
    """Return a message if the version is newer than this program supports, else None."""
    number = str(stored["jobflow_remote_version"])
    if number == SCHEMA_VERSION:
        return None
    from packaging.version import InvalidVersion, Version

    with suppress(InvalidVersion):
        if Version(number) > Version(SCHEMA_VERSION):
            return f"the database has version {number}, this jfr supports up to {SCHEMA_VERSION}"
    return None


def environment_of(document: Document | None) -> dict[str, Any]:
    """Return {package: version} of what wrote the database, empty if not recorded."""
    return dict((document or {}).get("full_environment") or {})
