"""`import jobflow_remote` with the second distribution: the names, and what is refused."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_module_names import ALIASES, RENAMED, TESTING, TOP

import controller

COMPAT = Path(__file__).parents[3] / "compat"


@pytest.fixture
def provided(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module on the path; nothing of it stays."""
    before = list(sys.meta_path)
    monkeypatch.syspath_prepend(str(COMPAT))
    yield
    sys.meta_path[:] = before
    for name in [n for n in sys.modules if n.partition(".")[0] == "jobflow_remote"]:
        del sys.modules[name]


def test_every_name_is_the_same_thing(provided: None) -> None:
    for place, _, names in ALIASES:
        theirs = importlib.import_module(f"jobflow_remote.{place}")
        assert theirs is importlib.import_module(f"controller.{place}")
        for name in names.split():
            assert hasattr(theirs, name)
    for place, name, *_ in RENAMED:
        assert hasattr(importlib.import_module(f"jobflow_remote.{place}"), name)
    testing = importlib.import_module("jobflow_remote.testing")
    assert all(hasattr(testing, name) for name in TESTING.split())
    top = importlib.import_module("jobflow_remote")
    for name in set(TOP.split()) - {"__version__"}:
        assert getattr(top, name) is getattr(controller, name)
    assert top.__version__.startswith("1.0.1")


def test_our_modules_stay_what_they_are(provided: None) -> None:
    importlib.import_module("jobflow_remote.jobs.state")
    for name in ("controller.jobs", "controller.jobs.state"):
        spec = sys.modules[name].__spec__
        assert spec is not None
        assert spec.name == name
    assert (
        importlib.import_module("jobflow_remote.jobs").state is sys.modules["controller.jobs.state"]
    )


def test_what_jfr_does_not_have(provided: None) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("jobflow_remote.cli")
    with pytest.raises(AttributeError, match="provided by jfr"):
        _ = importlib.import_module("jobflow_remote").plot_dash
    with pytest.raises(ImportError):
        exec("from jobflow_remote import nothing_of_this_name", {})


def test_it_refuses_beside_the_real_one(provided: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0.1")
    with pytest.raises(ImportError, match=r"jobflow-remote 1.0.1 .* uninstall one of them"):
        importlib.import_module("jobflow_remote")


def test_its_version_is_that_of_jfr() -> None:
    content = tomllib.loads((COMPAT / "pyproject.toml").read_text())["project"]
    assert content["version"] == controller.__version__
    assert content["dependencies"] == [f"jfr=={controller.__version__}"]
