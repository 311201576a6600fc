"""Secrets are not shown."""

from __future__ import annotations

from typing import Any

import pytest
from config_samples import REMOTE, content

from controller.config import Project, masked
from controller.config.masking import MASK

VALUES = [
    ({"password": "p"}, {"password": MASK}),
    ({"password": ""}, {"password": ""}),
    ({"password": None}, {"password": None}),
    ({"passphrase": "p", "key_filename": "/k"}, {"passphrase": MASK, "key_filename": "/k"}),
    (
        {"s3_profile": {"aws_secret_access_key": "p"}},
        {"s3_profile": {"aws_secret_access_key": MASK}},
    ),
    ({"MP_API_KEY": "p", "KEY": "v"}, {"MP_API_KEY": MASK, "KEY": "v"}),
    ({"tlsCertificateKeyFilePassword": "p"}, {"tlsCertificateKeyFilePassword": MASK}),
    ({"connection_string": "p"}, {"connection_string": MASK}),
    ([{"token": "t"}, 1, None], [{"token": MASK}, 1, None]),
    ("mongodb://u:p@h/db", f"mongodb://u:{MASK}@h/db"),
    ("mongodb+srv://u:p@ss@h,i:1/db?x=1", f"mongodb+srv://u:{MASK}@h,i:1/db?x=1"),
    ("mongodb://h:27017/db", "mongodb://h:27017/db"),
    ("mongodb://u@h:27017/a@b", "mongodb://u@h:27017/a@b"),
    (5, 5),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_plain_data(value: Any, expected: Any) -> None:
    assert masked(value) == expected


@pytest.fixture
def project() -> Project:
    gateway = {"host": "j", "password": "hidden1", "connect_kwargs": {"passphrase": "hidden2"}}
    return Project.model_validate(
        content(
            workers={"w": {**REMOTE, "password": "hidden3", "gateway": gateway}},
            jobstore={
                "docs_store": {
                    "type": "MongoURIStore",
                    "uri": "mongodb://u:hidden4@h/db",
                    "collection_name": "c",
                }
            },
            exec_config={"c": {"export": {"SOME_TOKEN": "hidden5"}}},
        )
    )


def test_a_project_is_shown_with_its_defaults(project: Project) -> None:
    shown = masked(project)
    assert "hidden" not in str(shown)
    assert shown["runner"]["delay_checkout"] == 30
    assert shown["workers"]["w"]["host"] == "cluster"
    assert project.workers["w"].model_dump()["password"] == "hidden3"


def test_nor_are_they_in_the_repr(project: Project) -> None:
    assert "hidden" not in repr(project) + str(project)
    assert "cluster" in repr(project)
