"""How far long work is, and what Ctrl-C leaves behind."""

from __future__ import annotations

import pytest

from controller.errors import LockLostError
from jfr_cli.progress import progress_bar


def paused_and_interrupted() -> None:
    with progress_bar("pausing jobs") as report:
        report(120, 1000)
        raise KeyboardInterrupt


def test_an_interruption_says_what_was_done() -> None:
    words = r"pausing jobs.*120 of 1000.*continues with the rest"
    with pytest.raises(KeyboardInterrupt, match=words):
        paused_and_interrupted()


def test_an_interruption_before_anything_was_done_says_no_more_than_that() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, progress_bar("pausing jobs"):
        raise KeyboardInterrupt
    assert str(caught.value) == ""


def paused_and_ended(dealt_with: int) -> None:
    with progress_bar("pausing jobs") as report:
        report(dealt_with, 1000)
        raise LockLostError("the lock was lost")


@pytest.mark.parametrize(
    ("dealt_with", "words"),
    [
        (120, r": 120 of 1000 were processed; the same command continues with the rest"),
        (0, ""),
    ],
)
def test_an_error_says_what_was_done(dealt_with: int, words: str) -> None:
    with pytest.raises(LockLostError, match=f"^the lock was lost{words}$"):
        paused_and_ended(dealt_with)


def test_nothing_is_drawn_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("pausing jobs") as report:
        report(500, 1000)
    assert capsys.readouterr() == ("", "")
