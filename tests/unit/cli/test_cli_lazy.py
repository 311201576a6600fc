"""A group builds a command when it is used, and is otherwise like any group of Typer."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import typer
from typer.completion import completion_init  # type: ignore[attr-defined]  # imported there
from typer.testing import CliRunner

from jfr_cli.command_groups import command_group
from jfr_cli.lazy import built

completion_init()  # as jfr_cli.app does


@pytest.fixture
def app() -> typer.Typer:
    group, inner = command_group("Outer."), command_group("Inner.")

    @group.command("one")
    def one(number: int = 1) -> None:
        """Do one thing."""
        typer.echo(f"one {number}")

    @group.command(hidden=True)
    def the_other() -> None:
        """Do another thing."""
        typer.echo("the other")

    @inner.command("deep", deprecated=True)
    def deep() -> None:
        """Do a deep thing."""
        typer.echo("deep")

    group.add_typer(inner, name="inner")
    return group


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the commands that Typer has built."""
    found: list[str] = []
    real = typer.main.get_command_from_info

    def noted(command_info: Any, **settings: Any) -> Any:
        found.append(command_info.callback.__name__)
        return real(command_info, **settings)

    monkeypatch.setattr(typer.main, "get_command_from_info", noted)
    return found


def run(command: Any, *words: str, tab: str = "") -> str:
    env = {"_X_COMPLETE": "complete_bash", "COMP_WORDS": tab, "COMP_CWORD": str(tab.count(" "))}
    with CliRunner().isolation(env=env if tab else {"COLUMNS": "80"}) as streams:
        with suppress(SystemExit):
            command.main(list(words), prog_name="x", complete_var="_X_COMPLETE")
        return str(streams[0].getvalue().decode())


@pytest.mark.parametrize(
    ("words", "tab", "expected", "built_commands"),
    [
        (["one", "--number", "3"], "", "one 3", ["one"]),
        (["the-other"], "", "the other", ["the_other"]),
        (["inner", "deep"], "", "deep", ["deep"]),
        (["--help"], "", "Do one thing.", []),
        (["inner", "--help"], "", "(deprecated)", []),
        ([], "x o", "one", []),
        ([], "x inner ", "deep", []),
        ([], "x one --nu", "--number", ["one"]),
    ],
)
def test_only_what_is_used_is_built(
    app: typer.Typer,
    builds: list[str],
    words: list[str],
    tab: str,
    expected: str,
    built_commands: list[str],
) -> None:
    shown = run(built(app), *words, tab=tab)
    assert expected in shown
    assert builds == built_commands
    assert "Do another thing" not in shown


def test_help_is_that_of_typer(app: typer.Typer) -> None:
    assert run(built(app), "--help") == run(typer.main.get_command(app), "--help")
