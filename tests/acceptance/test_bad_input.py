"""What users, locales and homes do to the installed `jf`: one clear line, and the right code."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from installed_jf import Project, Run, environment, terminal_jf
from thoroughness import share

JF = str(Path(sys.executable).with_name("jf"))
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["job", "info", "99"], 3, "there is no job 99"),
        (["job", "info", "ffffffff"], 3, "there is no job ffffffff"),
        (["flow", "info", "99"], 3, "there is no flow 99"),
        (["flow", "wait", "99"], 3, "no flow"),
        (["job", "list", "-s", "completd"], 2, "did you mean COMPLETED?"),
        (["job", "wait", "1", "--for", "COMPLETE"], 2, "did you mean COMPLETED?"),
        (["flow", "list", "-s", "runing"], 2, "did you mean RUNNING?"),
        (["batch", "list", "-s", "runing"], 2, "did you mean RUNNING?"),
        (["job", "list", "-sdate", "2026-13-01"], 2, "'2026-13-01' is not a date"),
        (["job", "list", "-sdate", "2026-05-02", "-edate", "2026-05-01"], 2, "after the end date"),
        (["job", "list", "--hours", "2", "-edate", "2020-01-01"], 2, "after the end date"),
        (["job", "list", "--days", "1", "-sdate", "2026-05-02"], 2, "cannot be combined"),
        (["job", "list", "--days", "1", "--hours", "1"], 2, "cannot be combined"),
        (["job", "list", "--days", "-1"], 2, "--days"),
        (["job", "list", "--days", "99999999999"], 2, "--days"),
        (["flow", "list", "--hours", "99999999999"], 2, "--hours"),
        (["job", "list", "-q", '{"state":'], 2, "--query"),
        (["job", "list", "-q", "[1]"], 2, "--query"),
        (["job", "list", "-meta", "a=b=c"], 2, "--metadata"),
        (["flow", "list", "-meta", "a"], 2, "--metadata"),
        (["job", "list", "-jid", "abc"], 2, "UUID:INDEX"),
        (["job", "list", "--stat", "FAILED"], 2, "did you mean --state?"),
        (["job", "set", "priority", "-5", "-did", "1"], 2, "write -- before a negative number"),
        (["job", "list", "-s", "failed,completd"], 2, "did you mean COMPLETED?"),
        (["job", "list", "--start-date", "2026-13-40"], 2, "'2026-13-40' is not a date"),
        (["job", "list", "--max-results", "abc"], 2, "--max-results"),
        (["job", "list", "--max-results", "-1"], 2, "--max-results"),
        (["job", "list", "--format", "xml"], 2, "yaml"),
        (["job", "list", "--columns", ","], 2, "no column"),
        (["job", "list", "--columns", "stat"], 2, "did you mean state?"),
        (["job", "info", "12:34"], 3, "there is no job 12:34"),
        (["job", "info", "1-5"], 3, "there is no job 1-5"),
        (["job", "info", "0"], 3, "there is no job 0"),
        (["job", "info", "-1"], 2, "there is no option -1"),
        (["job", "info", "--", "-1"], 3, "there is no job -1"),
        (["job", "info", "9" * 40], 3, "there is no job 999"),
        (["job", "info", "1", "x"], 2, "INDEX"),
        (["job", "info", "two\nlines"], 3, "there is no job"),
        (["job", "set-state", "NOWHERE", "1"], 2, "job state"),
        (["job", "rerun", "", "--yes"], 2, "empty word after 'jf job rerun'"),
        (["job", "rerun", "--query", "", "--yes"], 2, "empty word after '--query'"),
        (["-p", "", "job", "rerun", "--yes"], 2, "empty"),
        (["project", "remove", "", "--yes"], 2, "empty word"),
        (["project", "check", "-w", "nowhere"], 3, "nowhere"),
        (["job", "info", "\udcff\udcfe"], 2, "not valid text in this locale"),
        (["job", "list", "-n", "\udcff"], 2, "not valid text in this locale"),
        (["job", "list", "-q", '{"name": "\udcff"}'], 2, "not valid text in this locale"),
        (["jobs", "list"], 2, "did you mean job?"),
        (["flow", "delete", "-did", "1", "--force"], 1, "--yes"),
        (["runner", "reset", "-f"], 1, "--yes"),
        (["project", "remove", "jfr", "-f"], 1, "--yes"),
        (["project", "edit", "replace", "a", "b", "-f"], 1, "--yes"),
        (["admin", "reset", "-f"], 1, "--yes"),
        (["admin", "unlock", "-f"], 1, "--yes"),
        (["admin", "unlock-flow", "-f"], 1, "--yes"),
    ],
)
def test_one_line_says_what_is_wrong(finished: Run, words: list[str], code: int, said: str) -> None:
    done = finished(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2, "a line and what to do"


def test_an_operator_that_the_database_does_not_have(fresh: Project) -> None:
    done = fresh.jf("job", "list", "-q", '{"state": {"$nonsense": 1}}')
    assert done.returncode not in (0, 3, 4)
    assert done.stdout == ""
    assert "$nonsense" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_a_short_uuid_that_several_jobs_have(fresh_embedded: Project) -> None:
    for number in ("1", "2"):
        fresh_embedded.controller.jobs.insert_one(
            {"db_id": number, "uuid": f"abcd1234-0000-4000-8000-00000000000{number}", "index": 1}
        )
    for words in (["job", "info", "abcd"], ["job", "rerun", "abcd1234"], ["job", "wait", "abcd"]):
        done = fresh_embedded.jf(*words)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "abcd" in done.stderr
        assert len(done.stderr.splitlines()) <= 2


def test_names_that_a_terminal_would_obey(fresh_embedded: Project) -> None:
    name = "a\x1b[31mred\x1b]0;title\x07\x00 b\nc"
    submit(fresh_embedded, name)
    shown = fresh_embedded.jf("job", "list").stdout + fresh_embedded.jf("job", "info", "1").stdout
    assert not set("\x1b\x07\x00") & set(shown)
    listed = json.loads(fresh_embedded.jf("job", "list", "--json").stdout)
    assert [row["name"] for row in listed] == [name]
    picked = fresh_embedded.jf("job", "list", "-n", "a*c", "--format", "name")
    assert picked.stdout == "1\n"


def submit(project: Project, *names: str) -> None:
    from acceptance_jobs import add

    for name in names:
        job = add(1, 2)
        job.name = name
        project.controller.add_flow(job, worker="local")


@pytest.mark.parametrize(
    "words", [["job", "list", "--count"], ["project", "check", "-e"], ["runner", "info"]], ids=str
)
def test_files_that_begin_with_a_byte_order_mark(jf: Run, tmp_path: Path, words: list[str]) -> None:
    assert jf("quickstart").returncode == 0
    before = jf(*words)
    (yaml,) = (tmp_path / "projects").glob("*.yaml")
    for path in (yaml, tmp_path / "settings.yaml"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    after = jf(*words)
    assert (after.returncode, after.stdout) == (before.returncode, before.stdout), after.stderr


def test_a_json_project_with_a_byte_order_mark(jf: Run, tmp_path: Path) -> None:
    assert jf("quickstart").returncode == 0
    content = json.loads(jf("--json", "project", "show").stdout)
    (yaml,) = (tmp_path / "projects").glob("*.yaml")
    yaml.unlink()
    yaml.with_suffix(".json").write_text(json.dumps(content), encoding="utf-8-sig")
    assert jf("job", "list", "--count").stdout == "0\n"
    assert jf("project", "validate", str(yaml.with_suffix(".json"))).returncode == 0


@pytest.mark.parametrize(
    "words",
    share(
        [
            ["job", "list", "-vv"],
            ["job", "info", "3"],
            ["job", "why", "3"],
            ["job", "report"],
            ["flow", "info", "1"],
            ["flow", "info", "1", "--report"],
            ["flow", "graph", "1"],
            ["project", "check"],
            ["job", "stop", "99"],
        ]
    ),
    ids=" ".join,
)
def test_a_locale_without_utf_8(finished: Run, words: list[str]) -> None:
    usual = finished(*words)
    done = finished(*words, env=NO_UTF8)
    assert done.returncode == usual.returncode, done.stderr
    assert done.stdout.isascii()
    assert done.stderr.isascii()
    # No sign of our own is written as a number.
    assert not {"\\u2714", "\\u2718", "\\u2500", "\\u2192"} & set(done.stdout.split())


def test_data_in_a_locale_without_utf_8(finished: Run) -> None:
    usual, done = finished("job", "list", "--json"), finished("job", "list", "--json", env=NO_UTF8)
    assert json.loads(done.stdout) == json.loads(usual.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ["flow", "info", "1"],
        ["flow", "info", "1", "--report"],
        ["flow", "graph", "1"],
        ["job", "why", "3"],
        ["job", "report"],
        ["job", "list", "-s", "completd"],
        ["project", "check"],
        ["batch", "list"],
        ["runner", "info"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_a_terminal_of_20_columns(finished: Run, words: list[str], tmp_path: Path) -> None:
    usual = finished(*words)
    folder = finished("project", "list", "--json")
    home = Path(json.loads(folder.stdout)[0]["file"]).parent
    child = pexpect.spawn(
        shlex.join([terminal_jf(), "--no-pager", *words]),
        env=environment(home, TERM="xterm"),
        timeout=60,
        dimensions=(24, 20),
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == usual.returncode
    assert "jfr_cli" not in child.before, "a defect of ours"
    assert child.before.strip()


@pytest.mark.parametrize(
    "words",
    [["quickstart"], ["project", "generate", "new"], ["--install-completion"]],
    ids=" ".join,
)
def test_a_home_that_cannot_be_written(tmp_path: Path, words: list[str]) -> None:
    before: list[str] = []
    if not os.geteuid():
        if shutil.which("setpriv") is None:
            pytest.skip("root without setpriv: permissions do not count")
        before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    env = environment(tmp_path / "projects", HOME=str(home), SHELL="/bin/bash")
    for name in ("JFREMOTE_PROJECTS_FOLDER", "JFREMOTE_CONFIG_FILE"):
        del env[name]
    done = subprocess.run(
        [*before, JF, *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert str(home) in done.stderr
    assert "ermission denied" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("words", [["--help"], ["--tree"], ["flow", "info", "1"]], ids=" ".join)
def test_a_pipe_that_is_closed_at_once(finished: Run, words: list[str]) -> None:
    folder = json.loads(finished("project", "list", "--json").stdout)[0]["file"]
    line = f"{{ {shlex.join([JF, *words])}; echo $? >&2; }} | true"
    done = subprocess.run(
        ["sh", "-c", line],
        env=environment(Path(folder).parent),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == "0\n"


def test_a_flow_with_all_there_is_to_see(finished: Run) -> None:
    report = finished("flow", "info", "1", "-rep")
    assert "2 of 2 completed" in report.stdout
    ordered = finished("flow", "info", "1", "--sort", "db_id", "-revs", "--columns", "db_id")
    assert [word for word in ordered.stdout.split() if word in "12"][:2] == ["2", "1"]
    uuid = json.loads(finished("flow", "info", "1", "--json").stdout)["uuid"]
    assert finished("flow", "wait", uuid[:8], "--timeout", "5").returncode == 0


@pytest.mark.parametrize(
    ("content", "env", "said"),
    [
        ("foo: [", {}, "settings.yaml"),
        ("cli_log_level: loud", {}, "cli_log_level"),
        ("[1]", {}, "settings.yaml"),
        ("", {"JFREMOTE_CLI_FULL_EXC": "maybe"}, "JFREMOTE_CLI_FULL_EXC"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_settings_that_cannot_be_used(
    finished: Run, tmp_path: Path, content: str, env: dict[str, str], said: str, more: list[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(content)
    done = finished("job", "list", *more, env={"JFREMOTE_CONFIG_FILE": str(settings), **env})
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if more:
        assert said in json.loads(done.stderr)["error"]["message"]
