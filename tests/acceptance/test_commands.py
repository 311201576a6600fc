"""What people and scripts see: streams, formats and exit codes of the installed `jf`."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from installed_jf import Run, environment

from controller import __version__


def test_version(jf: Run) -> None:
    first, second, third = jf("--version").stdout.splitlines()
    assert first == f"jfr {__version__}"
    assert second.startswith(f"Python {platform.python_version()}, jobflow ")
    assert third.startswith("extras: ")
    facts = json.loads(jf("--version", "--json").stdout)
    assert (facts["jfr"], facts["extras"]["ssh"]) == (__version__, True)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_groups_and_the_exit_codes(jf: Run, flag: str) -> None:
    done = jf(flag)
    assert done.returncode == 0
    for word in ("job", "flow", "runner", "project", "admin", "quickstart", "Exit status"):
        assert word in done.stdout


def test_tree_names_every_command(jf: Run) -> None:
    tree = jf("--tree").stdout
    for name in ("list", "info", "output", "reset", "generate", "check", "run"):
        assert name in tree


def test_no_project_is_one_line_and_exit_3(jf: Run) -> None:
    done = jf("job", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert "quickstart" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_project_name_is_exit_3(finished: Run) -> None:
    done = finished("-p", "jfrr", "job", "list")
    assert done.returncode == 3
    assert "did you mean jfr?" in done.stderr


def test_errors_as_json(finished: Run) -> None:
    done = finished("job", "info", "999", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    error = json.loads(done.stderr)["error"]
    assert error["code"] == 3
    assert "999" in error["message"]


def test_quickstart_twice_is_fine(finished: Run) -> None:
    assert finished("quickstart").returncode == 0
    assert finished("job", "list", "--count").stdout == "3\n"


def test_lists_as_json_hold_everything(finished: Run) -> None:
    jobs = json.loads(finished("job", "list", "--json", "--sort", "db_id").stdout)
    assert [job["db_id"] for job in jobs] == ["3", "2", "1"]
    assert [job["state"] for job in jobs] == ["FAILED", "COMPLETED", "COMPLETED"]
    assert jobs[2]["name"] == 'a name; with "quotes" and \u00e5'
    assert jobs[2]["updated_on"].endswith("Z")
    flows = json.loads(finished("flow", "list", "--json").stdout)
    assert {flow["state"] for flow in flows} == {"COMPLETED", "FAILED"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-s", "failed"], ["3"]),
        (["-did", "1", "-did", "2"], ["1", "2"]),
        (["-fid", "2"], ["1", "2"]),
        (["-e"], ["3"]),
        (["-n", "a name*"], ["1"]),
        (["-wk", "elsewhere"], []),
        (["-q", '{"db_id": "2"}'], ["2"]),
        (["--days", "1"], ["1", "2", "3"]),
        (["-sdate", "2001-01-01"], ["1", "2", "3"]),
        (["-edate", "2001-01-01"], []),
        (["-lf", "1"], ["3"]),
        (["-m", "1"], ["3"]),
    ],
)
def test_filters(finished: Run, words: list[str], expected: list[str]) -> None:
    done = finished("job", "list", *words, "--format", "name", "--sort", "db_id")
    assert done.returncode == 0
    assert sorted(done.stdout.split()) == expected


@pytest.mark.parametrize("form", ["yaml", "csv", "ndjson", "count", "name", "table", "wide"])
def test_every_format_prints(finished: Run, form: str) -> None:
    done = finished("job", "list", "--format", form)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert done.stderr == ""


def test_a_pipe_gets_whole_ids_and_no_colour(finished: Run) -> None:
    uuid = json.loads(finished("job", "list", "--json").stdout)[0]["uuid"]
    table = finished("job", "list", "-vv").stdout
    assert uuid in table
    assert "\x1b" not in table


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["job", "list", "--format", "xml"], 2),
        (["job", "list", "-s", "FALED"], 2),
        (["job", "list", "--days", "1", "-sdate", "2001-01-01"], 2),
        (["job", "list", "-q", "nonsense"], 2),
        (["job", "list", "-o", "nonsense"], 2),
        (["job", "list", "--sort", "nonsense"], 2),
        (["job", "lst"], 2),
        (["job", "info"], 2),
        (["job", "info", "99"], 3),
        (["job", "output", "3"], 3),
        (["flow", "info", "99"], 3),
        (["admin", "reset"], 2),
        (["project", "check", "-w", "nowhere"], 3),
    ],
)
def test_bad_input_is_told_in_short(finished: Run, words: list[str], code: int) -> None:
    done = finished(*words)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_info_and_output(finished: Run) -> None:
    assert finished("job", "output", "2").stdout == "6\n"
    failed = finished("job", "info", "3").stdout
    assert "there is no such thing" in failed
    assert "\nstate = 'FAILED'\n" in failed
    assert failed.startswith("db_id = '3'\n")
    assert json.loads(finished("job", "info", "3", "--json").stdout)["state"] == "FAILED"
    assert "sums" in finished("flow", "info", "1").stdout


def test_project_check(finished: Run) -> None:
    done = finished("project", "check", "--json")
    assert done.returncode == 0, done.stdout
    assert all(row["ok"] for row in json.loads(done.stdout))


def test_a_broken_project_file_harms_no_other(finished: Run, tmp_path: Path) -> None:
    folder = tmp_path / "projects"
    folder.mkdir()
    (folder / "broken.yaml").write_text("name: broken\nqueue: {store: 3}\n")
    jf_here = subprocess.run(
        [str(Path(sys.executable).with_name("jf")), "quickstart"],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert jf_here.returncode == 0, jf_here.stderr


def test_a_database_that_is_away_is_exit_4(jf: Run, tmp_path: Path) -> None:
    folder = tmp_path / "projects"
    folder.mkdir()
    (folder / "away.yaml").write_text(
        "name: away\nqueue:\n  store: {type: MongoStore, host: 127.0.0.1, port: 9, "
        "database: d, collection_name: jobs}\n"
    )
    done = jf("job", "list")
    assert (done.returncode, done.stdout) == (4, "")
    assert len(done.stderr.splitlines()) == 2
    assert "does not answer" in done.stderr


def test_a_reader_that_goes_away_is_no_error(finished: Run, tmp_path: Path) -> None:
    done = finished("project", "list")
    assert done.returncode == 0
    folder = Path(json.loads(finished("project", "list", "--json").stdout)[0]["file"]).parent
    shell = subprocess.run(
        ["bash", "-c", "set -o pipefail; jf job list --json | head -1"],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shell.stdout == "[\n"
    assert "Traceback" not in shell.stderr


def test_a_terminal_gets_colours_and_its_width(finished: Run) -> None:
    folder = Path(json.loads(finished("project", "list", "--json").stdout)[0]["file"]).parent
    env = environment(folder, TERM="xterm-256color")
    env.pop("NO_COLOR", None)
    out = pexpect.run(
        f"{Path(sys.executable).with_name('jf')} job list",
        env=env,
        timeout=60,
        dimensions=(40, 80),
        encoding="utf-8",
    )
    assert "\x1b[" in out
    assert "COMPLETED" in out


def test_reset_refuses_to_ask_without_a_terminal(finished: Run) -> None:
    done = finished("admin", "reset")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert finished("job", "list", "--count").stdout == "3\n"


def test_ids_may_be_listed_with_commas(finished: Run) -> None:
    assert finished("job", "list", "-did", "1,2", "--format", "count").stdout == "2\n"
    assert finished("job", "list", "-did", "1,99", "-did", "3", "--format", "count").stdout == "2\n"
    assert finished("job", "list", "-fid", "99,1", "--format", "count").stdout != "0\n"


@pytest.mark.parametrize("words", [["info"], ["why"], ["queue-out"], ["pause", "--dry-run"]])
def test_an_index_beside_a_db_id_is_said_to_be_ignored(finished: Run, words: list[str]) -> None:
    done = finished("job", words[0], "1", "3", *words[1:])
    assert done.stderr.count("INDEX is ignored") == 1
