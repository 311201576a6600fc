"""Every command and option of jobflow-remote is here, with its short name and its default."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from jfr_cli.generate.files import jf_tree
from jfr_cli.generate.tree import Command, Parameter

FACTS = Path(__file__).parents[2] / "golden" / "jobflow-remote-commands.txt"


def lines() -> dict[str, str]:
    """{what stands before the colon: what stands behind it}, without comments."""
    kept = [line for line in FACTS.read_text("utf-8").splitlines() if line and line[0] != "#"]
    return {name: text for name, _, text in (line.partition(":") for line in kept)}


LINES = lines()
COMMANDS = [name for name in LINES if not name.startswith("$")]


def expanded(text: str) -> list[str]:
    """The words of a line, those of its bundles too."""
    words = []
    for word in text.split():
        words += expanded(LINES[word]) if word.startswith("$") else [word]
    return words


@cache
def ours() -> dict[str, Command]:
    return {" ".join(command.words): command for command in jf_tree().walk()}


def is_hidden(words: str) -> bool:
    """Whether the command or a group that it is in is left out of help."""
    parts = words.split()
    return any(ours()[" ".join(parts[: n + 1])].hidden for n in range(len(parts)))


def complaint(word: str, found: Parameter) -> str:
    """What is different about an option, "" when it is as it was."""
    _, takes_a_value, default = word.lstrip("~").partition("=")
    if bool(found.value) is not bool(takes_a_value):
        return "a flag is a flag, and a value a value"
    if found.hidden is not word.startswith("~"):
        return "hidden or not"
    if default == "*":
        return "" if found.repeatable else "may be repeated"
    return f"default is {found.default!r}" if default and found.default != default else ""


@pytest.mark.parametrize("name", COMMANDS, ids=lambda name: name.lstrip("~") or "jf")
def test_every_option(name: str) -> None:
    command = ours()[name.lstrip("~")]
    assert is_hidden(name.lstrip("~")) is name.startswith("~")
    by_name = {spelling: option for option in command.parameters for spelling in option.names}
    wrong = []
    for word in expanded(LINES[name]):
        if not re.match("~?-", word):
            continue
        for spelling in word.lstrip("~").partition("=")[0].split("/"):
            found = by_name.get(spelling)
            said = "is missing" if found is None else complaint(word, found)
            wrong += [f"{spelling}: {said}"] if said else []
    assert not wrong


ALSO_SEVERAL = {"job set resources"}
"""Commands of jobflow-remote whose one argument may be several words here."""


@pytest.mark.parametrize("name", COMMANDS, ids=lambda name: name.lstrip("~") or "jf")
def test_every_argument(name: str) -> None:
    words = [word for word in expanded(LINES[name]) if not re.match("~?-", word)]
    arguments = ours()[name.lstrip("~")].arguments
    assert len(arguments) >= len(words)
    for word, found in zip(words, arguments, strict=False):
        assert found.required is not word.startswith("["), word
        repeatable = word.endswith("...") or name in ALSO_SEVERAL
        assert found.repeatable is repeatable, word
        default = word.partition("=")[2]
        assert not default or found.default == default, word
    assert not any(found.required for found in arguments[len(words) :])


def test_every_group_prints_its_tree() -> None:
    groups = [command for command in ours().values() if command.is_group]
    without = [g.words for g in groups if "--tree" not in {n for p in g.options for n in p.names}]
    assert not without
