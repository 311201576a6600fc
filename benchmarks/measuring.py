"""What the benchmarks share: timing, rows of a table, databases full of jobs, projects to use.

Every figure stands beside a yardstick of the same run, because machines differ and are busy: what
is compared is measured in turns. Of whole programs medians count, of what takes milliseconds the
lower quartiles: what a busy machine adds comes in slices of that size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from controller.documents import new_flow_document, new_job_document
from controller.jobcontroller import JobController
from controller.states import JobState
from controller.storage.opening import open_store

PYTHON = sys.executable
JF = str(Path(sys.executable).with_name("jf"))
MONGO = os.environ.get("JFR_TEST_MONGO_URI", "")
START = datetime(2026, 1, 1)
STATES = (
    *(JobState.READY, JobState.WAITING, JobState.COMPLETED, JobState.COMPLETED, JobState.FAILED),
)
"""States of the jobs that `populate` makes, in turn."""
_BATCH = 2000


class Table:
    """Rows that are printed as they are measured; knows whether one was missed."""

    def __init__(self, title: str) -> None:
        self._missed = False
        print(title, flush=True)

    def row(self, what: str, figure: float, limit: float, unit: str, yardstick: str) -> None:
        """Print a figure, its limit, its share of the limit and the verdict.

        Parameters
        ----------
        figure, limit
            The figure must not exceed the limit.
        yardstick
            Where the limit comes from, in words and figures of the same run.
        """
        self._print(what, figure, "at most", limit, unit, yardstick, good=figure <= limit)

    def at_least(self, what: str, figure: float, limit: float, unit: str, yardstick: str) -> None:
        """Print a figure that must not be below its limit; parameters as of `row`."""
        self._print(what, figure, "at least", limit, unit, yardstick, good=figure >= limit)

    def _print(
        self,
        what: str,
        figure: float,
        relation: str,
        limit: float,
        unit: str,
        yardstick: str,
        *,
        good: bool,
    ) -> None:
        self._missed |= not good
        print(
            f"  {what:<52} {_figure(figure)} {unit:<3} {relation} {_figure(limit)} {unit:<3} "
            f"ratio {figure / limit:5.2f}  {'ok' if good else 'MISSED':<6}  {yardstick}",
            flush=True,
        )

    def note(self, text: str) -> None:
        """Print a line that belongs to the row above."""
        print(f"    {text}", flush=True)

    def end(self) -> int:
        """Return the exit code: 1 when a row was missed."""
        return 1 if self._missed else 0


def _figure(value: float) -> str:
    return f"{value:7.0f}" if value >= 1000 else f"{value:7.3g}"


# ---------------------------------------------------------------------- time


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def usual(times: Sequence[float]) -> float:
    """Return the lower quartile."""
    return sorted(times)[len(times) // 4]


def in_turn(actions: Mapping[str, Callable[[], object]], repeats: int = 11) -> dict[str, float]:
    """Carry actions out in turns and return the usual time of each, in seconds.

    A turn before, which fills caches, does not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(repeats + 1):
        for name, action in actions.items():
            once = seconds(action)
            if turn:
                taken[name].append(once)
    return {name: usual(each) for name, each in taken.items()}


