"""Bundles: small archived flows that share one document.

A flow of one job in a document of its own takes more bytes for what it is found by than for itself.
So flows that are archived together are bundled, where a transaction can do it (the embedded
engine). A bundle is a part like others (`rules.archiving`), but of many flows: their uuids are in
its ``hosts``. Before one of them is moved, the bundle is dissolved into parts of single flows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from controller.documents import flow_if_named
from controller.operations.queue import Queue
from controller.rules.archiving import BUNDLE, Part, flow_bounds, part_id
from controller.storage.base import Document, ReplaceOne
from controller.storage.packing import Packer, pack, unpack

MOST_FLOWS = 200
"""Flows in one bundle: some milliseconds to unpack."""
MOST_JOBS = 20
"""Jobs of a flow that is bundled."""
_JOBS_AT_ONCE = 500
"""Jobs in one bundle, with which it is full."""
FEWEST_FLOWS = 5
"""With less than these, a bundle would not be worthwhile."""
_LARGEST = 1 << 16
"""Bytes of a flow, packed, that is bundled."""


def head_fields(flow: Mapping[str, Any], archived_on: Any) -> dict[str, Any]:
    """Return the fields of a head that tell of its flow, with the flow."""
    from controller.leases import FREE  # who only reads the archive needs no locks

    free = {name: value for name, value in FREE.items() if name in flow}
    return {
        "name": flow.get("name"),
        "state": flow.get("state"),
        "metadata": flow.get("metadata"),
        "created_on": flow.get("created_on"),
        "updated_on": flow.get("updated_on"),
        "archived_on": archived_on,
        "parts": 1,
        "whole": pack([{**flow, **free}]),
    }


def bundle(queue: Queue, uuids: Sequence[str]) -> None:
    """Bundle those of some archived flows that are small, where a transaction can do it."""
    if not queue.takes_turns:
        return
    for start in range(0, len(uuids), MOST_FLOWS):
        ids = [part_id(uuid, 0) for uuid in uuids[start : start + MOST_FLOWS]]
        with queue.database.transaction() as session:
            _bundle(queue, ids, session)


def _bundle(queue: Queue, ids: Sequence[str], session: Any) -> None:
    wanted = {"_id": {"$in": ids}, "stage": None, "lock_id": None}
    small, jobs = list[Document](), 0
    for head in queue.archive.find(wanted, session=session):
        if _is_small(head) and jobs < _JOBS_AT_ONCE:
            small.append(head)
            jobs += len(head["db_ids"])
    if len(small) >= FEWEST_FLOWS:
        gone = {"_id": {"$in": [head["_id"] for head in small]}}
        queue.archive.delete_many(gone, session=session)
        queue.archive.insert_one(_bundle_of(small), session=session)


def _is_small(head: Mapping[str, Any]) -> bool:
    return (
        head.get("parts") == 1
        and len(head["db_ids"]) <= MOST_JOBS
        and len(head["body"]) + len(head["whole"]) <= _LARGEST
    )


def _bundle_of(heads: Sequence[Document]) -> Document:
    part, flows, packer = Part(), list[Document](), Packer()
    for head in heads:
        flow = next(unpack(head["whole"]))
        flows.append(flow)
        packer.add(flow)
        for job in unpack(head["body"]):  # next to its flow, which has the same ids
            part.add(job)
            packer.add(job)
    fields = part.fields()
    hosts = dict.fromkeys([*(head["flow"] for head in heads), *fields.get("hosts", ())])
    return {
        "_id": part_id(heads[0]["flow"], BUNDLE),
        "n": BUNDLE,
        **fields,
        "hosts": list(hosts),
        **flow_bounds(flows),
        "archived_on": max(head["archived_on"] for head in heads),
        "both": packer.finish(),
    }


def jobs_in(part: Mapping[str, Any]) -> Iterator[Document]:
    """Yield the jobs of a part, which was read with ``body`` and ``both``."""
    if "both" not in part:
        return unpack(part["body"])
    return (each for each in unpack(part["both"]) if not _is_flow(each))


def flows_in(bundled: Mapping[str, Any]) -> Iterator[Document]:
    """Yield the flows of a bundle."""
    return (each for each in unpack(bundled["both"]) if _is_flow(each))


def _is_flow(document: Mapping[str, Any]) -> bool:
    return "jobs" in document and "ids" in document


def parts_of(bundled: Mapping[str, Any]) -> list[Document]:
    """Return the parts that the flows of a bundle had, each of its own."""
    jobs: dict[str | None, list[Document]] = {}
    for job in jobs_in(bundled):
        jobs.setdefault(flow_if_named(job), []).append(job)
    made = []
    for flow in flows_in(bundled):
        part, own = Part(), jobs.get(flow["uuid"], [])
        for job in own:
            part.add(job)
        head = {"_id": part_id(flow["uuid"], 0), "flow": flow["uuid"], "n": 0, **part.fields()}
        made.append({**head, "body": pack(own), **head_fields(flow, bundled["archived_on"])})
    return made


def bundled_with(queue: Queue, uuid: str) -> Document | None:
    """Return the bundle that an archived flow is in."""
    found = queue.archive.find_one({"hosts": uuid, "n": BUNDLE})
    is_in = found is not None and any(flow["uuid"] == uuid for flow in flows_in(found))
    return found if is_in else None


def dissolve(queue: Queue, uuid: str) -> list[str]:
    """Give the flows of the bundle that a flow is in parts of their own; return the others' uuids.

    Without transactions the same call, repeated, completes it.
    """
    found = bundled_with(queue, uuid)
    if found is None:
        return []
    parts = parts_of(found)
    with queue.database.transaction() as session:
        each = [ReplaceOne({"_id": part["_id"]}, part, upsert=True) for part in parts]
        queue.archive.bulk_write(each, session=session)
        queue.archive.delete_one({"_id": found["_id"]}, session=session)
    return [part["flow"] for part in parts if part["flow"] != uuid]


def flows_of_jobs(parts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return {db_id: uuid of its flow} of the jobs of bundles."""
    jobs = (job for part in parts for job in jobs_in(part))
    return {str(job["db_id"]): uuid for job in jobs if (uuid := flow_if_named(job))}
