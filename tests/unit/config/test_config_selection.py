"""Which project is meant, and what a broken file does to the others: nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from config_samples import content, put

from controller.config import ConfigManager, files, settings
from controller.errors import ConfigError, ProjectParsingError, ProjectUndefinedError

BROKEN = "name: broken\nqueue: [\n"
WRONG = {"name": "wrong", "queue": {}}


@pytest.mark.parametrize("cleared", [None, ""])
def test_the_only_project(folder: Path, cleared: str | None) -> None:
    put(folder, "x.yaml", content(name="one"))
    put(folder, "y.yaml", BROKEN)
    assert ConfigManager().select_project_name(cleared) == "one"
    assert ConfigManager().get_project().name == "one"


def test_the_only_project_is_not_deleted_without_its_name(folder: Path) -> None:
    put(folder, "x.yaml", content(name="one"))
    with pytest.raises(ProjectUndefinedError):
        ConfigManager().remove_project("")
    assert (folder / "x.yaml").exists()


def test_a_name_given_goes_before_that_of_the_settings(folder: Path) -> None:
    for name in ("a", "b", "c"):
        put(folder, f"{name}.yaml", content(name=name))
    settings.SETTINGS.project = "b"
    assert ConfigManager().get_project("c").name == "c"
    assert ConfigManager().get_project().name == "b"


def test_several_projects_and_no_name(folder: Path) -> None:
    for name in ("b", "a"):
        put(folder, f"{name}.yaml", content(name=name))
    with pytest.raises(ProjectUndefinedError) as caught:
        ConfigManager().get_project()
    assert str(caught.value).startswith("no project is selected, and there are several: a, b")


def test_no_project(folder: Path) -> None:
    with pytest.raises(ProjectUndefinedError, match="jf quickstart"):
        ConfigManager().get_project()


def test_only_a_broken_project(folder: Path) -> None:
    path = put(folder, "p.yaml", BROKEN)
    with pytest.raises(ProjectUndefinedError) as caught:
        ConfigManager().get_project()
    assert f"{path}, line 2" in str(caught.value)


UNKNOWN = [
    ("onn", "there is no project 'onn'", "did you mean one?"),
    ("xyz", "there is no project 'xyz'", "known: one, wrong"),
    ("wrong", "project 'wrong' cannot be used", "queue.store: needs the key 'type'"),
    ("y", "project 'y' cannot be used", "y.yaml, line 2"),
]


@pytest.mark.parametrize(("name", "message", "hint"), UNKNOWN)
def test_names_that_cannot_be_used(folder: Path, name: str, message: str, hint: str) -> None:
    put(folder, "x.yaml", content(name="one"))
    put(folder, "y.yaml", BROKEN)
    put(folder, "z.yaml", {**WRONG, "queue": {"store": {}}})
    with pytest.raises(ProjectParsingError) as caught:
        ConfigManager().get_project(name)
    assert message in str(caught.value)
    assert hint in str(caught.value)


def test_duplicates_concern_their_name_only(folder: Path) -> None:
    for file, name in (("a.yaml", "same"), ("b.json", "same"), ("c.yaml", "other")):
        put(folder, file, content(name=name))
    manager = ConfigManager()
    assert manager.get_project("other").name == "other"
    assert set(manager.projects) == {"other"}
    with pytest.raises(ConfigError) as caught:
        manager.get_project("same")
    assert f"{folder / 'a.yaml'} and {folder / 'b.json'}" in str(caught.value)
    assert manager.project_names_from_files() == (
        ["other"],
        [str(folder / "a.yaml"), str(folder / "b.json")],
    )


def test_a_duplicate_that_is_not_valid_does_not_count(folder: Path) -> None:
    put(folder, "a.yaml", {**WRONG, "name": "same"})
    put(folder, "b.yaml", content(name="same"))
    assert ConfigManager().get_project_data("same").filepath == str(folder / "b.yaml")


def test_what_cannot_be_used_is_recorded_and_not_raised(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, "good.yaml", content())
    bad = [put(folder, "broken.yaml", BROKEN), put(folder, "wrong.yaml", WRONG)]
    with caplog.at_level(logging.WARNING):
        manager = ConfigManager()
        assert caplog.messages == []
        assert list(manager.unusable) == [str(p) for p in bad]
        assert manager.project_names_from_files() == (["small"], [str(p) for p in bad])
        ConfigManager(warn=True)
    assert len(caplog.messages) == 2


def test_only_the_project_asked_for_is_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        put(folder, f"{name}.yaml", content(name=name))
    checked = []
    parse_project = files.parse_project

    def spy(path: Path, data: object = None) -> object:
        checked.append(path.name)
        return parse_project(path, data)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "parse_project", spy)
    manager = ConfigManager()
    assert manager.get_project("b") is manager.get_project("b")
    assert set(manager.raw_contents()) == {"a", "b"}
    assert checked == ["b.yaml"]


def test_loading_again_sees_new_files(folder: Path) -> None:
    manager = ConfigManager()
    put(folder, "x.yaml", content())
    assert manager.projects_data == {}
    assert set(manager.load_projects_data()) == {"small"}
    assert set(manager.projects) == {"small"}


def test_a_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ConfigError, match=r"cannot read the projects folder .*Permission denied"):
        ConfigManager()


def test_a_folder_with_a_database_of_another_project_is_not_deleted(
    folder: Path, tmp_path: Path
) -> None:
    base = tmp_path / "research"
    (base / "victim").mkdir(parents=True)
    (base / "victim" / "queue.sqlite").touch()
    put(folder, "a.yaml", content(name="one", base_dir=str(base)))
    store = {"type": "EmbeddedStore", "path": str(base / "victim" / "queue.sqlite")}
    put(folder, "b.yaml", content(name="victim", queue={"store": store}))
    with pytest.raises(ConfigError, match="is not deleted"):
        ConfigManager().remove_project("one")
    assert (base / "victim" / "queue.sqlite").exists()


@pytest.mark.parametrize("name", ["../../etc", "/etc", "..", "a\0b"])
def test_a_name_does_not_lead_out_of_the_projects_folder(folder: Path, name: str) -> None:
    put(folder, "p.json", content(name=name))
    assert "cannot be used as the name of a folder (or give a base_dir)" in str(
        ConfigManager().unusable
    )
    put(folder, "p.json", content(name=name, base_dir="/own"))
    assert list(ConfigManager().projects) == [name]


def test_the_first_steps_of_another_project_name_it() -> None:
    from jfr_cli.commands.quickstart import _next_steps

    first = "\n".join(_next_steps("my lab", is_selected=True))
    other = "\n".join(_next_steps("my lab", is_selected=False))
    assert "-p" not in first
    assert "submit_flow(your_flow, project='my lab')" in other
    assert other.count("jf -p 'my lab' ") == 4
