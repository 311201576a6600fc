"""Completion scripts, manual pages and helps say what the commands are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.states import JobState
from jfr_cli.app import app
from jfr_cli.generate.files import FOLDERS, generated_files, help_makers, jf_tree
from jfr_cli.generate.manual import manual_pages
from jfr_cli.generate.shells import completion_scripts
from jfr_cli.generate.tree import Command, Parameter

ROOT = Path(__file__).parents[3]
PAGES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/man/*.1"))


@pytest.fixture(scope="module")
def tree() -> Command:
    """The commands, read once where a test asks for them: collecting must be quick."""
    return jf_tree()


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Names and texts of the files that `make generate` writes."""
    return generated_files()


def leaves(tree: Command) -> list[Command]:
    return [command for command in tree.walk() if not command.is_group]


def test_the_files_are_as_the_commands_are_now(files: dict[str, str]) -> None:
    made_with = (ROOT / FOLDERS[2] / "made-with").read_text()
    same = made_with == help_makers()
    compared = {n: text for n, text in files.items() if same or not n.startswith(FOLDERS[2])}
    assert compared
    different = [name for name, text in compared.items() if written(name) != text]
    assert not different, "they are not as the commands are now: run `make generate`"


def written(name: str) -> str:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_nothing_else_lies_beside_them(files: dict[str, str]) -> None:
    found = {str(p.relative_to(ROOT)) for f in FOLDERS for p in (ROOT / f).iterdir()}
    assert found == set(files), "run `make generate`"


def test_every_command_has_an_example_of_itself(tree: Command) -> None:
    without = [
        command.words
        for command in leaves(tree)
        if not any(" ".join(("", *command.words)) in line for line in command.examples)
    ]
    assert not without, "their docstrings need a line `Example: jf ...`"


def test_every_command_and_parameter_is_described(tree: Command) -> None:
    commands = list(tree.walk())
    assert not [c.words for c in commands if not c.summary.endswith(".")]
    assert not [(c.words, p.names) for c in commands for p in c.parameters if not p.text]


def test_no_help_shows_a_value_behind_a_flag(files: dict[str, str]) -> None:
    helps = {name: text for name, text in files.items() if name.startswith(FOLDERS[2])}
    assert helps
    assert not [name for name, text in helps.items() if "<bool>" in text or "BOOLEAN" in text]


KNOWN_VALUES = {
    *("ID", "UUID", "UUID:INDEX", "STATE", "FORMAT", "WHEN", "FIELD", "WORKER", "PROJECT"),
}


def test_fixed_words_are_known(tree: Command) -> None:
    lists = next(command for command in leaves(tree) if command.words == ("job", "list"))
    words = {name: p.words for p in lists.parameters for name in p.names}
    assert words["-s"] == tuple(state.name for state in JobState)
    assert words["-did"] == words["-n"] == ()
    assert {p.kind for p in lists.parameters if "-did" in p.names or "-wk" in p.names} == {
        "jobs",
        "workers",
    }


def test_what_jf_can_know_is_completed(tree: Command) -> None:
    wanting = [
        (command.words, p.names)
        for command in tree.walk()
        for p in command.parameters
        if p.value in KNOWN_VALUES and not p.kind and not p.words
    ]
    assert not wanting, "give them `autocompletion=` of jfr_cli/complete.py or jfr_cli/choices.py"


@pytest.mark.parametrize(
    "linter",
    [
        ["mandoc", "-T", "lint", "-W", "warning"],
        ["groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-z"],
    ],
    ids=lambda words: words[0],
)
def test_manual_pages_are_good_roff(linter: list[str]) -> None:
    if shutil.which(linter[0]) is None:
        pytest.skip(f"{linter[0]} is not installed")
    assert PAGES
    done = subprocess.run([*linter, *PAGES], cwd=ROOT, capture_output=True, text=True, timeout=60)
    complaints = (done.stdout + done.stderr).splitlines()
    assert not [line for line in complaints if "missing date" not in line]


def a_tree(text: str) -> Command:
    option = Parameter(("--odd", "-o"), True, "X", "", (), text, "", False, False, False)
    leaf = Command(("do",), (text,), (text,), "", (option,), (), False, False)
    return Command((), (text,), (), "", (option,), (leaf,), True, False)


ODD = "It's a `$(touch evil)` \"thing\": \\n -- ; end' .TH [x]"


@pytest.mark.parametrize(
    ("shell", "script"), [("bash", "jf.bash"), ("zsh", "_jf"), ("fish", "jf.fish")]
)
def test_odd_descriptions_do_no_harm(shell: str, script: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / script
    path.write_text(completion_scripts(a_tree(ODD))[script])
    load = {"zsh": f"compdef() {{ : }}; . {path}", "bash": f". {path}", "fish": f". {path}"}[shell]
    for words in (["-n", str(path)], ["-c", f"{load}; _jf_facts ' do'; true"]):
        done = subprocess.run(
            [shell, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert shell == "fish" or not done.stderr
        assert done.returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == [script]


def test_odd_descriptions_in_a_manual_page() -> None:
    page = manual_pages(a_tree(f".{ODD}"), "1")["jf-do.1"]
    assert r"\&.It\(aqs a \(ga$(touch evil)\(ga" in page
    assert r"\en" in page


def tree_of(words: list[str]) -> set[tuple[str, ...]]:
    """Paths of the commands that `jf ... --tree` prints, read by their indentation."""
    shown = CliRunner().invoke(app, [*words, "--tree"], prog_name="jf").output
    found: set[tuple[str, ...]] = set()
    path: list[str] = []
    for line in shown.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        path = [*path[:depth], line.split()[0]]
        found.add(tuple(path))
    return found


def visible(command: Command) -> Iterator[Command]:
    for below in command.commands:
        if not below.hidden:
            yield below
            yield from visible(below)


def test_the_tree_is_complete(tree: Command) -> None:
    assert tree_of([]) == {command.words for command in visible(tree)}


def test_the_tree_of_a_group_is_complete(tree: Command) -> None:
    groups = [command for command in tree.commands if command.is_group]
    assert groups
    for group in groups:
        expected = {group.words, *(command.words for command in visible(group))}
        assert tree_of(list(group.words)) == expected
