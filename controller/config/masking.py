"""Hiding secrets before a project is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.config.models import Project

MASK = "********"

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|api_?key|access_?key|connection_string|^pwd$|^webhook$"
    r"|^apprise$",
    re.IGNORECASE,
)
_URI_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s]*(?=@)", re.IGNORECASE)


def is_secret(key: object) -> bool:
    """Whether the value of a key must be hidden.

    Examples
    --------
    >>> is_secret("tlsCertificateKeyFilePassword"), is_secret("key_filename")
    (True, False)
    """
    return isinstance(key, str) and _SECRET_KEY.search(key) is not None


def masked(value: Project | Any) -> Any:
    """Return a copy in which secrets are hidden.

    Parameters
    ----------
    value
        A `Project`, which becomes plain data with every default written out, or plain data.

    Returns
    -------
    Any
        The value of every key that names a secret, and the password within every URI, is
        replaced by asterisks; a secret that is empty or None stays so.
    """
    if hasattr(value, "model_dump"):
        return masked(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {k: MASK if v and is_secret(k) else masked(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(v) for v in value]
    if isinstance(value, str):
        return _URI_PASSWORD.sub(rf"\g<head>{MASK}", value)
    return value
