"""Resources as they are stored and as a scheduler expects them."""

from __future__ import annotations

from typing import Any

from controller.config.suggestions import no_such
from controller.errors import ArgumentError


def as_qresources(value: Any) -> dict[str, Any]:
    """Serialise a QResources, or a dictionary of its keywords; keep other dictionaries.

    ``nodes``, ``account`` or ``job_name`` are keywords of schedulers and of QResources alike. If
    they do not make a valid QResources, which must define the placement of processes, they are the
    former.
    """
    from qtoolkit.core.data_objects import QResources
    from qtoolkit.core.exceptions import UnsupportedResourcesError

    if isinstance(value, QResources):
        found = value
    else:
        try:
            found = QResources(**value)
        except (TypeError, UnsupportedResourcesError):
            return dict(value)  # keywords of the scheduler itself
    serialised: dict[str, Any] = found.as_dict()
    return serialised


def qresources_from(keywords: dict[str, Any]) -> Any:
    """Make a QResources, which describes the needs of a job independently of the scheduler.

    Raises
    ------
    ArgumentError
        Unknown keyword, or invalid combination.
    """
    from dataclasses import fields

    from qtoolkit.core.data_objects import QResources
    from qtoolkit.core.exceptions import UnsupportedResourcesError

    known = [field.name for field in fields(QResources)]
    if unknown := [keyword for keyword in keywords if keyword not in known]:
        raise ArgumentError(
            f"QResources has no keyword {unknown[0]!r}: {no_such(unknown[0], known)}",
            hint="for keywords of the scheduler itself, omit --qresources",
        )
    try:
        return QResources(**keywords)
    except UnsupportedResourcesError as error:
        raise ArgumentError(f"invalid resources {keywords}: {error}") from None


def stored_resources(value: dict[str, Any] | None) -> Any:
    """Return what a script is generated from: keywords, or a QResources."""
    if value is None or "@class" not in value:
        return value
    from monty.json import MontyDecoder

    return MontyDecoder().process_decoded(value)
