"""Convert errors to a message on standard error and an exit status."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from controller import errors
from controller.safe_text import one_line
from jfr_cli.console import print_data, say

EXIT_CODES = {
    0: "done, also when a filter matches nothing",
    1: "failure",
    2: "wrong usage",
    3: "an id, name or project that does not exist",
    4: "the database or a host cannot be reached, or refuses access",
    5: "partly done",
    6: "all refused: locked, or in a state that does not allow it",
    7: "awaited jobs failed",
    8: "still pending at the time limit",
    9: "a check found problems",
    130: "interrupted (Ctrl-C)",
    143: "terminated (SIGTERM)",
}

_CODES: tuple[tuple[type[errors.ControllerError], int], ...] = (
    (errors.ProjectUndefinedError, 3),
    (errors.ProjectParsingError, 3),
    (errors.NotFoundError, 3),
    (errors.StorageUnavailableError, 4),
    (errors.HostUnavailableError, 4),
    (errors.LockedDocumentError, 6),
    (errors.LockLostError, 6),
    (errors.StateError, 6),
    (errors.RunningRunnerError, 6),
    (errors.JobFailedError, 7),
    (errors.TooManyError, 1),
    (errors.ArgumentError, 2),
    (errors.UnsupportedOperationError, 2),  # caused by a user's query
)
_REFUSED, _PARTLY = 6, 5
_EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)")


def exit_code(error: errors.ControllerError) -> int:
    """Return the exit status for an error: that of the first matching kind.

    A refusal after some work was done means that the work is partly done.
    """
    code = next((code for kind, code in _CODES if isinstance(error, kind)), 1)
    return _PARTLY if code == _REFUSED and error.done else code


def report(error: errors.ControllerError, *, as_json: bool) -> int:
    """Write an error and return its exit status."""
    return _write(exit_code(error), error.message, error.hint, as_json=as_json)


def report_end(code: int, message: str, *, as_json: bool) -> int:
    """Write why `jf` was interrupted and return its exit status."""
    return _write(code, message, None, as_json=as_json)


def report_defect(error: Exception, *, as_json: bool) -> int:
    """Write an unexpected error and return its exit status."""
    if isinstance(error, OSError):
        # A full disk or missing permissions, unless the caller is more specific.
        what = error.strerror or str(error)
        said = f"{error.filename}: {what}" if error.filename else what
        return _write(1, said, None, as_json=as_json)
    if isinstance(error, UnicodeEncodeError) and (words := unreadable_words(sys.argv)):
        return _write(
            2, f"not valid text in this locale: {', '.join(words)}", None, as_json=as_json
        )
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return _write(1, message, "run `jf --full-exc ...` for a traceback", as_json=as_json)


def unreadable_words(words: list[str]) -> list[str]:
    """Return the words that contain undecodable bytes; file names may."""
    return [ascii(word) for word in words if any("\ud800" <= c <= "\udfff" for c in word)]


def report_usage(error: Any, *, as_json: bool) -> int:
    """Write the error that Typer found in the command line; return the exit status.

    A group called without a command is not an error: its help is data.
    """
    if type(error).__name__ == "NoArgsIsHelpError":
        if text := error.format_message().strip():
            print_data(text)
        return 2
    context = getattr(error, "ctx", None)
    message = " ".join(_usage_message(error).split())
    if extra := _EXTRA.match(message):
        message = f"unexpected argument: {extra[1]}"
    hint = _selecting(extra[1], context) if context and extra else None
    if context and hint is None:
        hint = f"see `{context.command_path} --help`"
    return _write(error.exit_code, message.rstrip("."), hint, as_json=as_json)


def _selecting(extra: str, context: Any) -> str | None:
    """Return how to give an id to a command that selects by options only; None for others."""
    known = {name for p in context.command.get_params(context) for name in p.opts}
    option = "-fid" if " flow " in context.command_path else "-did"
    return f"give an id with its option: {option} {extra.split()[0]}" if option in known else None


def _usage_message(error: Any) -> str:
    """Return the message; for an unknown option, with a suggestion."""
    written, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if type(error).__name__ != "NoSuchOption" or not written or context is None:
        return str(error.format_message())
    parameters = context.command.get_params(context)
    known = [
        name
        for p in parameters
        if p.param_type_name == "option" and not p.hidden
        for name in (*p.opts, *p.secondary_opts)
    ]
    if not written.startswith("--"):
        # For an unknown word with one dash, only the first letter is reported.
        words = (word.partition("=")[0] for word in sys.argv[1:] if word.startswith(written))
        written = next((word for word in words if word not in known), written)
    if written[1:2].isdigit():
        return (
            f"there is no option {written}: write -- before a negative number, as in -- {written}"
        )
    from controller.config.suggestions import nearest

    near = nearest(written, known)
    return f"there is no option {written}" + (f": did you mean {near}?" if near else "")


def _write(code: int, message: str, hint: str | None, *, as_json: bool) -> int:
    if as_json:
        content = {"code": code, "message": message, "hint": hint}
        say(json.dumps({"error": content}))
    else:
        say(f"jf: {one_line(message)}" + (f"\n    {one_line(hint)}" if hint else ""))
    return code
