"""How words are read: ``--watch`` with and without seconds, and words that are empty."""

from __future__ import annotations

from typing import Any

import pytest

from jfr_cli.app import load_group
from jfr_cli.parsing import UsageError


def read(line: str) -> dict[str, Any]:
    """Return what a command takes from its words; a word ``''`` is empty."""
    group, *words = (word.replace("''", "") for word in line.split())
    command = load_group(group)
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    return dict(command.make_context(name, list(words)).params)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("job list", None),
        ("job list --watch", 2),
        ("job list -W", 2),
        ("job list --watch 5", 5),
        ("job list --watch=5", 5),
        ("job list -W 5", 5),
        ("job list -W5", 5),
        ("job list --watch 0.5 -s FAILED", 0.5),
        ("job list --watch -s FAILED", 2),
        ("job list -W -s FAILED", 2),
        ("job list --name --watch", None),  # somebody's name
        ("job list --name --watch --watch 3", 3),
        ("project worker list --watch 5", 5),
    ],
)
def test_watching_without_arguments(line: str, seconds: float | None) -> None:
    assert read(line)["seconds"] == seconds


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("job info --watch 12", ("12", None, 2)),
        ("job info -W 12", ("12", None, 2)),
        ("job info --watch=5 12", ("12", None, 5)),
        ("job info --watch=5 12 1", ("12", 1, 5)),
        ("job info 12 --watch 5", ("12", None, 5)),
        ("job info 12 -W 5", ("12", None, 5)),
        ("job info 12 --watch", ("12", None, 2)),
        ("job info 12 1 --watch 5", ("12", 1, 5)),
        ("job info 12 --watch -v", ("12", None, 2)),
        ("job info -v 12 --watch 5 -v", ("12", None, 5)),
        ("job info --watch 1a2b3c4d", ("1a2b3c4d", None, 2)),
        ("job info --watch -- 12", ("12", None, 2)),
        ("job info 12 --watch --format ndjson", ("12", None, 2)),
    ],
)
def test_watching_with_arguments(line: str, expected: tuple[str, int | None, float]) -> None:
    given = read(line)
    assert (given["job"], given["index"], given["seconds"]) == expected


@pytest.mark.parametrize("line", ["job info --watch 5 12", "job info -W 12 1"])
def test_a_number_that_may_be_either_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="--watch="):
        read(line)


@pytest.mark.parametrize(
    "line", ["job list --watch abc", "job list --watch 0", "job list -W=5", "job info 1 -W -2"]
)
def test_seconds_that_are_none(line: str) -> None:
    with pytest.raises(UsageError):
        read(line)


@pytest.mark.parametrize(
    "line",
    [
        "job rerun ''",
        "job rerun '' --yes",
        "job rerun -did '' --yes",
        "job rerun --db-id= --yes",
        "job pause -did 1 -did ''",
        "job delete --query '' --yes",
        "job delete --metadata= --yes",
        "job set resources '' -did 1",
        "job files delete ''",
        "flow delete -fid '' --yes",
        "flow delete --name= --yes",
        "batch delete -wk '' --yes",
        "admin unlock -fid '' --yes",
        "project remove '' --yes",
        "backup restore ''",
    ],
)
def test_an_empty_word_never_means_everything(line: str) -> None:
    with pytest.raises(UsageError, match="empty word after"):
        read(line)


def test_a_text_may_be_replaced_by_nothing() -> None:
    given = read("project edit replace old ''")
    assert (given["old"], given["new"]) == ("old", "")


def test_a_saved_filter_is_no_number_of_seconds() -> None:
    for line in ("job list @x --watch", "job list --watch @x", "job list -W 5 @x"):
        given = read(line)
        assert (list(given["saved"]), given["seconds"]) == (["@x"], 5 if "5" in line else 2)


def test_states_may_be_listed_with_commas() -> None:
    given = read("job list -s failed,READY --state PAUSED")
    assert given["state"] == ["failed", "READY", "PAUSED"]
