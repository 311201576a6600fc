"""What TAB offers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from controller.config import settings
from controller.storage.embedded import open_database
from controller.storage.indexes import FLOW_INDEXES, JOB_INDEXES, build_indexes
from jfr_cli import app
from jfr_cli.completion_values import answer

UUID = "{:08x}-0000-4000-8000-000000000000"
EVIL = "a\\\"); touch evil; [/b]$(touch evil)`x`'\n\t[red]"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A project file whose database holds eleven jobs of two flows, the last one changed last."""
    folder = tmp_path_factory.mktemp("ids")
    database = open_database(folder / "q.db")
    jobs, flows = database.collection("jobs"), database.collection("runs")
    build_indexes(jobs, JOB_INDEXES)
    build_indexes(flows, FLOW_INDEXES)
    for number in range(1, 12):
        host = "aaaa" if number < 4 else "bbbb"
        name = EVIL if number == 11 else f"relax {number}"
        jobs.insert_one(
            {
                "db_id": f"{number}",
                "uuid": UUID.format(0xABC0 + number),
                "index": 2,
                "state": "READY",
                "updated_on": datetime(2026, 1, number),
                "job": {"name": name, "hosts": [host]},
            }
        )
        if number in (1, 4):
            flow = {"uuid": host, "name": f"flow {host}", "state": "RUNNING"}
            flows.insert_one({**flow, "updated_on": datetime(2026, 1, number)})
    database.close()
    store = f"{{type: EmbeddedStore, path: {folder / 'q.db'}}}"
    return f"name: ids\nqueue: {{store: {store}, flows_collection: runs}}\n"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str) -> Any:
    """What a shell is offered for an unfinished line."""
    (tmp_path / "one.yaml").write_text("name: one\nworkers: {near: {}, far: {}}\n")
    (tmp_path / "other.yaml").write_text("name: other\nworkers: {cluster: {}}\n")
    (tmp_path / "broken.yaml").write_text("name: [\n")
    (tmp_path / "ids.yaml").write_text(project)
    values = settings.JobflowRemoteSettings(projects_folder=str(tmp_path))
    monkeypatch.setattr(settings, "SETTINGS", values, raising=False)

    def offered(line: str, shell: str = "bash") -> list[str]:
        env = {
            "_JF_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
        result = CliRunner().invoke(app.app, [], env=env, prog_name="jf")
        assert not result.stderr
        return [line for line in result.stdout.splitlines() if line]

    return offered


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("jf j", ["job"]),
        ("jf nosuch q", ["quickstart"]),
        ("jf job list --sort d", ["db_id"]),
        ("jf job list --format c", ["csv", "count"]),
        ("jf job l", ["list", "log"]),
        ("jf job list --sta", ["--state", "--start-date"]),
        ("jf job list -di", ["-did"]),
        ("jf job list -s remote", ["remote_error"]),
        ("jf job list -s BATCH_R", ["BATCH_RUNNING"]),
        ("jf flow list -s PAU", ["PAUSED"]),
        ("jf -p o", ["one", "other"]),
        ("jf -p one job list -wk ", ["far", "near"]),
        ("jf job list -wk c", ["cluster"]),
        ("jf -p nosuch job list -wk ", []),
        ("jf -p ids job info 1", ["11", "10", "1"]),
        ("jf -p ids job info 1 ", []),
        ("jf -p ids job list -did 9", ["9"]),
        ("jf -p ids job list -did 5 -did 7", ["7"]),
        ("jf -p ids job info 0000abc4", [UUID.format(0xABC4)]),
        ("jf -p ids job list -jid 0000abc4", [UUID.format(0xABC4) + ":2"]),
        (f"jf -p ids job list -jid {UUID.format(0xABC4)}:", [UUID.format(0xABC4) + ":2"]),
        ("jf -p ids flow list -jid 0000abc4", [UUID.format(0xABC4)]),
        ("jf -p ids flow info ", ["4", "1"]),
        ("jf -p ids flow info b", ["bbbb"]),
        ("jf -p ids job list -fid ", ["4", "1"]),
        ("jf -p one job info ", []),
        ("jf job info ", []),
    ],
)
def test_tab(shell: Any, line: str, expected: list[str]) -> None:
    assert shell(line) == expected


@pytest.mark.parametrize(
    ("kind", "selected", "word", "expected"),
    [
        ("jobs", "ids", "9", "9\tREADY relax 9\n"),
        ("jobs", "", "9", ""),
        ("jobs", "nosuch", "9", ""),
        ("flows", "ids", "4", "4\tRUNNING flow bbbb\n"),
        ("projects", "", "o", "one\nother\n"),
        ("workers", "one", "", "far\nnear\n"),
        ("exec_configs", "one", "", ""),
        ("what a newer script asks", "one", "", ""),
    ],
)
def test_what_a_script_is_answered(
    shell: Any, kind: str, selected: str, word: str, expected: str
) -> None:
    assert answer({"_JF_OFFER": kind, "_JF_PROJECT": selected, "_JF_WORD": word}) == expected


def test_ids_are_described(shell: Any) -> None:
    assert shell("jf -p ids job info 9", "fish") == ["9\tREADY relax 9"]
    assert shell("jf -p ids flow info ", "fish")[0] == "4\tRUNNING flow bbbb"


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_a_name_is_no_command_and_no_markup(shell: Any, name: str) -> None:
    found = "\n".join(shell("jf -p ids job info 11", name))
    assert "READY a" in found
    assert not set("\\`[$") & set(found)
