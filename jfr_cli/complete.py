"""Values for TAB: names from the project files, ids from the database.

Nothing is checked and no database is opened the usual way: TAB is fast, and has no place for a
message. Whatever goes wrong, nothing is offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

from controller.errors import ControllerError

if TYPE_CHECKING:
    from controller.storage.glance import Identity

Offer = list[tuple[str, str]]
"""(value, description) pairs, the best first."""

_NAME_LENGTH = 48
_USABLE = re.compile(r"[\w.:@+-]+")
"""Values that no shell takes for anything else."""
_UUID_BEGINS = re.compile(r"[0-9a-f][0-9a-f-]*")
_SPECIAL = re.compile(r"[^\w .,:;=@%+/#~^{}()<>|*!?&-]")
"""What a shell, or Rich, might read as more than a letter of a description."""


def project_names(incomplete: str) -> list[str]:
    """Names of the projects that begin so."""
    return _beginning(_projects(), incomplete)


def worker_names(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the workers of the selected project, or of all projects where none is selected."""
    return _entries(context, "workers", incomplete)


def exec_config_names(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the execution configurations of the selected project, or of all projects."""
    return _entries(context, "exec_config", incomplete)


def job_ids(context: typer.Context, incomplete: str) -> Offer:
    """db_ids of jobs, or their uuids where only those begin so."""
    from controller.storage.glance import newest_jobs

    return _by_db_id_or_uuid(newest_jobs, _queue(context), incomplete)


def flow_ids(context: typer.Context, incomplete: str) -> Offer:
    """db_ids of the first jobs of flows, or the flows' uuids where only those begin so."""
    from controller.storage.glance import newest_flows

    return _by_db_id_or_uuid(newest_flows, _queue(context), incomplete)


def job_uuids(context: typer.Context, incomplete: str) -> Offer:
    """Uuids of jobs."""
    return _jobs_by_uuid(context, incomplete, lambda job: job.uuid)


def job_uuids_with_index(context: typer.Context, incomplete: str) -> Offer:
    """UUID:INDEX of jobs."""
    return _jobs_by_uuid(context, incomplete, lambda job: f"{job.uuid}:{job.index}")


def _jobs_by_uuid(
    context: typer.Context, incomplete: str, value: Callable[[Identity], str]
) -> Offer:
    from controller.storage.glance import newest_jobs

    found = newest_jobs(_queue(context), incomplete.partition(":")[0], by_uuid=True)
    pairs = dict(reversed([(value(job), _described(job)) for job in found]))
    offer = [(text, about) for text, about in pairs.items() if text.startswith(incomplete)]
    return _usable(reversed(offer))


def _by_db_id_or_uuid(
    newest: Callable[..., list[Identity]], queue: dict[str, Any], incomplete: str
) -> Offer:
    found = newest(queue, incomplete)
    if found or not _UUID_BEGINS.fullmatch(incomplete):
        return _usable((one.db_id, _described(one)) for one in found)
    return _usable((one.uuid, _described(one)) for one in newest(queue, incomplete, by_uuid=True))


def _described(one: Identity) -> str:
    name = one.name if len(one.name) <= _NAME_LENGTH else one.name[: _NAME_LENGTH - 3] + "..."
    return _SPECIAL.sub("_", f"{one.state} {name}")


def _usable(offer: Iterable[tuple[str, str]]) -> Offer:
    return [(value, about) for value, about in offer if _USABLE.fullmatch(value)]


def _queue(context: typer.Context) -> dict[str, Any]:
    """The part ``queue`` of the selected project; empty where none is selected."""
    selected = _selected(context)
    queue = next(iter(selected.values())).get("queue") if len(selected) == 1 else None
    return queue if isinstance(queue, dict) else {}


def _entries(context: typer.Context, part: str, incomplete: str) -> list[str]:
    parts = (content.get(part) for content in _selected(context).values())
    names = {str(name) for found in parts if isinstance(found, dict) for name in found}
    return _beginning(names, incomplete)


def _selected(context: typer.Context) -> dict[str, dict[str, Any]]:
    """{name: content} of the project that the command would use, or of all where none is."""
    projects = _projects()
    chosen = context.find_root().params.get("project") or _default_project()
    if not chosen:
        return projects
    return {chosen: projects[chosen]} if chosen in projects else {}


def _default_project() -> str | None:
    from controller.config.settings import get_settings

    try:
        return get_settings().project
    except ControllerError:
        return None


def _projects() -> dict[str, dict[str, Any]]:
    from controller.config.manager import ConfigManager

    try:
        return ConfigManager().raw_contents()
    except ControllerError:
        return {}


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
