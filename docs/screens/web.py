"""Take the pictures of the web page: ``python docs/screens/web.py``.

A small project is made in a temporary folder, its jobs run, `jf gui` serves it, and Chromium takes
the pictures beside this file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from make import BIN, HERE, LATER, SUBMIT, jf
from playwright.sync_api import sync_playwright

SCREENS = {
    "web-overview": ("/", "light", 700),
    "web-jobs": ("/jobs", "light", 560),
    "web-flow": ("/flow/1", "light", 620),
    "web-job": ("/job/{failed}", "dark", 700),
}
WIDTH = 1000


def main() -> None:
    """Make the project and take all pictures."""
    with tempfile.TemporaryDirectory(prefix="jfr-screens-") as name:
        folder = Path(name)
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("JFREMOTE_", "COLUMNS"))},
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "JFREMOTE_PROJECTS_FOLDER": str(folder / "jfr"),
            "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
            "TZ": "UTC",
        }
        (folder / "settings.yaml").touch()
        jf(env, "quickstart")
        subprocess.run([sys.executable, "-c", SUBMIT], env=env, check=True, capture_output=True)
        jf(env, "runner", "run", "--until-idle", "--log-level", "error")
        subprocess.run([sys.executable, "-c", LATER], env=env, check=True, capture_output=True)
        failed = jf(env, "job", "list", "-s", "FAILED", "--format", "name").split()[0]
        take(env, {name: (p.format(failed=failed), c, h) for name, (p, c, h) in SCREENS.items()})


def take(env: dict[str, str], screens: dict[str, tuple[str, str, int]]) -> None:
    """Serve the project and save what a browser shows."""
    words = ["jf", "gui", "--port", "0"]
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        links = (re.search(r"open (http\S+)", line) for line in server.stderr)
        link = next(found[1] for found in links if found)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                context = browser.new_context()
                page = context.new_page()
                page.goto(link)
                for name, (path, scheme, height) in screens.items():
                    page.emulate_media(color_scheme=scheme)
                    page.set_viewport_size({"width": WIDTH, "height": height})
                    page.goto(link.partition("/?")[0] + path)
                    page.screenshot(path=HERE / f"{name}.png")
                    sys.stderr.write(f"{name}.png\n")
                browser.close()
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
