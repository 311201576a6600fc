"""Take the pictures of the README from the real command: ``make screens``.

A small project is made in a temporary folder, its jobs run, and `jf` is called in a terminal of
a fixed width; what it writes becomes an SVG beside this file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS, LINES = 92, 60
LIVE_LINES = 26
BIN = Path(sys.executable).parent
SUBMIT = """
from jobflow import Flow
from controller import submit_flow
from jfr_cli.demo_jobs import equation_of_state, fails_on_purpose
for element in ("Cu", "Pd"):
    submit_flow(equation_of_state(element))
submit_flow(Flow([fails_on_purpose("Si")], name="fails on purpose"))
"""
RUNNING = """
from datetime import timedelta
from controller import ConfigManager, JobController
from controller.documents import utc_now
with JobController.from_project(ConfigManager().get_project()) as controller:
    for number, job in enumerate(controller.get_jobs_info(name="static Cu*")):
        fields = {"state": ["RUNNING", "SUBMITTED", "RUNNING", "UPLOADED"][number % 4]}
        if fields["state"] == "RUNNING":
            fields["start_time"] = utc_now() - timedelta(seconds=700 * number + 83)
            fields["end_time"] = None
        controller.jobs.update_one({"db_id": job.db_id}, {"$set": fields})
"""
LATER = """
from controller import submit_flow
from jfr_cli.demo_jobs import equation_of_state
submit_flow(equation_of_state("Ni"))
"""
SCREENS = {
    "flow-list": ["flow", "list"],
    "flow-info": ["flow", "info", "1"],
    "job-list": ["job", "list", "-m", "8"],
    "job-why": ["job", "why", "{waiting}"],
    "job-report": ["job", "report", "days", "4"],
    "dry-run": ["job", "rerun", "-s", "FAILED", "--dry-run"],
}


def main() -> None:
    """Make the project and take all pictures."""
    with tempfile.TemporaryDirectory(prefix="jfr-screens-") as name:
        folder = Path(name)
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("JFREMOTE_", "COLUMNS"))},
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "JFREMOTE_PROJECTS_FOLDER": str(folder / "jfr"),
            "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
            "TERM": "xterm-256color",
            "JF_PAGER": "",
            "TZ": "UTC",
        }
        (folder / "settings.yaml").touch()
        jf(env, "quickstart")
        subprocess.run([sys.executable, "-c", SUBMIT], env=env, check=True, capture_output=True)
        jf(env, "runner", "run", "--until-idle", "--log-level", "error")
        subprocess.run([sys.executable, "-c", LATER], env=env, check=True, capture_output=True)
        jf(env, "job", "pause", "-n", "relax Ni")
        jobs = {
            "waiting": jf(env, "job", "list", "-n", "fit Ni", "--format", "name").split()[0],
        }
        for name, words in SCREENS.items():
            take(name, [word.format(**jobs) for word in words], env, folder)
        subprocess.run([sys.executable, "-c", RUNNING], env=env, check=True, capture_output=True)
        take_live("top", ["top", "-d", "0.5"], env)


def take_live(name: str, words: list[str], env: dict[str, str]) -> None:
    """Start a command that draws its screen itself, and save the screen after some seconds."""
    child = pexpect.spawn("jf", words, env=env, dimensions=(LIVE_LINES, COLUMNS), timeout=60)
    screen = pyte.Screen(COLUMNS, LIVE_LINES)
    stream = pyte.ByteStream(screen)
    end = time.monotonic() + 8
    while time.monotonic() < end:
        try:
            stream.feed(child.read_nonblocking(65536, timeout=0.2))
        except pexpect.TIMEOUT:
            continue
    child.send("q")
    child.close()
    shown = Text()
    for row in range(LIVE_LINES):
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            color, behind = (_color(value) for value in (cell.fg, cell.bg))
            style = Style(color=color, bgcolor=behind, bold=cell.bold, reverse=cell.reverse)
            shown.append(cell.data, style)
        shown.append("\n")
    save(name, words, shown)


def _color(value: str) -> str | None:
    """Return a colour of pyte as Rich takes it."""
    if value == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", value):
        return f"#{value}"
    return {"brown": "yellow"}.get(value, value.replace("bright", "bright_"))


def jf(env: dict[str, str], *words: str) -> str:
    """Run the command and return what it writes."""
    done = subprocess.run(["jf", *words], env=env, capture_output=True, text=True, check=False)
    return done.stdout


def take(name: str, words: list[str], env: dict[str, str], folder: Path) -> None:
    """Call the command in a terminal and save what is on the screen."""
    child = pexpect.spawn(
        "jf", words, env=env, dimensions=(LINES, COLUMNS), encoding="utf-8", timeout=60
    )
    child.expect(pexpect.EOF)
    screen = str(child.before).replace("\r\n", "\n").rstrip()
    lines = [line for line in screen.split("\n") if not line.startswith("project jfr (")]
    save(name, words, Text.from_ansi("\n".join(lines).replace(str(folder), "~")))


def save(name: str, words: list[str], shown: Text) -> None:
    """Write a picture."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(
            record=True,
            width=COLUMNS,
            force_terminal=True,
            color_system="truecolor",
            file=nowhere,
        )
        console.print(shown)
        svg = console.export_svg(title=f"jf {' '.join(words)}", theme=MONOKAI)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
    sys.stderr.write(f"{name}.svg\n")


if __name__ == "__main__":
    main()
