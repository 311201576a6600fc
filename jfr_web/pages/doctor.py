"""Problems of the queue, as the doctor finds them."""

from __future__ import annotations

from typing import Any

from controller.rules.diagnosis.findings import Severity
from jfr_web.address_filters import Ask
from jfr_web.site import Site

_TONES = {Severity.PROBLEM: "bad", Severity.WARNING: "warn", Severity.NOTE: "idle"}


def doctor(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Examine the queue if the request asks for it: this reads every job."""
    found = None
    if ask.flag("examine"):
        from controller.doctor import diagnose

        found = diagnose(site.controller)
    return "doctor.html", {
        "title": "Doctor",
        "found": found,
        "tones": _TONES,
        "command": "jf admin doctor",
    }
