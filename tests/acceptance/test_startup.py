"""What a command imports is part of what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jfr_cli.app import GROUPS

NEVER_FOR_HELP = {"pymongo", "bson", "pydantic", "maggma", "jobflow", "qtoolkit", "numpy"}
NEVER_FOR_LISTS = {"maggma", "jobflow", "qtoolkit", "mongomock_ng", "numpy", "pymongo"}


def imported(*words: str, prepare: str = "") -> set[str]:
    script = (
        "import sys\n"
        f"sys.argv = ['jf', *{list(words)!r}]\n{prepare}\n"
        "from jfr_cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('MODULES', *sorted({m.partition('.')[0] for m in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    last = [line for line in done.stdout.splitlines() if line.startswith("MODULES")]
    assert last, done.stderr
    return set(last[0].split())


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    assert not imported(*words) & NEVER_FOR_HELP


def test_help_of_a_group_imports_nothing_heavy() -> None:
    # Typer itself imports pydantic where a command has options (typer/_adapters.py, 0.29).
    assert not imported("job", "--help") & (NEVER_FOR_HELP - {"pydantic"})


def test_a_list_imports_no_more_than_it_needs(tmp_path: object) -> None:
    prepare = (
        f"import os\nos.environ['JFREMOTE_PROJECTS_FOLDER'] = {str(tmp_path)!r}\n"
        "from controller.config import ConfigManager, quickstart_project\n"
        "ConfigManager().create_project(quickstart_project('p'))\n"
    )
    assert not imported("job", "list", prepare=prepare) & NEVER_FOR_LISTS


def test_a_worker_imports_no_more_than_jobflow(tmp_path: object) -> None:
    found = imported("execution", "run", str(tmp_path))
    assert not found & {"typer", "rich", "controller.config"}


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_group_of_the_help_is_a_module(name: str) -> None:
    module = __import__(f"jfr_cli.commands.{name}", fromlist=["app"])
    assert module.app is not None
