"""Resources as they are stored and as a scheduler takes them."""

from __future__ import annotations

from typing import Any

from controller.config.suggestions import no_such
from controller.errors import ArgumentError


def as_qresources(value: Any) -> dict[str, Any]:
    """Serialise a QResources, or a dictionary that makes one; other dictionaries stay.

    ``nodes``, ``account`` or ``job_name`` are keywords of schedulers and of QResources alike. Where
    they do not make a QResources, which has to say how processes are placed, they are the former.
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
    """Make a QResources, which says what a job needs in words that fit every scheduler.

    Raises
    ------
    ArgumentError
        It does not know a keyword, or not this combination.
    """
    from dataclasses import fields

    from qtoolkit.core.data_objects import QResources
    from qtoolkit.core.exceptions import UnsupportedResourcesError

    known = [field.name for field in fields(QResources)]
    if unknown := [keyword for keyword in keywords if keyword not in known]:
        raise ArgumentError(
            f"a QResources has no {unknown[0]!r}: {no_such(unknown[0], known)}",
            hint="keywords of the scheduler itself go without --qresources",
        )
    try:
        return QResources(**keywords)
    except UnsupportedResourcesError as error:
        raise ArgumentError(f"the resources {keywords} cannot be used: {error}") from None


def stored_resources(value: dict[str, Any] | None) -> Any:
    """Return what a script is made with: keywords, or a QResources."""
    if value is None or "@class" not in value:
        return value
    from monty.json import MontyDecoder

    return MontyDecoder().process_decoded(value)
