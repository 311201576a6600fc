"""What is installed: the version of jfr, its extras, and the packages that matter for jobs.

Read from the metadata of packages, so that none of them is imported.
"""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from typing import Any

PACKAGES = ("jobflow", "maggma", "pymongo", "qtoolkit", "pydantic", "monty", "jfr-jobflow-remote")
"""Packages whose versions are listed if they are installed."""
_FOR_DEVELOPERS = {"dev", "docs"}
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w.-]+)['"]""")
_NAME = re.compile(r"[\w.-]+")


def version_facts(jfr: str, schema: int) -> dict[str, Any]:
    """Return what is installed, as `jf --version --json` prints it.

    Parameters
    ----------
    jfr
        Version of jfr.
    schema
        Version of the schemas of data.
    """
    return {
        "jfr": jfr,
        "schema": schema,
        "python": platform.python_version(),
        "extras": extras(),
        "packages": {name: found for name in PACKAGES if (found := _installed(name))},
    }


def version_text(facts: dict[str, Any]) -> str:
    """Return the installed versions as lines; the first one is the version of jfr."""
    there = [name for name, is_there in facts["extras"].items() if is_there]
    missing = [name for name, is_there in facts["extras"].items() if not is_there]
    with_extras = f"extras: {', '.join(there) or 'none'}"
    without = f"; not installed: {', '.join(missing)}" if missing else ""
    packages = ", ".join(f"{name} {found}" for name, found in facts["packages"].items())
    lines = [
        f"jfr {facts['jfr']}",
        f"Python {facts['python']}, {packages}" if packages else f"Python {facts['python']}",
        with_extras + without,
    ]
    if facts["packages"].get("jfr-jobflow-remote") and _installed("jobflow-remote"):
        lines.append(
            "jobflow-remote and jfr-jobflow-remote are both installed: uninstall one of them"
        )
    return "\n".join(lines)


def extras() -> dict[str, bool]:
    """Return {extra of jfr: whether all that it needs is installed}, without those of developers.

    Empty where jfr itself is not installed, but only on the path.
    """
    try:
        needed = requires("jfr") or []
        names = distribution("jfr").metadata.get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return {}
    found = {name: True for name in sorted(names) if name not in _FOR_DEVELOPERS}
    for requirement in needed:
        extra = _EXTRA.search(requirement)
        name = _NAME.match(requirement)
        if extra is None or name is None or extra[1] not in found:
            continue
        found[extra[1]] &= _installed(name[0]) is not None
    return found


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
