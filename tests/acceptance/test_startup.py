"""What a command imports is part of what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from jfr_cli.app import GROUPS, load_group
from jfr_cli.completion_values import OFFERS

NEVER_FOR_HELP = {"pymongo", "bson", "pydantic", "maggma", "jobflow", "qtoolkit", "numpy"}
NEVER_FOR_LISTS = NEVER_FOR_HELP - {"bson", "pydantic"} | {"mongomock_ng", "networkx"}
NEVER_TO_SHOW = {
    "controller.jobcontroller",
    "controller.leases",
    "controller.locks",
    "controller.operations.insertion",
}
TYPERS_OWN = {"pydantic"}
"""Typer itself imports it where a command has options (typer/_adapters.py, 0.29)."""


def imported(*words: str, prepare: str = "", tab: str = "", offers: Sequence[str] = ()) -> set[str]:
    """Modules that a fresh interpreter has imported after `jf` with the words, or after TAB.

    With offers, after it has answered the scripts of shells for each of these kinds.
    """
    script = (
        "import os, sys\n"
        f"sys.argv = ['jf', *{list(words)!r}]\n{prepare}\n"
        f"if {tab!r}: os.environ.update(_JF_COMPLETE='complete_bash', COMP_WORDS={tab!r}, "
        f"COMP_CWORD='{len(tab.split(' ')) - 1}')\n"
        "from jfr_cli.main import main\n"
        f"for kind in {list(offers)!r} or ['']:\n"
        "    if kind: os.environ['_JF_OFFER'] = kind\n"
        "    try:\n        main()\n    except SystemExit:\n        pass\n"
        "found = {m.partition('.')[0] for m in sys.modules} | {*sys.modules}\n"
        "print('\\nMODULES', *sorted(found))\n"
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


@pytest.fixture(scope="module")
def with_a_project(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Statements that point `jf` to a project with an empty database."""
    folder = str(tmp_path_factory.mktemp("started"))
    script = (
        "from controller.config import ConfigManager, quickstart_project\n"
        "from controller.jobcontroller import JobController\n"
        "ConfigManager().create_project(quickstart_project('p'))\n"
        "with JobController.from_project_name('p') as controller: controller.reset()\n"
    )
    env = {**os.environ, "JFREMOTE_PROJECTS_FOLDER": folder}
    subprocess.run([sys.executable, "-c", script], env=env, check=True, timeout=60)
    return f"os.environ['JFREMOTE_PROJECTS_FOLDER'] = {folder!r}"


SHARED_PARTS = {"reports", "saved_filters"}
"""Modules of commands that several groups take in."""


@pytest.mark.parametrize(
    "line",
    [
        *("jf jo", "jf job ", "jf job li", "jf job list --st", "jf job list -s R", "jf -p "),
        *("jf job list -wk ", "jf job list -did 1", "jf job list -jid a"),
        *("jf job info ", "jf flow info "),
    ],
)
def test_tab_imports_nothing_heavy(with_a_project: str, line: str) -> None:
    found = imported(prepare=with_a_project, tab=line)
    assert not found & (NEVER_FOR_HELP - TYPERS_OWN)
    groups = {m.split(".")[2] for m in found if m.startswith("jfr_cli.commands.")}
    group = line.split(" ")[1]
    parts = {m for m in groups if m.startswith(f"{group}_")} | SHARED_PARTS
    assert groups <= {group, *parts}, "TAB imports the group that is typed, and no other"
    assert "controller.storage.embedded.file" not in found


@pytest.mark.parametrize("words", [["job", "list"], ["flow", "list"], ["job", "info", "1"]])
def test_what_only_shows_imports_nothing_that_changes(
    with_a_project: str, words: list[str]
) -> None:
    found = imported(*words, prepare=with_a_project)
    assert "controller.reader" in found
    assert not found & (NEVER_FOR_LISTS | NEVER_TO_SHOW)


def test_the_scripts_get_their_answers_without_typer(with_a_project: str) -> None:
    found = imported(prepare=with_a_project, offers=sorted(OFFERS))
    assert {"controller.storage.embedded.lookup", "controller.config"} & found
    assert not found & (NEVER_FOR_HELP | {"typer", "click", "rich"})
    assert "controller.storage.embedded.file" not in found


def test_help_of_a_group_imports_nothing_heavy() -> None:
    assert not imported("job", "--help") & (NEVER_FOR_HELP - TYPERS_OWN)


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
def test_every_group_of_the_help_says_the_same_of_itself(name: str) -> None:
    command = load_group(name)
    assert command.help.splitlines()[0] == GROUPS[name]
