"""docs/configuration.md names every key, and its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from controller.config import (
    BatchConfig,
    ConnectionData,
    EventOptions,
    ExecutionConfig,
    Project,
    QueueConfig,
    RemoteJobStore,
    RemoteWorker,
    RunnerOptions,
    SeparatedTransferWorker,
)
from controller.config.notify import Notification, Topic
from controller.config.settings import JobflowRemoteSettings
from controller.config.yamltext import load_yaml

_DOCS = Path(__file__).parents[3] / "docs"
TEXT = (_DOCS / "configuration.md").read_text(encoding="utf-8")
TEXT_OF_NOTIFICATIONS = (_DOCS / "notifications.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
MODELS: list[Any] = [
    BatchConfig,
    ConnectionData,
    EventOptions,
    ExecutionConfig,
    Project,
    QueueConfig,
    RemoteJobStore,
    RemoteWorker,
    RunnerOptions,
    SeparatedTransferWorker,
]


def models_in(annotation: Any, found: set[Any]) -> set[Any]:
    """The models that a project file can hold, with those within them."""
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    if is_model and annotation not in found:
        found.add(annotation)
        for field in annotation.model_fields.values():
            models_in(field.annotation, found)
    for part in get_args(annotation):
        models_in(part, found)
    return found


def test_no_key_of_any_model_is_forgotten() -> None:
    """Also of a model that is new and not in the list above."""
    pages = "".join((_DOCS / name).read_text() for name in ("notifications.md", "retries.md"))
    models = models_in(Project, set())
    assert len(models) >= len(MODELS) - 1
    keys = {name for model in models for name in model.model_fields}
    assert sorted(name for name in keys if f"`{name}`" not in TEXT + pages) == []


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_described(model: Any) -> None:
    assert [name for name in model.model_fields if f"`{name}`" not in TEXT] == []


def test_every_setting_is_described() -> None:
    names = set(JobflowRemoteSettings.__dataclass_fields__) - {"warnings", "config_file"}
    assert [name for name in names if f"`{name}`" not in TEXT] == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str) -> None:
    assert Project.model_validate(load_yaml(text)).workers


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 2


def test_every_key_of_a_notification_is_described() -> None:
    text = TEXT_OF_NOTIFICATIONS
    assert [name for name in Notification.model_fields if f"`{name}`" not in text] == []
    assert [topic for topic in Topic if f"`{topic}`" not in text and topic not in text] == []
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    notify = load_yaml(example)["notify"]
    assert {name: Notification.model_validate(given).way for name, given in notify.items()} == {
        "me": "command mail-me",
        "group": "webhook at example.org",
        "chat": "apprise mailtos",
    }