def run(*words: str, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it writes.

    Raises
    ------
    SystemExit
        It failed.
    """
    whole = {**os.environ, **(env or {})}
    whole.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled: so be ours
    done = subprocess.run(words, env=whole, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)[:200]} failed ({done.returncode}):\n{done.stderr}")
    return done.stdout


# ---------------------------------------------------------------------- projects and databases


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="jfr-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def engines() -> list[str]:
    """Names of the engines that can be measured here."""
    if not MONGO:
        print("JFR_TEST_MONGO_URI names no MongoDB-protocol server: its rows are left out")
    return ["embedded", *(["mongodb"] if MONGO else [])]


@contextmanager
def store(engine: str, folder: Path, **options: Any) -> Iterator[dict[str, Any]]:
    """Describe a queue in a database of its own, which is removed at the end.

    Parameters
    ----------
    options
        Of pymongo's client, for the server.
    """
    name = f"jfr_bench_{uuid4().hex[:8]}"
    if engine == "embedded":
        path = folder / f"{name}.sqlite"
        yield {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
        return
    spec = {"type": "MongoURIStore", "uri": MONGO, "database": name, "collection_name": "jobs"}
    yield {**spec, **({"mongoclient_kwargs": options} if options else {})}
    import pymongo

    with pymongo.MongoClient(MONGO) as client:
        client.drop_database(name)


@contextmanager
def controller_of(spec: Mapping[str, Any]) -> Iterator[JobController]:
    """Give a JobController on the database of a store, emptied."""
    with JobController(open_store(spec)) as opened:
        opened.reset()
        yield opened


@contextmanager
def controller(engine: str, folder: Path, **options: Any) -> Iterator[JobController]:
    """Give a JobController on an empty database; parameters as of `store`."""
    with store(engine, folder, **options) as spec, controller_of(spec) as opened:
        yield opened


@dataclass
class Project:
    """A project in a folder of its own.

    Attributes
    ----------
    env
        Environment in which `jf` and Python use it.
    file
        Its file.
    """

    env: dict[str, str] = field(default_factory=dict)
    file: Path = Path()

    def jf(self, *words: str) -> str:
        """Run a command of `jf`."""
        return run(JF, *words, env=self.env)

    def python(self, code: str, *words: str) -> str:
        """Run Python code."""
        return run(PYTHON, "-c", code, *words, env=self.env)


@contextmanager
def project(
    engine: str, folder: Path, modules: Mapping[str, str] | None = None
) -> Iterator[Project]:
    """Make a project with a local worker, as `jf quickstart` does.

    Parameters
    ----------
    modules
        {name: code} of modules that jobs come from.
    """
    for name, code in (modules or {}).items():
        (folder / f"{name}.py").write_text(code)
    (folder / "settings.yaml").touch()
    made = Project(
        {
            "JFREMOTE_PROJECTS_FOLDER": str(folder / "projects"),
            "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
            "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
        },
        folder / "projects" / "jfr.yaml",
    )
    made.jf("quickstart")
    if engine == "embedded":
        yield made
        return
    from ruamel.yaml import YAML

    with store(engine, folder) as spec:
        yaml = YAML()
        content = yaml.load(made.file)
        content["queue"]["store"] = spec
        yaml.dump(content, made.file)
        made.jf("admin", "reset", "--yes")
        yield made


def job_uuid(number: int) -> str:
    """Return the uuid of a job that `populate` makes, counted from 0."""
    return str(UUID(int=(10 << 124) + number))


def flow_uuid(number: int) -> str:
    """Return the uuid of a flow that `populate` makes, counted from 0."""
    return str(UUID(int=(15 << 124) + number))


def job_document(
    number: int, *, size: int = 1000, state: JobState | None = None, per_flow: int = 100
) -> dict[str, Any]:
    """Compose the document of a job as a submission does; parameters as of `populate`."""
    data = {
        "@module": "jobflow.core.job",
        "@class": "Job",
        "@version": "0.4.0",
        "function": {"@module": "math", "@callable": "fsum", "@bound": None},
        "function_args": ["x" * size],
        "function_kwargs": {},
        "output_schema": None,
        "uuid": job_uuid(number),
        "index": 1,
        "name": f"job {number % 50}",
        "metadata": {"n": number % 50},
        "config": {"manager_config": {}, "on_missing_references": "error"},
        "hosts": [flow_uuid(number // per_flow)],
        "metadata_updates": [],
        "config_updates": [],
        "name_updates": [],
    }
    document = new_job_document(
        data,
        db_id=str(number + 1),
        parents=_parents(number) if state is None else [],
        state=state or STATES[number % len(STATES)],
        worker="local",
        priority=number % 3,
        now=START + timedelta(seconds=number),
    )
    # Not in the order of insertion, as after some weeks of use.
    document["updated_on"] = START + timedelta(seconds=number * 7919 % 1_000_003)
    return document


def _parents(number: int) -> list[str]:
    """Jobs of a flow hang together by threes."""
    return [job_uuid(number - 1)] if number % 100 % 3 else []


def populate_file(
    opened: JobController, count: int, *, live: int, size: int = 100, per_flow: int = 100
) -> None:
    """Fill an embedded database with jobs that are COMPLETED, but for the last, which are READY.

    They are written into the file as the engine does it, without what a submission does for each:
    twenty times as fast as `populate`.

    Parameters
    ----------
    live
        How many are READY; a multiple of ``per_flow``.
    size, per_flow
        As for `populate`.
    """
    from controller.storage.embedded import rows
    from controller.storage.embedded.collection import EmbeddedCollection

    jobs, flows = opened.db.jobs, opened.db.flows
    assert isinstance(jobs, EmbeddedCollection)
    file = jobs._file
    file.link().sql.execute("PRAGMA cache_size=-400000")
    templates = [job_document(n, size=size, state=JobState.COMPLETED) for n in range(50)]
    for start in range(0, count, 20 * _BATCH):
        numbers = range(start, min(start + 20 * _BATCH, count))
        made = (
            _as_if_done(templates[n % 50], n, per_flow, ready=n >= count - live) for n in numbers
        )
        with file.writing() as link:
            table = link.table(jobs.name)
            assert table is not None
            rows.insert_all(link, table, (rows.prepare(file, d, stage=False) for d in made))
    for start in range(0, count, _BATCH * per_flow):
        ends = range(start, min(start + _BATCH * per_flow, count), per_flow)
        flows.insert_many(
            [
                {
                    **_flow_of(range(n, n + per_flow), flow_uuid(n // per_flow), parents=False),
                    "state": "READY" if n >= count - live else "COMPLETED",
                    "updated_on": START + timedelta(seconds=n * 7919 % 1_000_003),
                }
                for n in ends
            ]
        )
    opened.queue.auxiliary.update_one(
        {"next_id": {"$exists": True}}, {"$set": {"next_id": count + 1}}
    )


def _as_if_done(
    template: dict[str, Any], number: int, per_flow: int, *, ready: bool
) -> dict[str, Any]:
    uuid = job_uuid(number)
    return {
        **template,
        "uuid": uuid,
        "db_id": str(number + 1),
        "job": {**template["job"], "uuid": uuid, "hosts": [flow_uuid(number // per_flow)]},
        "state": "READY" if ready else "COMPLETED",
        "created_on": START + timedelta(seconds=number),
        "updated_on": START + timedelta(seconds=number * 7919 % 1_000_003),
        "start_time": None if ready else START,
        "end_time": None if ready else START,
    }


def populate(
    opened: JobController,
    count: int,
    *,
    size: int = 1000,
    state: JobState | None = None,
    per_flow: int = 100,
    first: int = 0,
) -> None:
    """Fill a database with flows, quickly.

    Parameters
    ----------
    size
        Bytes of each job's argument.
    state
        Of all jobs, which then do not depend on each other; None takes `STATES` in turn.
    per_flow
        Jobs per flow; a multiple of 100 where ``state`` is None.
    first
        Number of the first job, a multiple of ``per_flow``: those before it are there already.
    """
    end = first + count
    jobs, flows = opened.queue.jobs, opened.queue.flows
    for start in range(first, end, _BATCH):
        numbers = range(start, min(start + _BATCH, end))
        jobs.insert_many(
            [job_document(n, size=size, state=state, per_flow=per_flow) for n in numbers]
        )
    of_flow = [range(at, min(at + per_flow, end)) for at in range(first, end, per_flow)]
    for some in range(0, len(of_flow), _BATCH // 20):
        flows.insert_many(
            [
                _flow_of(each, flow_uuid(each[0] // per_flow), parents=state is None)
                for each in of_flow[some : some + _BATCH // 20]
            ]
        )
    opened.queue.auxiliary.update_one(
        {"next_id": {"$exists": True}}, {"$set": {"next_id": end + 1}}
    )


def _flow_of(numbers: Sequence[int], uuid: str, *, parents: bool) -> dict[str, Any]:
    return new_flow_document(
        uuid=uuid,
        name=f"flow of {len(numbers)}",
        metadata={},
        ids=[(str(n + 1), job_uuid(n), 1) for n in numbers],
        parents={job_uuid(n): {"1": _parents(n) if parents else []} for n in numbers},
        now=START,
    )


@contextmanager
def filled_project(jobs: int) -> Iterator[tuple[Project, Path]]:
    """Give an embedded project whose queue holds so many jobs of `populate`, and its folder."""
    with scratch() as folder, project("embedded", folder) as made:
        path = made.file.with_suffix("") / "queue.sqlite"
        spec = {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
        with controller_of(spec) as opened:
            populate(opened, jobs)
        yield made, folder
