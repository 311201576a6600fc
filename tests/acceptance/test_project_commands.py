"""``jf project``: what people and scripts see."""

from __future__ import annotations

import json
import os
import tomllib
import uuid
from pathlib import Path

import pytest
import yaml
from installed_jf import Run, answering, runner_of
from servers import ENGINES, mongo_client


@pytest.fixture
def jf(tmp_path: Path) -> Run:
    """`jf` on a fresh project of the embedded database."""
    run = runner_of(tmp_path / "projects")
    assert run("quickstart", "mine").returncode == 0
    return run


@pytest.fixture
def file(tmp_path: Path, jf: Run) -> Path:
    """The project's file."""
    return tmp_path / "projects" / "mine.yaml"


def test_check_says_how_to_mend_it(jf: Run, file: Path, tmp_path: Path) -> None:
    file.write_text(
        file.read_text().replace("max_jobs", "execution_cmd: no-such-program {}\n    max_jobs")
    )
    done = jf("project", "check", "--json", env={"JFREMOTE_PROJET": "mine"})
    assert done.returncode == 9
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    assert rows["worker local"]["ok"] is False
    assert "execution_cmd" in rows["worker local"]["hint"]
    assert rows["variable JFREMOTE_PROJET"]["warning"]
    assert "JFREMOTE_PROJECT" in rows["variable JFREMOTE_PROJET"]["hint"]
    assert rows["command jf"]["problem"] is None
    assert jf("project", "check", "-q").returncode == 0
    assert "set pre_run or execution_cmd" in jf("project", "check").stdout


def test_which_project_is_selected_and_which_files_are_not_usable(jf: Run, file: Path) -> None:
    assert jf("project").stdout == f"the selected project is mine ({file})\n"
    file.with_name("broken.yaml").write_text("name: [")
    listed = jf("project", "list")
    assert "invalid: broken.yaml" in listed.stderr
    assert "broken" not in listed.stdout
    unknown = jf("-p", "nothing", "project")
    assert unknown.stdout == ""
    assert "no project is selected" in unknown.stderr


def test_check_of_stores_that_do_not_answer(jf: Run, file: Path) -> None:
    """One line each, and the other parts are checked all the same."""
    project = yaml.safe_load(file.read_text())
    dead = {"type": "MongoStore", "host": "127.0.0.1", "port": 1, "database": "o"}
    project["jobstore"] = {"docs_store": {**dead, "collection_name": "outputs"}}
    grid = {**dead, "type": "GridFSStore", "collection_name": "blobs"}
    project["optional_jobstores"] = {
        "grid": {"docs_store": {"type": "MemoryStore"}, "additional_stores": {"data": grid}}
    }
    file.write_text(yaml.safe_dump(project))
    done = jf("--json", "project", "check")
    assert done.returncode == 9, done.stderr
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    assert rows["queue"]["ok"]
    assert rows["worker local"]["ok"]
    for name in ("jobstore", "jobstore grid"):
        assert "does not answer" in rows[name]["problem"]
        assert "check that the server is running" in rows[name]["hint"]
        assert "\n" not in rows[name]["problem"]


def test_a_store_without_its_package_is_named(jf: Run, file: Path) -> None:
    """The file stays usable: lists work, and what is wrong is told before jobs run for nothing."""
    project = yaml.safe_load(file.read_text())
    project["jobstore"] = {"docs_store": {"type": "MontyStore", "collection_name": "outputs"}}
    file.write_text(yaml.safe_dump(project))
    assert "needs the package montydb" in jf("project", "list", "-w").stderr
    validated = jf("project", "validate", str(file))
    assert validated.returncode == 9
    assert "jobstore.docs_store: a MontyStore needs the package montydb" in validated.stdout
    checked = jf("--json", "project", "check")
    assert checked.returncode == 9
    rows = {row["what"]: row for row in json.loads(checked.stdout)}
    assert {what for what, row in rows.items() if not row["ok"]} == {"jobstore"}
    assert "pip install montydb" in rows["jobstore"]["hint"]
    assert jf("job", "list").returncode == 0


def test_check_makes_no_database(jf: Run, file: Path) -> None:
    done = jf("--json", "project", "check", "-js")
    assert done.returncode == 0
    assert "first output" in json.loads(done.stdout)[-1]["note"]
    assert not (file.parent / "mine" / "outputs.sqlite").exists()


