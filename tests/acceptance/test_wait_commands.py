"""`jf job wait`, `jf flow wait` and `jf job why`, as installed."""

from __future__ import annotations

import json

import pytest
from installed_jf import Run


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["job", "wait", "1", "2"], 0),
        (["job", "wait", "1", "3"], 7),
        (["job", "wait", "1", "3", "--any"], 0),
        (["job", "wait", "3", "--for", "failed"], 0),
        (["job", "wait", "3", "--for", "paused", "--timeout", "0"], 7),
        (["job", "wait", "-fid", "1"], 0),
        (["job", "wait", "-n", "nothing of this name"], 0),
        (["job", "wait", "99"], 3),
        (["job", "wait", "-did", "99"], 3),
        (["job", "wait", "-fid", "beef"], 3),
        (["flow", "wait", "-s", "PAUSED"], 0),
        (["flow", "wait", "-fid", "beef"], 3),
        (["job", "wait"], 2),
        (["job", "wait", "1", "--for", "RUNING"], 2),
        (["flow", "wait", "1"], 0),
        (["flow", "wait", "1", "3"], 7),
        (["flow", "wait", "-s", "FAILED"], 7),
        (["flow", "wait", "99"], 3),
    ],
)
def test_the_exit_status_tells(finished: Run, words: list[str], code: int) -> None:
    done = finished(*words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if code in (2, 3):
        assert done.stdout == ""


def test_why(finished: Run) -> None:
    text = finished("job", "why", "3").stdout
    assert "its function failed: RuntimeError: there is no such thing" in text
    assert "jf job rerun 3" in text
    found = json.loads(finished("job", "why", "3", "--json").stdout)
    assert [reason["code"] for reason in found["reasons"]] == ["failed"]
    assert found["error"].endswith("RuntimeError: there is no such thing")
    assert finished("job", "why", "1", "--format", "name").stdout == "completed\n"
    assert finished("job", "why", "99").returncode == 3
