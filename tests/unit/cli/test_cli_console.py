"""What is written where the locale knows few letters."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest

from controller.config import settings
from jfr_cli.console import hint, print_data, say, survive_the_locale


def written_in_ascii(write: Callable[[str], Any], text: str) -> tuple[bytes, bytes]:
    """The bytes that arrive at standard output and standard error."""
    out, err = io.BytesIO(), io.BytesIO()
    streams = [io.TextIOWrapper(raw, encoding="ascii", write_through=True) for raw in (out, err)]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        survive_the_locale()
        write(text)
    return out.getvalue(), err.getvalue()


def test_json_stays_json() -> None:
    value = ["Grüße", "✔", "😀"]
    out, err = written_in_ascii(print_data, json.dumps(value, ensure_ascii=False))
    assert json.loads(out) == value
    assert not err


def test_a_message_never_fails() -> None:
    assert written_in_ascii(say, "Grüße") == (b"", b"Gr??e\n")


def test_hints_follow_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for wanted in (True, False):
        chosen = settings.JobflowRemoteSettings(cli_suggestions=wanted)
        monkeypatch.setitem(vars(settings), "SETTINGS", chosen)
        hint("look there", "never")
        assert ("look there" in capsys.readouterr().err) is wanted