def test_check_names_a_foreign_jf_on_the_path(jf: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "bin" / "jf"
    foreign.parent.mkdir()
    foreign.write_text("#!/bin/sh\necho 'No such option: --version' >&2\nexit 2\n")
    foreign.chmod(0o755)
    path = f"{foreign.parent}{os.pathsep}{os.environ['PATH']}"
    done = jf("project", "check", "--json", env={"PATH": path})
    assert done.returncode == 0
    row = next(r for r in json.loads(done.stdout) if r["what"] == "command jf")
    assert row["warning"]
    assert str(foreign) in row["problem"]
    own = next(r for r in json.loads(jf("project", "check", "--json").stdout) if "jf" in r["what"])
    assert not own["warning"]


def test_check_compares_packages_where_asked(jf: Run) -> None:
    done = jf("project", "check", "-w", "local", "-f", "--json")
    assert done.returncode == 0
    found = [row["what"] for row in json.loads(done.stdout)]
    assert found == ["worker local", "worker local: environment"]


@pytest.mark.parametrize("words", [["-js", "-q"], ["-q", "-w", "local"]])
def test_check_looks_at_one_part_at_a_time(jf: Run, words: list[str]) -> None:
    done = jf("project", "check", *words)
    assert (done.returncode, done.stdout) == (2, "")


def test_conflicts_are_exit_9(jf: Run, file: Path) -> None:
    assert jf("project", "check-conflicts", "--json").stdout == "[]\n"
    file.with_name("b.yaml").write_text(file.read_text().replace("name: mine", "name: b"))
    done = jf("project", "check-conflicts", "--json")
    assert done.returncode == 9
    kinds = {row["kind"] for row in json.loads(done.stdout)}
    assert kinds == {"queue_collection", "directory"}


def test_validate_names_file_line_and_nearest_key(jf: Run, file: Path) -> None:
    assert jf("project", "validate", str(file)).returncode == 0
    file.write_text(file.read_text().replace("scheduler_type", "schedular_type"))
    done = jf("project", "validate", str(file))
    assert done.returncode == 9
    assert f"{file}:6: workers.local.schedular_type: unknown key" in done.stdout
    assert "did you mean scheduler_type?" in done.stdout
    lines = [
        row["line"] for row in json.loads(jf("project", "validate", str(file), "--json").stdout)
    ]
    assert lines == [4, 6]
    assert jf("project", "validate", f"{file}x").returncode == 2


def test_show_hides_secrets(jf: Run, file: Path) -> None:
    file.with_name("s.yaml").write_text(
        "name: s\nqueue: {store: {type: MongoStore, database: d, collection_name: c,"
        " host: h, username: me, password: hunter2}}\n"
    )
    for words in (["show", "s"], ["show", "s", "--resolved"], ["show", "s", "--json"]):
        done = jf("project", *words)
        assert done.returncode == 0
        assert "hunter2" not in done.stdout
        assert "me" in done.stdout
    assert "delay_checkout" in jf("-p", "s", "project", "show", "--resolved").stdout
    assert "delay_checkout" not in jf("-p", "s", "project", "show").stdout


def test_workers_and_exec_configs(jf: Run, file: Path) -> None:
    file.write_text(
        file.read_text() + "exec_config:\n  mpi: {modules: [A, B], pre_run: x=1, post_run: y=2}\n"
    )
    assert jf("project", "worker", "list", "--format", "name").stdout == "local\n"
    assert "work_dir" in jf("project", "worker", "list", "-v").stdout
    (config,) = json.loads(jf("project", "exec_config", "list", "--json").stdout)
    known = {"name": "mpi", "modules": ["A", "B"], "export": None, "pre_run": "x=1"}
    assert config == {**known, "post_run": "y=2", "retry": None}
    table = jf("project", "exec_config", "list", "-v").stdout
    header, values = table.splitlines()[0], table.splitlines()[-1]
    assert values.index("x=1") == header.index("Pre run")


def test_replace(jf: Run, file: Path) -> None:
    before = file.read_text()
    words = ("project", "edit", "replace", "max_jobs: ", "max_jobs: 1")
    refused = jf(*words)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    planned = jf(*words, "--dry-run")
    assert planned.returncode == 0
    assert "+    max_jobs: 1" in planned.stdout
    assert file.read_text() == before
    (row,) = json.loads(jf(*words, "-y", "--json").stdout)
    assert row["changed"]
    assert Path(row["backup"]).read_text() == before
    assert file.read_text() == before.replace("max_jobs: ", "max_jobs: 1")
    assert json.loads(jf(*words, "-y", "-nb", "--json").stdout)[0]["backup"] is None


def test_a_valid_file_is_not_spoiled_unasked(jf: Run, file: Path) -> None:
    before = file.read_text()
    refused = jf("project", "edit", "replace", "queue:", "quoue:", "--yes")
    assert refused.returncode == 6
    assert "would become invalid" in refused.stderr
    assert file.read_text() == before
    assert not list(file.parent.glob("*.bak.*"))


@pytest.mark.parametrize(("answer", "changed"), [("y", True), ("n", False), ("", False)])
def test_replace_asks_per_file(jf: Run, file: Path, answer: str, changed: bool) -> None:
    before = file.read_text()
    words = ["project", "edit", "replace", "queue:", "quoue:"]
    screen, code = answering(file.parent, words, [("Change .*mine.yaml", answer)])
    assert code == 0
    assert "warning" in screen
    assert (file.read_text() != before) is changed


def test_remove(jf: Run, file: Path) -> None:
    base = file.with_name("mine")
    assert jf("project", "remove", "mine").returncode == 2
    planned = json.loads(jf("project", "remove", "mine", "--dry-run", "--json").stdout)
    assert planned == {
        "project": "mine",
        "paths": [str(file), str(base)],
        "left": [],
        "dry_run": True,
    }
    _, code = answering(file.parent, ["project", "remove", "mine"], [("Delete", "n")])
    assert code == 0
    assert file.exists()
    assert jf("project", "remove", "mine", "-k").returncode == 0
    assert not file.exists()
    assert base.exists()
    assert jf("project", "remove", "mine").returncode == 3


def test_remove_with_its_folder(jf: Run, file: Path) -> None:
    thesis = file.with_name("mine") / "thesis.txt"
    thesis.write_text("years of work")
    removed = jf("project", "remove", "mine", "-y")
    assert removed.returncode == 0
    assert f"left there: {thesis}" in removed.stderr
    assert not file.exists()
    assert list(thesis.parent.iterdir()) == [thesis]


def test_a_rehearsed_migration_needs_a_target_that_answers(jf: Run) -> None:
    nowhere = "mongodb://127.0.0.1:9/new?serverSelectionTimeoutMS=500"
    planned = jf("project", "migrate", "--to", nowhere, "--dry-run")
    assert (planned.returncode, planned.stdout) == (4, "")
    assert "does not answer" in planned.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_migrate(jf: Run, file: Path, engine: str, tmp_path: Path) -> None:
    name = f"jfr_test_{uuid.uuid4().hex[:12]}"
    uri = os.environ.get("JFR_TEST_MONGO_URI", "")
    place = str(tmp_path / "new") if engine == "embedded" else f"{uri}/{name}"
    before = file.read_text()
    planned = jf("project", "migrate", "--to", place, "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert {row["written"] for row in json.loads(planned.stdout)} == {None}
    assert "left:" not in planned.stderr
    assert not (tmp_path / "new").exists()
    less = jf("project", "migrate", "--to", place, "--dry-run", "--json", "--queue-only")
    names = ["jobs", "flows", "jf_auxiliary", "batches", "events", "flows_archive"]
    assert len(json.loads(less.stdout)) == len(names)
    assert f"not copied: outputs (EmbeddedStore at {file.with_name('mine')}" in less.stderr
    assert jf("project", "migrate", "--to", place).returncode == 2
    done = jf("project", "migrate", "--to", place, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert file.read_text() == before
    assert jf("project", "migrate", "--to", place, "--yes", "--switch").returncode == 0
    assert file.with_name("mine.yaml.bak.0").read_text() == before
    assert jf("project", "check", "-q").returncode == 0
    again = jf("project", "migrate", "--to", place, "--yes")
    assert again.returncode == 2
    assert "already" in again.stderr
    if engine == "mongodb":
        with mongo_client(uri) as client:
            client.drop_database(name)


def test_generate_writes_nothing_on_a_dry_run(jf: Run, file: Path) -> None:
    done = jf("project", "generate", "other", "--dry-run")
    assert done.stdout.startswith("name: other")
    toml = jf("project", "generate", "other", "-f", "toml", "--dry-run")
    assert tomllib.loads(toml.stdout)["name"] == "other"
    planned = jf("project", "generate", "other", "-f", "toml", "--dry-run", "--json")
    there = str(file.with_name("other.toml"))
    assert json.loads(planned.stdout) == {"project": "other", "file": there, "dry_run": True}
    taken = jf("project", "generate", "mine", "--dry-run")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert jf("--format", "csv", "project", "generate", "other").returncode == 2
    assert not [path for path in file.parent.iterdir() if path.stem == "other"]


def test_quickstart_makes_nothing_on_a_dry_run(jf: Run, tmp_path: Path) -> None:
    planned = json.loads(jf("quickstart", "--dry-run", "--json").stdout)
    assert list(tmp_path.rglob("jfr*")) == []
    made = json.loads(jf("quickstart", "--json").stdout)
    assert made == {**planned, "dry_run": False}
    again = jf("quickstart", "--dry-run")
    assert (again.returncode, again.stdout) == (0, "")
    assert "already exists" in again.stderr
