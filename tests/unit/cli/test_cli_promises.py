"""What every command of `jf` has to have: a command that is new must be put down here."""

from __future__ import annotations

from typing import Any

import pytest

from jfr_cli.app import GROUPS, load_group

READS = {
    *("job list", "job info", "job output", "job wait", "job why", "job dump", "job queue-out"),
    *("job log", "job todir", "job report", "job files ls", "job cd"),
    *("flow list", "flow info", "flow wait", "flow graph", "flow report"),
    *("runner status", "runner info", "runner list", "runner log", "runner unit"),
    "runner foreground",
    *("project list", "project check", "project check-conflicts", "project validate"),
    *(
        "project show",
        "job filter list",
        "flow filter list",
        "project worker list",
        "project exec_config list",
    ),
    *("batch list", "batch info", "plugin list", "gui", "top"),
    *("events", "job history", "admin log", "notify list", "metrics"),
}
"""Commands that change nothing."""

WITHOUT_DRY_RUN = {
    "job files get": "writes the files that it names",
    "worker test": "runs a job of its own, and removes it",
    "notify test": "sends the message that it is there to send",
    "worker login": "asks what it has to ask: there is no plan to show",
    "runner run": "runs jobs until it is told to end: there is no plan to show",
    "execution run": "is what a job is on its worker",
    "execution run-batch": "is what a batch process is on its worker",
    "execution pool": "is what runs the jobs of a warm worker",
    **dict.fromkeys(
        (f"runner {name}" for name in ("start", "stop", "shutdown", "kill", "stop-processes")),
        "starts or ends processes, which `jf runner status` shows before",
    ),
    **dict.fromkeys(
        (f"runner {name}" for name in ("restart", "reload", "pause", "resume")),
        "is a request to runners: there is no plan to show",
    ),
}
"""{command that changes something and has no ``--dry-run``: why}."""


def all_commands() -> dict[str, Any]:
    """Return {words: command} of everything that can be run, hidden or not."""

    def below(command: Any, words: str) -> dict[str, Any]:
        if not hasattr(command, "commands"):
            return {words: command}
        inner = command.commands
        return {k: v for name in inner for k, v in below(inner[name], f"{words} {name}").items()}

    return {k: v for group in GROUPS for k, v in below(load_group(group), group).items()}


COMMANDS = all_commands()


def options_of(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_what_changes_something_can_be_tried_without_doing_it(words: str) -> None:
    has_dry_run = "--dry-run" in options_of(COMMANDS[words])
    assert has_dry_run is (words not in READS and words not in WITHOUT_DRY_RUN)


def test_the_lists_name_commands_that_exist() -> None:
    assert READS | set(WITHOUT_DRY_RUN) <= set(COMMANDS)
    assert not READS & set(WITHOUT_DRY_RUN)


@pytest.mark.parametrize("words", sorted(set(COMMANDS) - READS))
def test_what_changes_something_is_not_done_again_and_again(words: str) -> None:
    assert "--watch" not in options_of(COMMANDS[words])


@pytest.mark.parametrize("words", sorted(set(COMMANDS) & READS))
def test_lists_infos_and_reports_can_be_watched(words: str) -> None:
    if words.rpartition(" ")[2] in ("list", "info", "report", "why"):
        assert "--watch" in options_of(COMMANDS[words])


@pytest.mark.parametrize("words", sorted(set(COMMANDS) & READS))
def test_what_changes_nothing_asks_nothing(words: str) -> None:
    assert "--yes" not in options_of(COMMANDS[words])
