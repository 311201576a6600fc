"""Changing project files: whole or not at all, checked before written, comments kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from config_samples import GENERATED_FULL, LOCAL, MINIMAL, REMOTE, content, put

from controller.config import (
    ConfigManager,
    ExecutionConfig,
    LocalWorker,
    Project,
    RemoteWorker,
)
from controller.config.files import read_mapping
from controller.config.yamltext import load_yaml
from controller.errors import ArgumentError, ConfigError

COMMENTED = """\
# my project
name: small   # the name

queue:
  # where states are kept
  store:
    type: MongoStore
    database: "db"
    collection_name: jobs  # one per job
  flows_collection: my_flows

workers:
  first:   # laptop
    type: local
    scheduler_type: shell
    work_dir: /work
    pre_run: |
      source a
      source b
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def the_only_comments_lost(before: str, after: str) -> set[str]:
    def comments(text: str) -> set[str]:
        return {line.partition("#")[2] for line in text.splitlines() if "#" in line}

    return comments(before) - comments(after)


Edit = Callable[[ConfigManager], Any]
EDITS: list[tuple[str, Edit, dict[str, Any]]] = [
    (
        "set_worker",
        lambda m: m.set_worker("new", RemoteWorker(**REMOTE, keepalive=None)),
        {"workers": {"new": {**REMOTE, "keepalive": None}}},
    ),
    (
        "set_worker of Python",
        lambda m: m.set_worker("new", LocalWorker(scheduler_type="pbs", work_dir="/w")),
        {"workers": {"new": {"type": "local", "scheduler_type": "pbs", "work_dir": "/w"}}},
    ),
    (
        "set_worker replace",
        lambda m: m.set_worker("first", LocalWorker(**LOCAL, max_jobs=3), replace=True),
        {"workers": {"first": {**LOCAL, "max_jobs": 3}}},
    ),
    (
        "set_exec_config",
        lambda m: m.set_exec_config("c", ExecutionConfig(modules=["m"], export={"N": 1})),
        {"exec_config": {"c": {"modules": ["m"], "export": {"N": 1}}}},
    ),
    (
        "set_queue_db",
        lambda m: m.set_queue_db({"type": "EmbeddedStore", "path": "/q.sqlite"}),
        {
            "queue": {
                "store": {"type": "EmbeddedStore", "path": "/q.sqlite"},
                "flows_collection": "my_flows",
            }
        },
    ),
    (
        "set_jobstore",
        lambda m: m.set_jobstore({"docs_store": {"type": "MemoryStore"}}),
        {"jobstore": {"docs_store": {"type": "MemoryStore"}}},
    ),
    (
        "update_project",
        lambda m: m.update_project({"runner": {"delay_checkout": 5}, "log_level": "debug"}),
        {"runner": {"delay_checkout": 5}, "log_level": "debug"},
    ),
]


