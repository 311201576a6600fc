"""Keep a runner running across logout and reboot: a systemd user unit, and crontab lines."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

_KEPT = ("JFREMOTE_PROJECTS_FOLDER", "JFREMOTE_CONFIG_FILE", "PYTHONPATH")
"""Environment variables that a runner may need but that systemd and cron do not pass on."""


def systemd_unit(project: str) -> str:
    """Return a systemd user unit for the runner of a project, with instructions as comments."""
    variables = "".join(
        f"Environment={_quoted(f'{name}={value}')}\n" for name, value in _environment().items()
    )
    name = shlex.quote(unit_name(project))
    return f"""\
# {name}: the runner of project {project}.
#   mkdir -p ~/.config/systemd/user
#   jf -p {shlex.quote(project)} runner unit > ~/.config/systemd/user/{name}
#   systemctl --user daemon-reload
#   systemctl --user enable --now {name}
#   loginctl enable-linger
# The last line matters: without it, systemd ends all processes of a user, including this one, when
# the user's last session is closed, and does not start the runner when the machine boots.
# Without systemd: jf -p {shlex.quote(project)} runner unit --cron
[Unit]
Description=jfr runner of project {project.replace("%", "%%")}

[Service]
Type=simple
{variables}ExecStart={_command(project)} runner run
ExecReload=/bin/kill -HUP $MAINPID
# The runner ends after its current step; jobs that it has started keep running.
KillMode=process
TimeoutStopSec=120
Restart=on-failure
RestartSec=30

[Install]
WantedBy=default.target
"""


def unit_name(project: str) -> str:
    """Return the name of a project's unit, escaped as by systemd-escape."""
    name = "".join(
        letter
        if re.fullmatch(r"[A-Za-z0-9:_.-]", letter)
        else "".join(rf"\x{byte:02x}" for byte in letter.encode())
        for letter in project
    )
    return f"jfr-{name}.service"


def cron_line(project: str) -> str:
    """Return crontab lines that start a runner at boot, and restart it if it has died."""
    variables = "".join(f"{name}={shlex.quote(value)} " for name, value in _environment().items())
    command = " ".join([shlex.quote(str(_jf())), "-p", shlex.quote(project), "runner", "start"])
    line = f"{variables}{command} >/dev/null 2>&1".replace("%", r"\%")
    return f"""\
# Starts the runner of project {project} at boot, and every ten minutes if it is not running.
# To install it:
#   (crontab -l; jf -p {shlex.quote(project)} runner unit --cron) | crontab -
@reboot {line}
*/10 * * * * {line}"""


def _command(project: str) -> str:
    # systemd expands variables only there.
    return " ".join(_quoted(word).replace("$", "$$") for word in (str(_jf()), "-p", project))


def _quoted(word: str) -> str:
    """Quote a word for systemd."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"' if not text or set(text) & set(" \t'\"\\;") else text


def _jf() -> Path:
    """Return the path of the `jf` of this environment."""
    return Path(sys.executable).with_name("jf")


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if os.environ.get(name)}
