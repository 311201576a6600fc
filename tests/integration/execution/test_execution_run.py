"""What is left in a run directory after jobs of all kinds."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import sample_jobs
from worker_process import prepare, run_forked

from controller.execution import files
from controller.execution.run import allocate

FORMATS = [
    (store, zipped)
    for store in ("maggma_json", "orjson", "msgspec_json", "msgpack")
    for zipped in (False, True)
]


@pytest.mark.parametrize(("store", "zipped"), FORMATS)
def test_a_result_comes_back_in_every_format(worker, store, zipped):
    run = worker(sample_jobs.give("nested"), store, zipped)
    assert run.code == 0
    assert run.output.error is None
    assert run.result == {"a": [1, 2.5, None, True]}
    ending = (".msgpack" if store == "msgpack" else ".json") + (".gz" if zipped else "")
    assert (run.directory / f"remote_job_data{ending}").exists()


@pytest.mark.parametrize(("store", "zipped"), FORMATS)
def test_blobs_go_to_the_file_of_their_store(worker, store, zipped):
    run = worker(sample_jobs.blob(), store, zipped)
    document, blobs = files.read_results(run.directory, run.files)
    assert document["output"]["rest"] == 1
    (blob,) = blobs["data"]
    assert blob["data"] == [0, 1, 2, 3, 4]
    assert document["output"]["blob"]["blob_uuid"] == blob["blob_uuid"]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_result_comes_back_through_a_store_of_the_users(worker, zipped):
    store = {"@module": "sample_stores", "@class": "LineStore"}
    run = worker(sample_jobs.give("nested"), store, zipped, "lines")
    assert run.output.error is None
    assert run.result == {"a": [1, 2.5, None, True]}
    assert "remote_job_data.lines" in run.files[""]


def test_a_store_without_blobs_leaves_an_empty_list(worker):
    run = worker(sample_jobs.add(1, 2))
    assert files.read_results(run.directory, run.files)[1] == {"data": []}


def test_the_document_names_the_job(worker):
    job = sample_jobs.add(1, 2)
    document, _ = files.read_results((run := worker(job)).directory, run.files)
    assert (document["uuid"], document["index"], document["name"]) == (job.uuid, 1, "add")
    assert document["@class"] == "JobStoreDocument"


def test_times_are_those_of_the_run(worker):
    output = worker(sample_jobs.add(1, 2)).output
    assert isinstance(output.start_time, datetime)
    assert output.start_time.tzinfo is None
    assert output.start_time <= output.end_time


def test_only_jobflow_and_the_job_speak(worker):
    run = worker(sample_jobs.speak())
    started, *said, finished = run.stdout.splitlines()
    assert "INFO Starting job - speak" in started
    assert "INFO Finished job - speak" in finished
    assert (said, run.stderr) == (["hello from the job"], "a warning\n")


@pytest.mark.parametrize(
    ("what", "stored"),
    [
        ("array", [0, 1, 2]),
        ("text", "a 'quoted' \N{GREEK SMALL LETTER ALPHA}; rm -rf"),
        ("length", 1.5),
    ],
)
def test_values_arrive_as_they_were(worker, what, stored):
    run = worker(sample_jobs.give(what))
    assert run.output.error is None
    assert run.result == stored


def test_msonable_objects_arrive_serialised(worker):
    result = worker(sample_jobs.give("point")).result
    assert (result["@class"], result["x"]) == ("Point", 2.0)


@pytest.mark.parametrize("store", ["maggma_json", "msgpack"])
def test_times_in_outputs_stay_times(worker, store):
    assert worker(sample_jobs.give("time"), store).result == datetime(2024, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (lambda: sample_jobs.fail(), ["ValueError", "the cell has no atoms"]),
        (lambda: sample_jobs.leave(0), ["sys.exit(0)"]),
        (lambda: sample_jobs.leave("no input"), ["sys.exit('no input')"]),
        (lambda: sample_jobs.cancel_itself(), ["CancelledError"]),
        (lambda: sample_jobs.interrupt_itself(), ["interrupt"]),
        (lambda: sample_jobs.terminate_itself(), ["SIGTERM"]),
        (lambda: sample_jobs.give("opaque"), ["serial"]),
        (lambda: sample_jobs.give("bytes"), ["output cannot be stored", "bytes"]),
        (lambda: sample_jobs.give("huge"), ["output is an integer of 100 bits"]),
        (lambda: sample_jobs.keep_unstorable(), ["Response", "Opaque"]),
    ],
    ids=(  # noqa: SIM905
        "raises exit-0 exit-text cancels interrupts terminates opaque bytes huge stored_data"
    ).split(),
)
def test_a_failure_says_why_in_its_first_line(worker, job, words):
    run = worker(job())
    assert run.code == 0, run.stderr
    assert run.output.response is None
    for word in words:
        assert word in run.reason
    assert run.output.end_time is not None


def test_the_traceback_follows_the_reason(worker):
    error = worker(sample_jobs.fail()).output.error
    assert "Traceback (most recent call last)" in error
    assert "sample_jobs.py" in error


def test_nobody_is_current_outside_of_a_job():
    from controller import CURRENT_JOBDOC

    assert CURRENT_JOBDOC.job_doc is None


def test_nothing_is_called_a_result_when_the_job_failed(worker):
    run = worker(sample_jobs.fail())
    with pytest.raises(FileNotFoundError):
        files.read_results(run.directory, run.files)


@pytest.mark.parametrize(
    ("job", "code"), [(sample_jobs.vanish, 3), (sample_jobs.kill_itself, -9)], ids=["exit", "kill"]
)
def test_a_process_that_dies_leaves_its_start_and_a_reason(worker, job, code):
    run = worker(job())
    assert run.code == code
    assert run.output.start_time is not None
    assert run.output.end_time is None
    assert "no result" in run.reason


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (
            {"@module": "no_such_package.jobs", "@callable": "run", "@bound": None},
            "no_such_package",
        ),
        ({"@module": "sample_jobs", "@callable": "gone", "@bound": None}, "gone"),
    ],
)
def test_a_function_that_is_not_there(worker, function, word):
    job = sample_jobs.add(1, 2).as_dict()
    run = worker({**job, "function": function})
    assert run.code == 0
    assert "cannot be imported on the worker" in run.reason
    assert word in run.reason


def test_an_input_that_was_cut_off(worker, tmp_path, monkeypatch):
    directory = tmp_path / "cut"
    prepare(directory, sample_jobs.add(1, 2))
    content = (directory / files.IN_FILE).read_bytes()
    (directory / files.IN_FILE).write_bytes(content[: len(content) // 2])
    from controller.execution.run import run_remote_job

    run_forked(directory, lambda: sys.exit(run_remote_job(directory)))
    assert "JSON" in files.read_output(directory).error.splitlines()[0]


def test_an_input_that_is_missing(tmp_path):
    directory = tmp_path / "empty"
    directory.mkdir()
    from controller.execution.run import run_remote_job

    run_forked(directory, lambda: sys.exit(run_remote_job(directory)))
    assert files.IN_FILE in files.read_output(directory).error.splitlines()[0]


def test_a_directory_that_cannot_be_entered(tmp_path, monkeypatch):
    from jfr_cli.main import main

    monkeypatch.setattr(sys, "argv", ["jf", "execution", "run", str(tmp_path / "gone")])
    code, out, err = run_forked(tmp_path / "any", main)
    assert code not in (0, 70)
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "gone" in err


def test_a_result_that_cannot_be_written_is_noticed_before_the_run(tmp_path, monkeypatch):
    directory = tmp_path / "full"
    prepare(directory, sample_jobs.fill_folder(1))
    import controller.execution.run as module

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "posix_fallocate", no_space)
    code, _, err = run_forked(directory, lambda: sys.exit(module.run_remote_job(directory)))
    assert code not in (0, 70)
    assert not (directory / "big").exists()
    assert len(err.splitlines()) == 1
    assert "No space left on device" in err


def test_a_disk_that_fills_up_during_the_run_is_the_reason(worker, monkeypatch):
    import controller.execution.filestore as module

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_file", no_space)
    run = worker(sample_jobs.add(1, 2))
    assert run.code == 0
    assert "No space left on device" in run.reason


def test_a_file_system_that_cannot_reserve_is_fine(worker, monkeypatch):
    def not_here(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("os.posix_fallocate", not_here)
    assert worker(sample_jobs.add(1, 2)).result == 3


def test_where_space_cannot_be_reserved_it_is_written(worker, monkeypatch):
    """macOS has no posix_fallocate: every job ended in an AttributeError."""
    monkeypatch.delattr("os.posix_fallocate")
    assert worker(sample_jobs.add(1, 2)).result == 3
    with Path("/dev/full").open("wb") as full, pytest.raises(OSError, match="No space"):
        allocate(full.fileno())


def test_response_parts_are_flows(worker):
    replace = worker(sample_jobs.replace_by_two()).output.response["replace"]
    assert replace["@class"] == "Flow"
    assert [job["index"] for job in replace["jobs"]] == [1, 1, 2]
    detour = worker(sample_jobs.detour()).output.response
    assert (detour["detour"]["@class"], detour["stored_data"]) == ("Flow", {"seen": 7})
    assert worker(sample_jobs.add_later()).output.response["addition"]["@class"] == "Flow"


def test_the_output_is_not_repeated_in_the_response(worker):
    response = worker(sample_jobs.add(1, 2)).output.response
    assert (response["@module"], response["@class"]) == ("jobflow.core.job", "Response")
    assert response["output"] is None


def test_a_job_may_change_directory(worker, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    run = worker(sample_jobs.wander(str(away)))
    assert run.result == "back"
    assert list(away.iterdir()) == []


def test_a_job_may_compress_its_directory(worker):
    run = worker(sample_jobs.compress_all())
    assert run.result == "compressed"
    assert run.output.error is None
    assert files.read_results(run.directory, run.files)[1] == {"data": []}


def test_a_child_that_comes_back_writes_no_result(worker):
    assert worker(sample_jobs.fork()).result == "the parent"


def test_a_job_sees_its_document(worker):
    assert worker(sample_jobs.document_of_this_job()).result == {
        "db_id": "7",
        "worker": "local one",
        "state": "CHECKED_OUT",
        "created": "datetime",
        "name": "document_of_this_job",
    }


def test_values_that_come_with_their_reference(worker):
    from jobflow.core.reference import ResolvedReference

    source = sample_jobs.add(1, 2)
    job = sample_jobs.inspect_reference(ResolvedReference(source.uuid, (), 3))
    job.config.resolve_references = "both"
    assert worker(job).result == {"value": 3, "type": "ResolvedReference"}


def test_a_makers_job_runs(worker):
    import sample_makers

    assert worker(sample_makers.PowerMaker(exponent=3).make(2)).result == 8


def test_nothing_is_imported_that_jobflow_does_not_import():
    code = (
        "import sys, jobflow; known = set(sys.modules)\n"
        "import jfr_cli.main, controller.execution.run, controller.execution.filestore\n"
        "import controller.execution.files\n"
        "new = {m for m in set(sys.modules) - known if m.split('.')[0] not in "
        "('controller', 'jfr_cli')}\n"
        "print(' '.join(sorted(new)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_installed_command_runs_a_job(tmp_path):
    directory = tmp_path / "work dir" / "one"
    names = prepare(directory, sample_jobs.add(40, 2))
    jf = Path(sys.executable).with_name("jf")
    env = {**os.environ, "PYTHONPATH": str(Path(sample_jobs.__file__).parent)}
    done = subprocess.run(
        [jf, "-fe", "-p", "any", "execution", "run", directory],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(" (")[0].partition(" INFO")[2] for line in done.stdout.splitlines()] == [
        " Starting job - add",
        " Finished job - add",
    ]
    assert files.read_results(directory, names)[0]["output"] == 42


def test_the_log_of_jobflow_stands_in_the_output_of_the_job_once(worker):
    lines = worker(sample_jobs.add(1, 2)).stdout.splitlines()
    for words in ("INFO Starting job - add", "INFO Finished job - add"):
        assert len([line for line in lines if words in line]) == 1
