"""Check which ``jf`` is used, and the settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from controller import __version__
from controller.checks.results import CheckResult
from controller.config import SETTINGS, unknown_variables
from controller.config.settings import PREFIX, setting_names
from controller.config.suggestions import no_such


def check_environment(environ: Mapping[str, str] | None = None) -> list[CheckResult]:
    """Report which ``jf`` is first on the PATH, and which settings are unknown.

    Parameters
    ----------
    environ
        The environment; None means that of the process.
    """
    source = os.environ if environ is None else environ
    found = [_check_command(source)]
    known = [PREFIX + name.upper() for name in setting_names()]
    for name in unknown_variables(source):
        hint = no_such(name.upper(), known)
        found.append(
            CheckResult(f"variable {name}", "jfr does not use this variable", hint, warning=True)
        )
    found += [CheckResult("settings", text, warning=True) for text in SETTINGS.warnings]
    return found


def _check_command(environ: Mapping[str, str]) -> CheckResult:
    """Ask the first ``jf`` on the PATH for its version; that of jobflow-remote has no answer."""
    path = shutil.which("jf", path=environ.get("PATH"))
    if path is None:
        hint = "activate the environment that jfr is installed in"
        return CheckResult("command jf", "there is no jf on the PATH", hint, warning=True)
    try:
        done = subprocess.run(
            [path, "--version"], env=dict(environ), capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return CheckResult("command jf", f"{path} cannot be run: {error}", warning=True, note=path)
    first, _, _ = done.stdout.strip().partition("\n")  # the lines below are about its packages
    if first == f"jfr {__version__}":
        return CheckResult("command jf", note=path)
    other = first or "another program with this name"
    return CheckResult(
        "command jf",
        f"the first jf on the PATH is {path}: {other}, not jfr {__version__}",
        "workers use the PATH too: put the environment of jfr first, or set execution_cmd",
        note=path,
        warning=True,
    )
