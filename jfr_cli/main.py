"""Entry point of the `jf` command.

Recognises ``jf execution run``, which every cold job starts with, ``jf execution pool``,
``jf --version`` and the questions of the completion scripts before Typer is imported: a worker
process, and TAB, pay for what they need and nothing else.
"""

from __future__ import annotations

import os
import sys

_FLAGS = ("-fe", "--full-exc")
_WITH_VALUE = ("-p", "--project")
_LASTING = ("runner", "top", "execution")
"""Commands that may run for weeks."""


def main() -> None:
    """Run the command line."""
    _open_what_is_closed()
    try:
        _run()
    except KeyboardInterrupt:  # before anything has started
        sys.stderr.write("jf: interrupted\n")
        sys.exit(130)


def _run() -> None:
    if "_JF_OFFER" in os.environ:
        from jfr_cli.completion_values import answer

        sys.exit(_written(answer(os.environ)))
    words = _without_root_options(sys.argv[1:])
    if words[:2] == ["execution", "run"] and not any(w.startswith("-") for w in words[2:]):
        from controller.execution.run import run_remote_job

        sys.exit(run_remote_job(*words[2:3]))
    if words == ["execution", "pool"]:
        from controller.execution.zygote import main as serve

        sys.exit(serve())
    if words == ["--version"]:
        from controller import __version__
        from controller.tables.schemas import VERSION
        from jfr_cli.versions import version_facts, version_text

        if status := _written(version_text(version_facts(__version__, VERSION)) + "\n"):
            sys.exit(status)
        return
    if not words or words[0] not in _LASTING:
        _collect_rarely()
    from jfr_cli.app import run

    sys.exit(run())


def _collect_rarely() -> None:
    """Collect garbage after every 200,000 new objects instead of every 700.

    Imports create 60,000 permanent objects: searching them for garbage took a fifth of the time of
    a command. Long-running commands, and jobs, keep Python's setting.
    """
    import gc

    gc.set_threshold(200_000, 20, 20)


def _open_what_is_closed() -> None:
    """Replace standard streams that the caller closed (``jf ... >&-``).

    They are not read, and nothing is asked. A database must not get their numbers either: what
    some library writes to standard error would end up in its file.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _written(text: str) -> int:
    """Write to standard output, and return the exit status."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        from jfr_cli.console import give_up, say

        give_up(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return 0
        say(f"jf: {error.strerror}")
        return 1
    return 0


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
