"""Settings: environment before file before default, and nothing read before it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.config import settings
from controller.config.settings import load_settings, unknown_variables
from controller.errors import ConfigError

DEFAULTS = {
    "config_file": "~/.jfremote.yaml",
    "projects_folder": "~/.jfremote",
    "project": None,
    "cli_full_exc": False,
    "cli_suggestions": True,
    "cli_log_level": "warn",
    "cli_job_list_columns": None,
    "cli_load_plugins": True,
}


def write(text: str) -> Path:
    path = Path.home() / ".jfremote.yaml"
    path.write_text(text)
    return path


def shown(found: settings.JobflowRemoteSettings) -> dict[str, Any]:
    return {name: getattr(found, name) for name in DEFAULTS}


@pytest.mark.parametrize("text", [None, "", "\n", "# only a comment\n", "{}", "project:\n"])
def test_without_settings_the_defaults_hold(text: str | None) -> None:
    if text is not None:
        write(text)
    found = load_settings({})
    assert shown(found) == DEFAULTS
    assert found.warnings == []
    assert found.projects_path == Path.home() / ".jfremote"


FROM_FILE = [
    ("projects_folder: /p", {"projects_folder": "/p"}),
    ("project: x\ncli_full_exc: true", {"project": "x", "cli_full_exc": True}),
    ("cli_suggestions: false\ncli_log_level: debug", {"cli_log_level": "debug"}),
    ("cli_job_list_columns: [db_id, state]", {"cli_job_list_columns": ["db_id", "state"]}),
    ("cli_load_plugins: False", {"cli_load_plugins": False}),
]


@pytest.mark.parametrize(("text", "expected"), FROM_FILE)
def test_from_the_file(text: str, expected: dict[str, Any]) -> None:
    write(text)
    found = shown(load_settings({}))
    assert {key: found[key] for key in expected} == expected


FROM_ENVIRONMENT = [
    ({"JFREMOTE_PROJECT": "env"}, {"project": "env"}),
    ({"jfremote_project": "env"}, {"project": "env"}),
    ({"JfRemote_Project": "low", "JFREMOTE_PROJECT": "env"}, {"project": "env"}),
    ({"JFREMOTE_PROJECT": ""}, {"project": None}),
    ({"JFREMOTE_PROJECTS_FOLDER": "/e"}, {"projects_folder": "/e"}),
    ({"JFREMOTE_CLI_FULL_EXC": "1"}, {"cli_full_exc": True}),
    ({"JFREMOTE_CLI_FULL_EXC": "True"}, {"cli_full_exc": True}),
    ({"JFREMOTE_CLI_SUGGESTIONS": "no"}, {"cli_suggestions": False}),
    ({"JFREMOTE_CLI_LOAD_PLUGINS": "off"}, {"cli_load_plugins": False}),
    ({"JFREMOTE_CLI_LOG_LEVEL": "error"}, {"cli_log_level": "error"}),
    ({"JFREMOTE_CLI_JOB_LIST_COLUMNS": '["a", "b"]'}, {"cli_job_list_columns": ["a", "b"]}),
    ({"JFREMOTE_CLI_JOB_LIST_COLUMNS": "a, b"}, {"cli_job_list_columns": ["a", "b"]}),
    ({"JFREMOTE_CLI_JOB_LIST_COLUMNS": ""}, {"cli_job_list_columns": None}),
    ({"OTHER_PROJECT": "x"}, {"project": "file"}),
]


@pytest.mark.parametrize(("environ", "expected"), FROM_ENVIRONMENT)
def test_the_environment_goes_before_the_file(
    environ: dict[str, str], expected: dict[str, Any]
) -> None:
    write("project: file\nprojects_folder: /f\ncli_log_level: info\n")
    if expected == {"project": None}:
        write("")
    found = shown(load_settings(environ))
    assert {key: found[key] for key in expected} == expected


def test_another_settings_file(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"project": "o"}')
    found = load_settings({"JFREMOTE_CONFIG_FILE": str(other)})
    assert (found.project, found.config_file) == ("o", str(other))


def test_a_settings_file_that_was_named_and_is_missing_is_a_warning() -> None:
    found = load_settings({"JFREMOTE_CONFIG_FILE": "/none.yaml"})
    assert found.warnings == ["JFREMOTE_CONFIG_FILE names /none.yaml, which does not exist"]


def test_unknown_keys_are_recorded() -> None:
    path = write("projct: x\nwhatever: 1\nproject: good\n")
    found = load_settings({})
    assert found.project == "good"
    assert found.warnings == [
        f"{path}: unknown setting 'projct' is ignored, did you mean project?",
        f"{path}: unknown setting 'whatever' is ignored",
    ]


BROKEN = [
    ("a: [", {}, ".jfremote.yaml, line 1: "),
    ("- a", {}, "must contain keys and values, not a list"),
    ("cli_full_exc: maybe", {}, "cli_full_exc must be true or false, not 'maybe'"),
    ("cli_log_level: loud", {}, "must be one of error, warn, info, debug, not 'loud'"),
    ("project: 5", {}, "project must be text (put it in quotes), not 5"),
    ("cli_job_list_columns: a", {}, "must be a list of names, not 'a'"),
    ("", {"JFREMOTE_CLI_FULL_EXC": "x"}, "JFREMOTE_CLI_FULL_EXC must be true or false"),
    ("", {"JFREMOTE_CLI_LOG_LEVEL": "x"}, "JFREMOTE_CLI_LOG_LEVEL must be one of"),
    ("", {"JFREMOTE_CLI_JOB_LIST_COLUMNS": "[a"}, "must be a list of names, not '[a'"),
]


@pytest.mark.parametrize(("text", "environ", "message"), BROKEN)
def test_what_cannot_be_used(text: str, environ: dict[str, str], message: str) -> None:
    write(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(environ)
    assert message in str(caught.value)


def test_a_broken_file_breaks_nothing_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    write("a: [")
    monkeypatch.delattr(settings, "SETTINGS")
    importlib.import_module("controller.config.manager")
    for _ in range(2):
        with pytest.raises(ConfigError, match="line 1"):
            settings.get_settings()


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(settings, "SETTINGS")
    monkeypatch.setenv("JFREMOTE_PROJECT", "first")
    first = settings.get_settings()
    monkeypatch.setenv("JFREMOTE_PROJECT", "second")
    assert settings.get_settings() is first is settings.SETTINGS
    assert first.project == "first"


def test_names_that_are_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = settings.nothing


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: (_ for _ in ()).throw(KeyError(uid)))
    with pytest.raises(ConfigError, match="the home folder in ~/"):
        load_settings({})


def test_unknown_variables() -> None:
    environ = {"JFREMOTE_PROJECT_FOLDER": "x", "JFREMOTE_PROJECT": "x", "jfremote_y": "", "A": ""}
    assert unknown_variables(environ) == ["JFREMOTE_PROJECT_FOLDER", "jfremote_y"]


def test_the_class_reads_what_jobflow_remotes_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    write("projects_folder: /from/file\nproject: of_file\ncli_full_exc: true")
    monkeypatch.setenv("JFREMOTE_PROJECT", "of_environment")
    monkeypatch.delenv("JFREMOTE_PROJECTS_FOLDER", raising=False)
    found = settings.JobflowRemoteSettings()
    assert (found.projects_folder, found.project) == ("/from/file", "of_environment")
    assert settings.JobflowRemoteSettings(project="given").project == "given"
    assert found.cli_full_exc is True
    with pytest.raises(TypeError, match="no setting colour"):
        settings.JobflowRemoteSettings(colour="red")
    with pytest.raises(ConfigError, match="project must be text"):
        settings.JobflowRemoteSettings(project=3)
