"""How far long work is, and what Ctrl-C leaves behind."""

from __future__ import annotations

import pytest

from jfr_cli.progress import progress_bar


def paused_and_interrupted() -> None:
    with progress_bar("pausing jobs") as report:
        report(120, 1000)
        raise KeyboardInterrupt


def test_an_interruption_says_what_was_done() -> None:
    words = r"pausing jobs.*120 of 1000.*goes on with the rest"
    with pytest.raises(KeyboardInterrupt, match=words):
        paused_and_interrupted()


def test_an_interruption_before_anything_was_done_says_no_more_than_that() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, progress_bar("pausing jobs"):
        raise KeyboardInterrupt
    assert str(caught.value) == ""


def test_nothing_is_drawn_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("pausing jobs") as report:
        report(500, 1000)
    assert capsys.readouterr() == ("", "")
