"""What happened to jobs and flows, and who did it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from controller.documents.events import EventDoc
from controller.filter_texts import parse_date
from controller.states import EVENT_KINDS
from controller.tables.events import EVENTS
from jfr_web.address_filters import Ask
from jfr_web.listing import Link, table
from jfr_web.site import Site

_SIZE = 100
_KEYS = {"kind": True, "job": True, "flow": True, "state": True, "worker": True}
_TEXTS = {"actor": True, "since": False, "until": False}


def _about(event: EventDoc) -> str | None:
    if event.db_id:
        return f"/job/{event.db_id}"
    return f"/flow/{event.flow}" if event.flow else None


_LINKS: dict[str, Link] = {"about": _about}


def events(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """List events, newest first."""
    size = ask.number("max_results", _SIZE, least=1, most=1000)
    found = site.reader.get_events(
        ask.all("kind") or None,
        job_ids=ask.all("job") or None,
        flow_ids=ask.all("flow") or None,
        states=[state.upper() for state in ask.all("state")] or None,
        workers=ask.all("worker") or None,
        actors=ask.all("actor") or None,
        start_date=_date("--since", ask.one("since")),
        end_date=_date("--until", ask.one("until")),
        limit=size,
    )
    older = None
    if len(found) == size:
        older = ask.url(until=f"{found[0].time.isoformat(timespec='milliseconds')}Z")
    return "events.html", {
        "title": "Events",
        "rows": table(EVENTS, found[::-1], links=_LINKS),
        "kinds": EVENT_KINDS,
        "older": older,
        "command": ask.command("events", keys={**_KEYS, **_TEXTS}, more=["-m", str(size)]),
    }


def _date(flag: str, text: str | None) -> datetime | None:
    found = parse_date(flag, text, datetime.now())
    return found and found.astimezone(UTC).replace(tzinfo=None)
