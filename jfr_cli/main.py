"""Entry point of the `jf` command.

Recognises ``jf execution run``, which every job starts with, ``jf --version`` and the questions of
the completion scripts before Typer is imported: a worker process, and TAB, pay for what they need
and nothing else.
"""

from __future__ import annotations

import os
import sys

_FLAGS = ("-fe", "--full-exc")
_WITH_VALUE = ("-p", "--project")


def main() -> None:
    """Run the command line."""
    if "_JF_OFFER" in os.environ:
        from jfr_cli.values import answer

        sys.stdout.write(answer(os.environ))
        return
    words = _without_root_options(sys.argv[1:])
    if words[:2] == ["execution", "run"] and not any(w.startswith("-") for w in words[2:]):
        from controller.execution.run import run_remote_job

        sys.exit(run_remote_job(*words[2:3]))
    if words == ["--version"]:
        from controller import __version__

        sys.stdout.write(f"jfr {__version__}\n")
        return
    from jfr_cli.app import run

    sys.exit(run())


def _without_root_options(words: list[str]) -> list[str]:
    rest = list(words)
    while rest:
        if rest[0] in _FLAGS:
            del rest[0]
        elif rest[0] in _WITH_VALUE and len(rest) > 1:
            del rest[:2]
        else:
            break
    return rest
