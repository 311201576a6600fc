"""Reset, on each engine."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import quick_reset
from stored import Stock

from controller.api.administration import Administration
from controller.config import Project
from controller.jobcontroller import JobController
from controller.storage.opening import open_store

pytestmark = pytest.mark.usefixtures("real_reset")


def test_reset_deletes_the_pools_of_local_batch_workers(
    controller: JobController, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    batch = project.workers["pool"].batch
    assert batch is not None
    pool = Path(batch.jobs_handle_dir)
    (pool / "submitted").mkdir(parents=True)
    (pool / "submitted" / "u_1").touch()
    (pool / "running").mkdir()
    (pool / "thesis.txt").touch()
    neighbour = pool.with_name("pool")
    neighbour.mkdir()
    with caplog.at_level(logging.WARNING):
        assert controller.reset()
    assert [path.name for path in pool.iterdir()] == ["thesis.txt"], "it is the user's"
    assert neighbour.exists()
    assert "/scratch/pool of worker far was not emptied" in caplog.text


def test_indexes_are_told_one_by_one(controller: JobController) -> None:
    told: list[tuple[int, int]] = []
    controller.build_indexes(drop=True, progress=lambda *numbers: told.append(numbers))
    total = told[-1][1]
    done = sorted({number for number, _ in told})
    assert done == list(range(total + 1)), "none is left out, and none is counted twice"
    assert {number for _, number in told} == {total}
    told.clear()
    controller.build_indexes(progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (total, total)


def test_reset_is_guarded_by_the_number_of_flows(
    controller: JobController, stock: Stock, project: Project
) -> None:
    pool = project.workers["pool"].batch
    assert pool is not None
    pool.jobs_handle_dir.mkdir(parents=True)
    for _ in range(2):
        stock.flow("READY")
    assert not controller.reset(max_limit=2)
    assert not controller.reset(max_limit=2, validation="2020-01-01")
    assert controller.count_flows() == 2
    assert pool.jobs_handle_dir.exists()
    assert controller.reset(max_limit=2, validation=date.today().isoformat())
    assert controller.count_flows() == 0


def test_transactions_are_as_the_database_says(controller: JobController, engine: str) -> None:
    expected = controller.queue.database.supports_transactions
    assert controller.queue_supports_transactions is expected
    assert expected or engine == "mongodb"


def test_a_wrong_date_resets_nothing(controller: JobController, stock: Stock) -> None:
    stock.flow("READY")
    assert not controller.reset(validation="2020-01-01")
    assert controller.count_jobs() == 1
    assert controller.reset(validation=date.today().isoformat())
    assert controller.count_jobs() == 0


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_the_databases_of_the_tests_are_as_a_reset_makes_them(
    store_spec: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str) -> list[Any]:
        with JobController(open_store({**store_spec, "path": str(tmp_path / name)})) as controller:
            assert controller.reset()
            database = controller.queue.database
            found = []
            for collection in map(database.collection, sorted(database.collection_names())):
                documents = list(collection.find({}, {"_id": 0, "time": 0}))
                found.append((collection.name, collection.index_information(), documents))
            return found

    real = made("real")
    monkeypatch.setattr(Administration, "reset", quick_reset.reset)
    assert made("first") == made("copied") == real
    assert len(real) >= 4
