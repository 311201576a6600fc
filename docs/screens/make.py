"""Take the pictures of README and documentation from the real program: ``make screens``.

A small project is made in a temporary folder, its jobs run, and `jf` is called in a terminal of
a fixed width; what it writes becomes an SVG beside this file. Pages of `jf gui` are drawn by
Chromium, if there is one, and become PNG files. ``make.py pages`` takes these alone.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
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
PAGES = {
    "overview": "/",
    "jobs": "/jobs?name=*Cu*&columns=db_id,name,state,worker,last_updated,run_time",
    "flows": "/flows",
    "job": "/job/{failed}",
    "data": "/job/1/data",
    "files": "/job/1/files",
    "flow": "/flow/1",
    "batches": "/batches",
    "reports": "/reports?interval=hours&number=6",
    "plots": "/plots?y=energy&x=volume&name=static*",
    "events": "/events",
    "runners": "/runners",
    "project": "/project",
    "doctor": "/doctor?examine=1",
    "search": "/search?q=static",
}
"""{name of the picture: address} of the pages of `jf gui`."""
WINDOW = {"width": 1100, "height": 760}


def main() -> None:
    """Make the project and take all pictures, or those of the pages alone."""
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
        for name, words in () if "pages" in sys.argv else SCREENS.items():
            take(name, [word.format(**jobs) for word in words], env, folder)
        subprocess.run([sys.executable, "-c", RUNNING], env=env, check=True, capture_output=True)
        if "pages" not in sys.argv:
            take_live("top", ["top", "-d", "0.5"], env)
        failed = jf(env, "job", "list", "-s", "FAILED", "--format", "name").split()[0]
        names = {
            str(folder): "/home/me/.jfremote",
            str(BIN.parent): "/home/me/jfr-venv",
            str(HERE.parent.parent): "/home/me/jfr-venv/lib/python3.11/site-packages",
            f"{getpass.getuser()}@{socket.gethostname()}": "me@laptop",
            socket.gethostname(): "laptop",
        }
        take_pages(env, {"failed": failed}, names)


RENAME = """names => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        for (const [here, there] of Object.entries(names)) {
            walker.currentNode.data = walker.currentNode.data.replaceAll(here, there);
        }
    }
}"""


def take_pages(env: dict[str, str], ids: dict[str, str], names: dict[str, str]) -> None:
    """Draw pages of `jf gui` in a window, and the first one on a telephone in the dark.

    Parameters
    ----------
    names
        {name of this machine, of a folder or a user: what is written in its place}.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("no chromium: the pages of jf gui are not drawn\n")
        return
    from playwright.sync_api import sync_playwright

    server = pexpect.spawn("jf", ["gui", "--port", "0"], env=env, encoding="utf-8", timeout=60)
    server.expect(r"open (http\S+)")
    link = server.match.group(1)
    base = link.partition("/?")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=WINDOW, color_scheme="light")
        page.goto(link)
        for name, path in PAGES.items():
            page.goto(base + path.format(**ids))
            page.evaluate(RENAME, names)
            page.screenshot(path=HERE / f"page-{name}.png")
            sys.stderr.write(f"page-{name}.png\n")
        page.set_viewport_size({"width": 360, "height": 760})
        page.emulate_media(color_scheme="dark")
        page.goto(base)
        page.screenshot(path=HERE / "page-small.png")
        browser.close()
    server.sendintr()
    server.expect(pexpect.EOF)


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
