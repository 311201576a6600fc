"""The pager, for what is longer than the terminal."""

from __future__ import annotations

import os
from contextlib import suppress


def pager_command() -> list[str]:
    """Return the pager of the user: JF_PAGER, else PAGER, else less; empty for none."""
    import shlex

    for name in ("JF_PAGER", "PAGER"):
        if name in os.environ:
            words = shlex.split(os.environ[name])
            return [] if words == ["cat"] else words
    return ["less"]


def page(text: str) -> bool:
    """Show a long text in the pager; return False if there is no pager."""
    import shutil
    import subprocess

    words = pager_command()
    if not words or shutil.which(words[0]) is None or os.environ.get("TERM") == "dumb":
        return False
    env = {"LESS": "FIRX", **os.environ}
    pager = subprocess.Popen(words, stdin=subprocess.PIPE, env=env, text=True, errors="replace")
    assert pager.stdin is not None
    with suppress(BrokenPipeError):  # it was left before the end
        pager.stdin.write(text)
        pager.stdin.close()
    while True:
        try:
            pager.wait()
        except KeyboardInterrupt:  # Ctrl-C is the pager's
            continue
        return True