@pytest.mark.parametrize("extension", ["yaml", "json", "toml"])
@pytest.mark.parametrize(("edit", "expected"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
def test_edits(folder: Path, edit: Edit, expected: dict[str, Any], extension: str) -> None:
    before = load_yaml(COMMENTED)
    first = put(folder, "p.yaml", COMMENTED)
    if extension != "yaml":
        first.unlink()
        ConfigManager().create_project(before, ext=extension)
    manager = ConfigManager()
    path = Path(manager.get_project_data().filepath)
    if extension == "toml" and "keepalive" in str(expected):
        with pytest.raises(ConfigError, match="TOML has no null"):
            edit(manager)
        assert read_mapping(path) == before
        return
    edit(manager)
    after = read_mapping(path)
    entries = {**before["workers"], **expected.get("workers", {})}
    assert after == {**before, **expected, "workers": entries}
    assert manager.get_project() == ConfigManager().get_project()


@pytest.mark.parametrize(("edit", "expected"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
def test_comments_survive(folder: Path, edit: Edit, expected: dict[str, Any]) -> None:
    path = put(folder, "p.yaml", COMMENTED)
    edit(ConfigManager())
    lost = the_only_comments_lost(COMMENTED, path.read_text())
    assert lost <= ({" one per job"} if "queue" in expected else set())
    assert '"db"' in path.read_text() or "queue" in expected


def test_removing(folder: Path) -> None:
    put(folder, "p.yaml", content(workers={"a": LOCAL, "b": LOCAL}, exec_config={"c": {}}))
    manager = ConfigManager()
    manager.remove_worker("a")
    manager.remove_exec_config("c")
    assert set(ConfigManager().get_project().workers) == {"b"}
    assert ConfigManager().get_project().exec_config == {}


REFUSED: list[tuple[Edit, str]] = [
    (lambda m: m.set_worker("first", LocalWorker(**LOCAL)), "has a workers entry 'first' already"),
    (lambda m: m.remove_worker("frist"), "no workers entry 'frist' (did you mean first?)"),
    (lambda m: m.remove_exec_config("x"), "has no exec_config entry 'x' (known: none)"),
    (lambda m: m.get_worker("x"), "project small has no worker 'x' (known: first)"),
    (lambda m: m.get_exec_config("x"), "project small has no exec_config 'x'"),
    (lambda m: m.set_queue_db({"type": "MongoStore"}), "needs the key 'database'"),
    (lambda m: m.set_jobstore({"type": "MongoStore"}), "needs the key 'docs_store'"),
    (lambda m: m.update_project({"queue": {"flows_collection": "x"}}), "queue.flows_collection"),
    (lambda m: m.update_project({"wokers": {}}), "did you mean workers?"),
    (lambda m: m.create_project(content()), "project 'small' already exists"),
    (lambda m: m.create_project(content(name="a/b")), "invalid project name 'a/b'"),
    (lambda m: m.create_project(content(name="..")), "invalid project name '..'"),
    (lambda m: m.create_project(content(name="n"), ext="yml"), "one of json, yaml, toml"),
    (lambda m: m.create_project({"name": "n"}), "queue: this key is missing"),
    (lambda m: m.remove_project("none"), "there is no project 'none'"),
]


@pytest.mark.parametrize(("edit", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_refused_edits_change_nothing(folder: Path, edit: Edit, message: str) -> None:
    path = put(folder, "p.yaml", COMMENTED)
    with pytest.raises((ArgumentError, ConfigError)) as caught:
        edit(ConfigManager())
    assert message in str(caught.value)
    assert path.read_text() == COMMENTED
    assert list(folder.iterdir()) == [path]


def test_stores_may_be_objects(folder: Path) -> None:
    class Store:
        def as_dict(self) -> dict[str, Any]:
            return {"@module": "m", "@class": "MongoStore", **MINIMAL["queue"]["store"]}

    put(folder, "p.yaml", content())
    ConfigManager().set_queue_db(Store())
    assert ConfigManager().get_project().queue.store["@class"] == "MongoStore"


def test_set_jobstore_replaces_the_old_spelling(folder: Path) -> None:
    store = {"docs_store": {"type": "MemoryStore", "collection_name": "x"}}
    put(folder, "p.yaml", content(JOB_STORE={"docs_store": {"type": "MemoryStore"}}))
    ConfigManager().set_jobstore(store)
    assert ConfigManager().get_project().jobstore == store


def test_yaml_with_anchors_keeps_its_meaning(folder: Path) -> None:
    text = COMMENTED.replace("  first:", "  first: &f").replace("   # laptop", "")
    text += "  second:\n    <<: *f\n    work_dir: /second\n"
    path = put(folder, "p.yaml", text)
    ConfigManager().set_worker("third", LocalWorker(**LOCAL))
    workers = read_mapping(path)["workers"]
    assert workers["second"]["pre_run"] == workers["first"]["pre_run"] == "source a\nsource b\n"
    assert workers["third"] == LOCAL


@pytest.mark.parametrize("extension", ["yaml", "json", "toml"])
@pytest.mark.parametrize("kind", ["project", "mapping"])
def test_create(folder: Path, extension: str, kind: str) -> None:
    given = content(name="new", workers={"w": {**REMOTE, "connect_kwargs": {"look": False}}})
    project = Project.model_validate(given)
    manager = ConfigManager()
    path = manager.create_project(project if kind == "project" else given, ext=extension)
    assert path == folder / f"new.{extension}"
    assert ConfigManager().get_project("new") == project == manager.get_project("new")
    assert mode(path) == 0o600
    for name in ("base_dir", "tmp_dir", "log_dir"):
        assert mode(project.folders[name]) == 0o700
    assert not project.folders["daemon_dir"].exists()


def test_create_makes_the_projects_folder(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    ConfigManager(folder=folder).create_project(content(base_dir=str(tmp_path / "base")))
    assert mode(folder) == mode(folder.parent) == 0o700
    assert set(ConfigManager(folder=folder).projects) == {"small"}


def test_create_refuses_a_file_that_is_there(folder: Path) -> None:
    path = put(folder, "small.yaml", "broken: [")
    with pytest.raises(ConfigError, match="already exists"):
        ConfigManager().create_project(content())
    assert path.read_text() == "broken: ["


@pytest.mark.parametrize(
    ("make", "has"),
    [
        (ConfigManager, {"runner": True, "remote_jobstore": True}),
        (partial(ConfigManager, exclude_none=True), {"runner": True, "remote_jobstore": False}),
        (partial(ConfigManager, exclude_unset=True), {"runner": False, "remote_jobstore": False}),
    ],
)
def test_dump_project(
    folder: Path, make: Callable[[], ConfigManager], has: dict[str, bool]
) -> None:
    path = put(folder, "p.yaml", COMMENTED)
    manager = make()
    before = manager.get_project()
    manager.dump_project(manager.get_project_data())
    written = read_mapping(path)
    assert {key: key in written for key in has} == has
    assert ConfigManager().get_project() == before
    assert the_only_comments_lost(COMMENTED, path.read_text()) == set()


def test_an_edit_changes_only_its_lines(folder: Path) -> None:
    path = put(folder, "p.yaml", GENERATED_FULL)
    ConfigManager().remove_worker("example_local")
    kept = path.read_text().splitlines()
    assert [line for line in kept if line not in GENERATED_FULL.splitlines()] == []
    assert len(kept) == len(GENERATED_FULL.splitlines()) - 14


@pytest.mark.parametrize("given", [0o600, 0o640, 0o644])
def test_an_existing_file_keeps_its_mode(folder: Path, given: int) -> None:
    path = put(folder, "p.yaml", COMMENTED)
    path.chmod(given)
    ConfigManager().remove_worker("first")
    assert mode(path) == given


def test_a_symbolic_link_stays_one(folder: Path, tmp_path: Path) -> None:
    target = put(tmp_path, "elsewhere.yaml", COMMENTED)
    (folder / "p.yaml").symlink_to(target)
    ConfigManager().remove_worker("first")
    assert (folder / "p.yaml").is_symlink()
    assert read_mapping(target)["workers"] == {}


def test_a_write_that_fails_leaves_the_old_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(folder, "p.yaml", COMMENTED)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    manager = ConfigManager()
    with pytest.raises(ConfigError, match=r"cannot write .*p\.yaml: No space left on device"):
        manager.remove_worker("first")
    assert path.read_text() == COMMENTED
    assert list(folder.iterdir()) == [path]
    assert set(manager.get_project().workers) == {"first"}


def test_backup(folder: Path) -> None:
    path = put(folder, "p.yaml", COMMENTED)
    path.chmod(0o600)
    copies = [ConfigManager().backup_project() for _ in range(2)]
    assert copies == [folder / "p.yaml.bak.0", folder / "p.yaml.bak.1"]
    assert [c.read_text() for c in copies] == [COMMENTED] * 2
    assert {mode(c) for c in copies} == {0o600}
    assert set(ConfigManager().projects) == {"small"}


def test_remove(folder: Path) -> None:
    manager = ConfigManager()
    path = manager.create_project(content())
    other = manager.create_project(content(name="other"))
    manager.remove_project("small")
    assert not path.exists()
    assert not (folder / "small").exists()
    assert set(manager.projects) == {"other"}
    manager.remove_project("other", remove_folders=False)
    assert not other.exists()
    assert (folder / "other").is_dir()


def test_remove_without_folders_there(folder: Path) -> None:
    put(folder, "p.yaml", content())
    ConfigManager().remove_project("small")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("place", ["projects", "home", "", "other"])
def test_remove_deletes_only_what_is_its_own(folder: Path, tmp_path: Path, place: str) -> None:
    base = tmp_path / place
    (base / "inner").mkdir(parents=True, exist_ok=True)
    path = put(folder, "a.yaml", content(base_dir=str(base)))
    put(folder, "b.yaml", content(name="b", base_dir=str(tmp_path / "other" / "inner")))
    with pytest.raises(ConfigError, match="is not deleted: it also contains"):
        ConfigManager().remove_project("small")
    assert (base / "inner").is_dir()
    assert path.exists()
