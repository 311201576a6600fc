"""Values for TAB: names from the project files, ids from the database.

Nothing is checked, no database is opened the usual way, and Typer is not imported: TAB is fast, and
has no place for a message. Whatever goes wrong, nothing is offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from controller.errors import ControllerError

if TYPE_CHECKING:
    from controller.saved_filters import Kind
    from controller.storage.lookup import Identity

Offer = list[tuple[str, str]]
"""(value, description) pairs, the best first."""

_NAME_LENGTH = 48
_USABLE = re.compile(r"[\w.:@+-]+")
"""Values that no shell takes for anything else."""
_UUID_BEGINS = re.compile(r"[0-9a-f][0-9a-f-]*")
_SPECIAL = re.compile(r"[^\w .,:;=@%+/#~^{}()<>|*!?&-]")
"""What a shell, or Rich, might read as more than a letter of a description."""


def _project_names(project: str | None, incomplete: str) -> Offer:
    """Names of the projects that start with a text."""
    del project
    return _beginning(_projects(), incomplete)


def _worker_names(project: str | None, incomplete: str) -> Offer:
    """Names of the workers of the selected project, or of all projects if none is selected."""
    return _entries(project, "workers", incomplete)


def _exec_config_names(project: str | None, incomplete: str) -> Offer:
    """Names of the execution configurations of the selected project, or of all projects."""
    return _entries(project, "exec_config", incomplete)


def _job_ids(project: str | None, incomplete: str) -> Offer:
    """db_ids of jobs, or their uuids if only those match."""
    from controller.storage.lookup import newest_jobs

    return _by_db_id_or_uuid(newest_jobs, _queue(project), incomplete)


def _flow_ids(project: str | None, incomplete: str) -> Offer:
    """db_ids of the first jobs of flows, or the flows' uuids if only those match."""
    from controller.storage.lookup import newest_flows

    return _by_db_id_or_uuid(newest_flows, _queue(project), incomplete)


def _job_uuids(project: str | None, incomplete: str) -> Offer:
    """Uuids of jobs."""
    return _jobs_by_uuid(project, incomplete, lambda job: job.uuid)


def _job_uuids_with_index(project: str | None, incomplete: str) -> Offer:
    """UUID:INDEX of jobs."""
    return _jobs_by_uuid(project, incomplete, lambda job: f"{job.uuid}:{job.index}")


def _job_filters(project: str | None, incomplete: str) -> Offer:
    """Saved filters of jobs."""
    return _saved_filters(project, "job", incomplete)


def _flow_filters(project: str | None, incomplete: str) -> Offer:
    """Saved filters of flows."""
    return _saved_filters(project, "flow", incomplete)


def _saved_filters(project: str | None, kind: Kind, incomplete: str) -> Offer:
    from controller.config.manager import ConfigManager
    from controller.saved_filters import MARK, filter_names

    paths = ConfigManager().raw_paths()
    chosen = project or _default_project()
    if not chosen and len(paths) == 1:
        chosen = next(iter(paths))
    if chosen not in paths:
        return []
    names = (f"{MARK}{name}" for name in filter_names(paths[chosen], kind))
    return _usable(_beginning(names, incomplete))


def _jobs_by_uuid(project: str | None, incomplete: str, value: Callable[[Identity], str]) -> Offer:
    from controller.storage.lookup import newest_jobs

    found = newest_jobs(_queue(project), incomplete.partition(":")[0], by_uuid=True)
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


def _queue(project: str | None) -> dict[str, Any]:
    """The part ``queue`` of the selected project; empty where none is selected."""
    selected = _selected(project)
    queue = next(iter(selected.values())).get("queue") if len(selected) == 1 else None
    return queue if isinstance(queue, dict) else {}


def _entries(project: str | None, part: str, incomplete: str) -> Offer:
    parts = (content.get(part) for content in _selected(project).values())
    names = {str(name) for found in parts if isinstance(found, dict) for name in found}
    return _beginning(names, incomplete)


def _selected(project: str | None) -> dict[str, dict[str, Any]]:
    """{name: content} of the project that the command would use, or of all where none is."""
    projects = _projects()
    chosen = project or _default_project()
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


def _beginning(names: Iterable[str], incomplete: str) -> Offer:
    return [(name, "") for name in sorted(names) if name.startswith(incomplete)]


OFFERS: dict[str, Callable[[str | None, str], Offer]] = {
    "projects": _project_names,
    "workers": _worker_names,
    "exec_configs": _exec_config_names,
    "jobs": _job_ids,
    "flows": _flow_ids,
    "job_uuids": _job_uuids,
    "job_uuids_with_index": _job_uuids_with_index,
    "job_filters": _job_filters,
    "flow_filters": _flow_filters,
}
"""{kind of value: (name of the selected project or None, beginning) -> what to offer}."""

ASKED = "_JF_OFFER"
"""Variable of the environment by which a completion script asks for a kind of values."""


def answer(environ: Mapping[str, str]) -> str:
    """Answer a completion script.

    Parameters
    ----------
    environ
        Its questions: `ASKED`, ``_JF_PROJECT`` (the value of ``--project``, or nothing) and
        ``_JF_WORD`` (what is typed of the value).

    Returns
    -------
    str
        A candidate a line; a tabulator separates it from its description.
    """
    offer = OFFERS.get(environ[ASKED])
    if offer is None:  # of a script that is newer or older than this program
        return ""
    found = offer(environ.get("_JF_PROJECT") or None, environ.get("_JF_WORD", ""))
    return "".join(f"{value}\t{about}\n" if about else f"{value}\n" for value, about in found)
