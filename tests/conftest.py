"""Fixtures for every test: databases on each engine, and how many contract tests ran on each."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import quick_reset
from hypothesis import settings
from jobflow_remote_program import MISSING, PYTHON, JobflowRemote
from servers import ENGINES, fresh_store, mongo_client, mongo_verdict, require_mongo
from thoroughness import examples
from warm_jf import WarmJf

from controller.api.administration import Administration
from controller.storage import indexes
from controller.storage.base import Database
from controller.storage.opening import open_store

# A shell starts what it puts into the background with Ctrl-C ignored: children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The suite tries the same examples each time: a change that passes does not fail somebody else
# later. `make chaos` looks for new ones.
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=examples(100))
settings.load_profile("suite")

_LEFT_OUT = pytest.StashKey[str]()
_WARM = pytest.StashKey[WarmJf]()


# Hooks, not fixtures of each test: those are a quarter of what a test costs by itself.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """A job that runs in this process ignores SIGTERM at its end, and children would inherit it.

    Fixtures of a module or a session run jobs, too: so it is looked at before and after each test.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """See `pytest_runtest_setup`."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="session")
def quick_resets() -> Iterator[None]:
    """A new database on the embedded engine is a copy of one that was made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Administration, "reset", quick_reset.reset)
        yield


@pytest.fixture
def real_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the reset itself."""
    monkeypatch.setattr(Administration, "reset", quick_reset.REAL)


@pytest.fixture(scope="session")
def mongo_uri() -> str:
    """Where the MongoDB-protocol server is; skips or fails the test where there is none."""
    return require_mongo()


@pytest.fixture(scope="session")
def jobflow_remote() -> Iterator[JobflowRemote]:
    """jobflow-remote 1.0.1; skips the test where there is none."""
    if PYTHON is None:
        pytest.skip(MISSING)
    program = JobflowRemote()
    yield program
    program.close()


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Name of the storage engine: the test runs once on each."""
    return str(request.param)


@pytest.fixture(scope="session")
def outsider(engine: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A pymongo client beside ours, or None on the embedded engine."""
    if engine == "embedded":
        yield None
        return
    with mongo_client(request.getfixturevalue("mongo_uri")) as client:
        yield client


@pytest.fixture
def store_spec(engine: str, outsider: Any, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Description of a store in a fresh database, as a project file holds it."""
    with fresh_store(engine, tmp_path, outsider) as spec:
        yield spec


_ALL_INDEXES = {"contract", "acceptance", "administration", "migration", "storage"}
"""Folders of tests in which a queue on a server gets all its indexes."""


@pytest.fixture
def few_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the unique indexes of a queue on a server, and no others.

    They change how long an answer takes, not what it is, and to make all of them takes a server
    longer than most tests do: each test on a server has this, but those of indexes.
    """
    build, missing = indexes.build_indexes, indexes.missing_indexes

    def build_unique(collection: Any, wanted: Sequence[tuple[Any, bool]], **options: Any) -> None:
        build(collection, [entry for entry in wanted if entry[1]], **options)

    def missing_unique(collection: Any, wanted: Sequence[tuple[Any, bool]]) -> list[Any]:
        return missing(collection, [entry for entry in wanted if entry[1]])

    monkeypatch.setattr(indexes, "build_indexes", build_unique)
    monkeypatch.setattr("controller.doctor.diagnosing.missing_indexes", missing_unique)
    monkeypatch.setattr("controller.runner.upkeep.build_indexes", build_unique)


@pytest.fixture
def queue_database(store_spec: dict[str, Any]) -> Iterator[Database]:
    """A fresh database."""
    database = open_store(store_spec).database
    with ExitStack() as stack:
        stack.callback(database.close)
        yield database


def pytest_configure(config: pytest.Config) -> None:
    """Let the processes that run tests side by side share one that has imported everything."""
    if getattr(config.option, "numprocesses", None):
        config.stash[_WARM] = WarmJf(Path(sys.executable).with_name("jf"))
        config.stash[_WARM].share()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what they shared."""
    if _WARM in config.stash:
        config.stash[_WARM].close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the engine of each contract test; leave out the server's where there is none.

    Those on a server get few indexes.
    """
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "engine" in parameters and "contract" in item.path.parts:
            item.user_properties.append(("contract engine", parameters["engine"]))
        if parameters.get("engine") == "mongodb" and not (
            item.get_closest_marker("indexes") or _ALL_INDEXES.intersection(item.path.parts)
        ):
            # A list of its own: the other one is that of every parameter, embedded among them.
            item.fixturenames = ["few_indexes", *item.fixturenames]  # type: ignore[attr-defined]
    verdict = mongo_verdict(os.environ)
    wanting = [item for item in items if item.get_closest_marker("mongo")]
    if not wanting or verdict.action == "run":
        return
    if verdict.action == "fail":
        raise pytest.UsageError(f"{len(wanting)} tests cannot run: {verdict.reason}")
    left_out = set(map(id, wanting))
    items[:] = [item for item in items if id(item) not in left_out]
    config.hook.pytest_deselected(items=wanting)
    config.stash[_LEFT_OUT] = f"{len(wanting)} tests skipped: {verdict.reason}"


# What is made while tests are collected stays: to look for garbage in it is a tenth of the time.
gc.disable()


def pytest_collection_finish() -> None:
    """Let collections of garbage pass over thousands of tests and their modules, which stay."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say on how many engines the contract was really checked."""
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            name = dict(getattr(report, "user_properties", ())).get("contract engine")
            if name:
                counts.setdefault(name, Counter())[outcome] += 1
    for name, count in sorted(counts.items()):
        ran = count["passed"] + count["failed"]
        skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
        terminalreporter.write_line(f"storage contract on {name}: {ran} tests ran{skipped}")
    if _LEFT_OUT in config.stash:
        terminalreporter.write_line(config.stash[_LEFT_OUT])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave what failed in the folder `JFR_TESTS_REPORTS`, for a second run of it."""
    folder = os.environ.get("JFR_TESTS_REPORTS")
    if not folder or hasattr(session.config, "workerinput"):
        return
    stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
    failed = {report.nodeid for kind in ("failed", "error") for report in stats.get(kind, [])}
    report = {"status": int(exitstatus), "failed": sorted(failed)}
    Path(folder, f"{os.getpid()}.json").write_text(json.dumps(report))
