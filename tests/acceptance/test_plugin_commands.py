"""Plugins: loaded when they are needed, listed with what is wrong, harmless otherwise."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from installed_jf import Run, environment, runner_of

ENTRY_POINTS = """\
[jfr.plugins]
good = fake_plugin:register
taken = fake_plugin:register_taken
broken = fake_plugin:nothing_of_this_name
stops = fake_plugin:stops
[jobflow_remote.plugins]
old = fake_old_plugin
"""
PLUGIN = """\
import enum
import sys
import typer


class TableSpec(str, enum.Enum):
    round = "round"
    square = "square"


sys.stderr.write("fake_plugin is loaded\\n")
group = typer.Typer(help="Of the plugin.")


@group.command()
def hello(name: str) -> None:
    print(f"hello {name}")


@group.command()
def other(kind: TableSpec = TableSpec.round) -> None:
    raise SystemExit(7)


def register(commands):
    commands.add_group("greet", group)


def register_taken(commands):
    commands.add_group("job", group)


def stops(commands):
    raise RuntimeError("on purpose")
"""
OLD_PROGRAM = "import typer\napp = typer.Typer()\napp.add_typer(typer.Typer(), name='own')\n"
OLD_PLUGIN = """\
import typer


def setup_jf_plugin():
    from jobflow_remote.cli.jf import app

    old = typer.Typer()

    @old.command("one")
    def one() -> None:
        print("one of the old")

    @old.command("two")
    def two() -> None:
        print("two of the old")

    app.add_typer(old, name="oldies")

    @app.command()
    def single_thing() -> None:
        print("a single thing")
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages that are no part of the environment."""
    folder = tmp_path / "site"
    info = folder / "fake_plugin-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-plugin\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "fake_plugin.py").write_text(PLUGIN)
    (folder / "fake_old_plugin.py").write_text(OLD_PLUGIN)
    return folder


@pytest.fixture
def jf(tmp_path: Path, site: Path) -> Run:
    """`jf` with the plugins."""
    run = runner_of(tmp_path / "projects")

    def with_plugins(*words: str, **more: str) -> object:
        return run(*words, env={"PYTHONPATH": str(site), **more})

    return with_plugins  # type: ignore[return-value]


def add_old_program(site: Path) -> None:
    package = site / "jobflow_remote" / "cli"
    package.mkdir(parents=True)
    (package / "jf.py").write_text(OLD_PROGRAM)


def test_a_group_of_a_plugin_is_a_command(jf: Run) -> None:
    assert jf("greet", "hello", "you").stdout == "hello you\n"
    assert jf("greet", "other").returncode == 7
    assert "Of the plugin." in jf("greet", "--help").stdout


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["--help"], {}),
        (["--tree"], {}),
        (["project", "list"], {}),
        (["project", "list", "--help"], {}),
        ([], {"_JF_COMPLETE": "complete_bash", "COMP_WORDS": "jf jo", "COMP_CWORD": "1"}),
    ],
)
def test_nothing_is_loaded_without_need(jf: Run, words: list[str], more: dict[str, str]) -> None:
    assert "is loaded" not in jf(*words, **more).stderr


def test_tab_knows_plugins_once_its_script_is_installed(jf: Run, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "SHELL": "/bin/bash"}
    done = subprocess.run(
        ["bash", "-c", "jf --install-completion; :"],
        env={**environment(tmp_path / "projects"), "PYTHONPATH": str(tmp_path / "site"), **home},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "without plugin stops: RuntimeError: on purpose" in done.stderr
    script = tmp_path / ".local/share/bash-completion/completions/jf"
    lines = [
        f"COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}; _jf jf; echo ${{COMPREPLY[@]}}"
        for line in ("jf gre", "jf greet ", "jf greet other --ki", "jf jo")
    ]
    found = subprocess.run(
        ["bash", "-c", "\n".join([f". {shlex.quote(str(script))}", *lines])],
        env={**environment(tmp_path / "projects"), "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout.splitlines() == ["greet", "hello other", "--kind", "job"]
    assert "is loaded" not in found.stderr


def test_failures_are_listed_and_harm_nobody(jf: Run) -> None:
    done = jf("plugin", "list", "--json")
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["good"]["commands"] == ["greet"]
    assert (rows["good"]["package"], rows["good"]["version"]) == ("fake-plugin", "1.2")
    errors = {name: row["error"] for name, row in rows.items() if not row["loaded"]}
    assert set(errors) == {"taken", "broken", "stops", "old"}
    assert "already exists" in errors["taken"]
    assert "on purpose" in errors["stops"]
    assert "jobflow_remote" in errors["old"]
    assert "on purpose" not in jf("plugin", "list").stdout
    assert "on purpose" in jf("plugin", "list", "-e").stdout


def test_plugins_of_jobflow_remote_are_taken_over(jf: Run, site: Path) -> None:
    add_old_program(site)
    rows = {row["name"]: row for row in json.loads(jf("plugin", "list", "--json").stdout)}
    assert rows["old"]["commands"] == ["oldies", "single-thing"]
    assert jf("oldies", "two").stdout == "two of the old\n"
    assert jf("single-thing").stdout == "a single thing\n"


def test_the_setting_keeps_plugins_out(jf: Run) -> None:
    done = jf("greet", "hello", "you", JFREMOTE_CLI_LOAD_PLUGINS="false")
    assert done.returncode == 2
    assert "is loaded" not in done.stderr
    listed = json.loads(jf("plugin", "list", "--json", JFREMOTE_CLI_LOAD_PLUGINS="false").stdout)
    assert {row["loaded"] for row in listed} == {False}
    assert "cli_load_plugins" in listed[0]["error"]
