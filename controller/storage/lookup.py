"""Look-ups of jobs and flows for TAB completion: fast, and silent on failure.

Separate from `opening`: no models, no locks, nothing created, no wait longer than a second. A
database that cannot answer in that time, or only through maggma, offers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from controller.errors import ConfigError
from controller.storage.opening import mongo_place, opens_directly, store_type

LIMIT = 50
"""Maximum number of suggestions, as TAB shows them."""
_FLOWS_READ = 200
"""Number of newest flows that are searched, because flows have no db_id."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The identifying fields of a job or flow.

    Attributes
    ----------
    db_id
        The job's, or that of the flow's first job.
    uuid, state, name
        The fields of the document with these names.
    index
        The job's; None for a flow.
    """

    db_id: str
    uuid: str
    state: str
    name: str
    index: int | None = None


class Lookup(Protocol):
    """What each engine does for `newest_jobs` and `newest_flows`; the last changed first."""

    def jobs(
        self, collection: str, key: str, begins: str, limit: int
    ) -> list[tuple[str, str, int, str, str]]:
        """Return (db_id, uuid, index, state, name) of jobs whose ``key`` starts with a text."""

    def flows(
        self, collection: str, jobs: str, begins: str, limit: int
    ) -> list[tuple[str, str, str, str]]:
        """Return (db_id of the first job or "", uuid, state, name) of flows by their uuid."""


def newest_jobs(
    queue: Mapping[str, Any], begins: str = "", *, by_uuid: bool = False
) -> list[Identity]:
    """Return the jobs that changed last, the latest first; at most `LIMIT`.

    Parameters
    ----------
    queue
        The section ``queue`` of a project file, unchecked.
    begins
        Return only jobs whose db_id starts with this.
    by_uuid
        Compare the uuid instead of the db_id.
    """
    lookup = _open_lookup(queue)
    if lookup is None:
        return []
    key = "uuid" if by_uuid else "db_id"
    found = lookup.jobs(_jobs_collection(queue), key, begins, LIMIT)
    return [Identity(db_id, uuid, state, name, index) for db_id, uuid, index, state, name in found]


def newest_flows(
    queue: Mapping[str, Any], begins: str = "", *, by_uuid: bool = False
) -> list[Identity]:
    """Return the flows that changed last, the latest first; at most `LIMIT`.

    Parameters
    ----------
    queue
        The part ``queue`` of a project file, unchecked.
    begins
        Only flows whose first job's db_id begins so, among the newest few hundred.
    by_uuid
        Compare the flow's uuid instead.
    """
    lookup = _open_lookup(queue)
    if lookup is None:
        return []
    flows = str(queue.get("flows_collection") or "flows")
    read = LIMIT if by_uuid or not begins else _FLOWS_READ
    found = lookup.flows(flows, _jobs_collection(queue), begins if by_uuid else "", read)
    identities = [Identity(*row) for row in found]
    if not by_uuid:
        identities = [i for i in identities if i.db_id and i.db_id.startswith(begins)]
    return identities[:LIMIT]


def _jobs_collection(queue: Mapping[str, Any]) -> str:
    return str(queue["store"].get("collection_name") or "jobs")


def _open_lookup(queue: Mapping[str, Any]) -> Lookup | None:
    """Return what looks into the queue's store; None where it cannot be looked into."""
    store = queue.get("store")
    # RuntimeError is of a home folder that is not known.
    with suppress(ConfigError, RuntimeError):
        if not isinstance(store, Mapping) or not opens_directly(store):
            return None
        if store_type(store) == "EmbeddedStore":
            from controller.storage.embedded.lookup import FileLookup

            path = Path(str(store.get("path") or "")).expanduser()
            return FileLookup(path) if path.is_absolute() and path.is_file() else None
        from controller.storage.mongo.lookup import ServerLookup

        return ServerLookup(mongo_place(store))
    return None
