"""Files that travel between jfr and jobflow-remote 1.0.1, in both directions.

What jobflow-remote writes is here as samples in its format. Where jobflow-remote 1.0.1 is, its own
worker runs our jobs and ours runs its.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import sample_jobs
from jobflow_remote_program import JF
from worker_process import prepare, run_forked

from controller.execution import files
from controller.execution.run import run_remote_job

STORES = {
    "maggma_json": ("StdJSONStore", "paths", "json"),
    "orjson": ("MinimalORJSONStore", "path", "json"),
    "msgspec_json": ("MinimalMsgspecJSONStore", "path", "json"),
    "msgpack": ("MinimalMsgpackStore", "path", "msgpack"),
}

WRITE_INPUT = """
import sys
import sample_jobs
from jobflow import JobStore
from jobflow_remote.jobs.data import get_initial_job_doc_dict
from jobflow_remote.remote.data import get_remote_in_file, get_remote_store
from maggma.stores import MemoryStore
directory, kind = sys.argv[1:]
stores = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
store = get_remote_store(stores, directory, {"store": kind})
job = sample_jobs.blob()
document = get_initial_job_doc_dict(job, None, "7", "local one", None, None, 0)
document.pop("job")
content = get_remote_in_file(job.as_dict(), store, document).read()
with open(directory + "/jfremote_in.json", "wb") as file:
    file.write(content if isinstance(content, bytes) else content.encode())
"""


def sample_input(directory: Path, kind: str) -> dict[str, str]:
    """An input file as jobflow-remote 1.0.1 writes it."""
    name, argument, extension = STORES[kind]

    def store(file: str) -> dict[str, object]:
        path = str(directory / file)
        return {
            "@module": "jobflow_remote.remote.data",
            "@class": name,
            "@version": "1.0.1",
            argument: [path] if argument == "paths" else path,
        }

    names = {
        "": f"remote_job_data.{extension}",
        "data": f"additional_store_data.{extension}",
    }
    job = sample_jobs.blob()
    content = {
        "job": job.as_dict(),
        "store": {
            "@module": "jobflow.core.store",
            "@class": "JobStore",
            "@version": "0.4.0",
            "docs_store": store(names[""]),
            "additional_stores": {"data": store(names["data"])},
            "save": {},
            "load": False,
        },
        "job_doc": {"uuid": job.uuid, "index": 1, "state": "CHECKED_OUT", "db_id": "1"},
    }
    directory.mkdir(parents=True)
    (directory / files.IN_FILE).write_text(json.dumps(content))
    return names


@pytest.mark.parametrize("kind", STORES)
def test_our_worker_runs_an_input_of_jobflow_remote(tmp_path, kind):
    assert "jobflow_remote" not in sys.modules
    directory = tmp_path / "run"
    names = sample_input(directory, kind)
    code, out, err = run_forked(directory, lambda: sys.exit(run_remote_job(directory)))
    assert (code, err) == (0, "")
    assert [line.split(" INFO ")[1].partition(" (")[0] for line in out.splitlines()] == [
        "Starting job - blob",
        "Finished job - blob",
    ]
    assert files.read_output(directory).error is None
    document, blobs = files.read_results(directory, names)
    assert document["output"]["rest"] == 1
    assert [blob["data"] for blob in blobs["data"]] == [[0, 1, 2, 3, 4]]


def test_we_read_a_result_of_jobflow_remote(tmp_path):
    moment = {"@module": "datetime", "@class": "datetime"}
    (tmp_path / files.OUT_FILE).write_text(
        json.dumps(
            {
                "response": {"@module": "jobflow.core.job", "@class": "Response", "output": None},
                "error": None,
                "start_time": {**moment, "string": "2026-01-02 03:04:05.678901+00:00"},
                "end_time": {**moment, "string": "2026-01-02 03:04:06+00:00"},
            }
        )
    )
    output = files.read_output(tmp_path)
    assert output.response["@class"] == "Response"
    assert (output.start_time.microsecond, output.end_time.second) == (678901, 6)
    assert output.start_time.tzinfo is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORES)
def test_their_worker_runs_our_input(tmp_path, kind, jobflow_remote):
    directory = tmp_path / "work dir" / "run"
    names = prepare(directory, sample_jobs.blob(), kind)
    words = ("-fe", "execution", "run", directory)
    jobflow_remote.run(tmp_path, JF, *words, env=_environment(tmp_path))
    output = files.read_output(directory)
    assert output.error is None
    assert output.response["@class"] == "Response"
    document, blobs = files.read_results(directory, names)
    assert document["output"]["rest"] == 1
    assert [blob["data"] for blob in blobs["data"]] == [[0, 1, 2, 3, 4]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORES)
def test_our_worker_runs_their_input(tmp_path, kind, jobflow_remote):
    directory = tmp_path / "run"
    directory.mkdir()
    jobflow_remote.run(tmp_path, WRITE_INPUT, directory, kind, env=_environment(tmp_path))
    run_forked(directory, lambda: sys.exit(run_remote_job(directory)))
    assert files.read_output(directory).error is None
    names = files.store_file_names({"data"}, kind, zip_files=False)
    assert files.read_results(directory, names)[1]["data"][0]["data"] == [0, 1, 2, 3, 4]


def _environment(tmp_path: Path) -> dict[str, str]:
    projects = tmp_path / "projects"
    projects.mkdir()
    jobs = str(Path(sample_jobs.__file__).parent)
    return {"JFREMOTE_PROJECTS_FOLDER": str(projects), "PYTHONPATH": jobs}
