"""Names and contents of the files of a run directory."""

from __future__ import annotations

import gzip
import json
import math
import tracemalloc
from datetime import datetime
from pathlib import Path

import pytest

from controller.errors import ConfigError, RemoteError
from controller.execution import files, formats

UUID = "0a1b2c3d-4e5f-4678-9abc-def012345678"


def test_run_directory_layout():
    path = files.run_dir_path("/work dir", UUID, 2)
    assert str(path) == f"/work dir/0a/1b/2c/{UUID}_2"


@pytest.mark.parametrize("uuid", ["../../etc", "a/b", "", ".", "a b", "-rf"])
def test_a_uuid_never_leads_out_of_the_folder(uuid):
    with pytest.raises(RemoteError) as caught:
        files.run_dir_path("/work", uuid, 1)
    assert caught.value.no_retry


@pytest.mark.parametrize(
    ("store", "zipped", "extension", "ending"),
    [
        ("maggma_json", False, None, "json"),
        ("maggma_json", True, None, "json.gz"),
        ("orjson", False, None, "json"),
        ("msgspec_json", True, None, "json.gz"),
        ("msgpack", False, None, "msgpack"),
        ("msgpack", True, None, "msgpack.gz"),
        ({"@module": "m", "@class": "C"}, False, "yaml", "yaml"),
        ({"@module": "m", "@class": "C"}, True, "yaml", "yaml.gz"),
    ],
)
def test_names_of_the_files_of_stores(store, zipped, extension, ending):
    assert files.store_file_names({"data": None, "big one": None}, store, zipped, extension) == {
        "": f"remote_job_data.{ending}",
        "data": f"additional_store_data.{ending}",
        "big one": f"additional_store_big one.{ending}",
    }


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="msgpack"):
        files.store_file_names({}, "pickle", False)


def test_the_store_is_one_that_any_worker_can_build():
    names = files.store_file_names({"data"}, "maggma_json", False)
    described = files.job_store_description(
        Path("/run dir"), names, {"save": {"data": True}, "load": None}
    )
    assert (described["@module"], described["@class"]) == ("jobflow.core.store", "JobStore")
    assert described["save"] == {"data": True}
    assert described["load"] is False
    for store, name in (
        (described["docs_store"], "remote_job_data.json"),
        (described["additional_stores"]["data"], "additional_store_data.json"),
    ):
        assert store["@module"].split(".")[0] == "maggma"
        assert store["@class"] == "JSONStore"
        assert store["paths"] == [f"/run dir/{name}"]
        assert store["read_only"] is False


def test_the_input_has_no_lock_and_no_copy_of_the_job():
    document = {
        "_id": 1,
        "job": {"x": 1},
        "db_id": "3",
        "lock_id": "mine",
        "lock_time": datetime(2026, 1, 1),
        "lock_lease": {"id": "mine"},
        "created_on": datetime(2026, 1, 2, 3, 4, 5),
    }
    content = json.loads(files.encode_input({"x": 1}, {"s": 2}, document))
    assert content["job"] == {"x": 1}
    assert content["store"] == {"s": 2}
    assert content["job_doc"] == {
        "db_id": "3",
        "lock_id": None,
        "lock_time": None,
        "created_on": {
            "@module": "datetime",
            "@class": "datetime",
            "string": "2026-01-02 03:04:05",
        },
    }
    assert document["lock_id"] == "mine"


def write_out(folder: Path, content: object) -> None:
    (folder / files.OUT_FILE).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("2026-01-02 03:04:05.000006+00:00", datetime(2026, 1, 2, 3, 4, 5, 6)),
        ("2026-01-02 05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
    ],
)
def test_times_are_read_as_naive_utc(tmp_path, stored, read):
    mson = {"@module": "datetime", "@class": "datetime", "string": stored}
    write_out(tmp_path, {"response": {}, "error": None, "start_time": mson, "end_time": stored})
    output = files.read_output(tmp_path)
    assert (output.start_time, output.end_time) == (read, read)


def test_an_error_is_returned_as_it_is(tmp_path):
    write_out(tmp_path, {"response": None, "error": "ValueError: no\nTraceback"})
    assert files.read_output(tmp_path).error == "ValueError: no\nTraceback"


def test_a_compressed_output_file_is_read(tmp_path):
    content = gzip.compress(b'{"response": {"output": null}, "error": null}')
    (tmp_path / f"{files.OUT_FILE}.gz").write_bytes(content)
    assert files.read_output(tmp_path).response == {"output": None}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "did not start"), ({}, "no result"), ({"start_time": "2026-01-02T03:04:05"}, "killed")],
)
def test_a_missing_result_is_explained_with_the_log(tmp_path, content, words):
    if content is not None:
        write_out(tmp_path, content)
    (tmp_path / files.QUEUE_ERR).write_text("slurmstepd: error: DUE TO TIME LIMIT\n")
    output = files.read_output(tmp_path)
    assert output.response is None
    assert words in output.error.splitlines()[0]
    assert "DUE TO TIME LIMIT" in output.error


@pytest.mark.parametrize(
    ("started", "status", "words"),
    [
        (True, None, "killed with its script"),
        (True, "137", "killed by SIGKILL"),
        (True, "143", "killed by SIGTERM"),
        (True, "255", "killed by 127"),
        (True, "3", "os._exit"),
        (True, "0", "status 0"),
        (True, "", "killed with its script"),
        (False, None, "did not start"),
        (False, "127", "could not be run on the worker"),
        (False, "1", "did not start: its command ended with status 1"),
    ],
)
def test_the_exit_status_explains_the_missing_result(tmp_path, started, status, words):
    if started:
        write_out(tmp_path, {"start_time": "2026-01-02T03:04:05"})
    if status is not None:
        (tmp_path / files.EXIT_FILE).write_text(f"{status}\n")
    assert words in files.read_output(tmp_path).error


def test_a_run_directory_that_is_gone_is_the_reason(tmp_path):
    """It was taken for a job that had not started, on a disk that was perhaps full."""
    assert files.read_output(tmp_path / "gone").error.startswith("the run directory /")


def test_the_end_of_a_long_log_explains_the_missing_result(tmp_path):
    noise = "".join(f"warning number {n}\n" for n in range(1000))
    (tmp_path / files.QUEUE_ERR).write_text(noise + "oom-kill: Out of memory\n")
    assert "Out of memory" in files.read_output(tmp_path).error


def test_an_output_file_that_is_no_json_is_for_nobody_to_retry(tmp_path):
    (tmp_path / files.OUT_FILE).write_text('{"response": {"outp')
    with pytest.raises(RemoteError) as caught:
        files.read_output(tmp_path)
    assert caught.value.no_retry


NAMES = {"": "remote_job_data.json", "data": "additional_store_data.json"}


def test_results_of_both_stores(tmp_path):
    (tmp_path / NAMES[""]).write_text('[{"uuid": "u", "output": 1}]')
    (tmp_path / NAMES["data"]).write_text('[{"blob_uuid": "b"}]')
    assert files.read_results(tmp_path, NAMES) == (
        {"uuid": "u", "output": 1},
        {"data": [{"blob_uuid": "b"}]},
    )


@pytest.mark.parametrize("content", ["[]", "[{}, {}]", "{}"])
def test_an_output_file_holds_one_document(tmp_path, content):
    (tmp_path / NAMES[""]).write_text(content)
    with pytest.raises(RemoteError) as caught:
        files.read_results(tmp_path, {"": NAMES[""]})
    assert caught.value.no_retry


def test_the_reason_is_found_with_little_memory(tmp_path):
    """A job can print more than the runner has memory, and fill any file of its folder."""
    with (tmp_path / files.QUEUE_ERR).open("wb") as stream:
        stream.truncate(3 * 10**9)  # takes no room on the disk
        stream.seek(0, 2)
        stream.write(b"\noom-kill: Out of memory\n")
    with (tmp_path / files.EXIT_FILE).open("wb") as stream:
        stream.truncate(3 * 10**9)
    tracemalloc.start()
    try:
        error = files.read_output(tmp_path).error
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.endswith("oom-kill: Out of memory")
    assert peak < 10**6


def test_a_missing_output_document_is_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read_results(tmp_path, NAMES)


def test_a_missing_file_of_an_additional_store_is_told_apart(tmp_path):
    (tmp_path / NAMES[""]).write_text('[{"uuid": "u"}]')
    with pytest.raises(FileNotFoundError):
        files.read_results(tmp_path, NAMES)


def test_files_that_the_job_compressed_are_found(tmp_path):
    for name, content in ((NAMES[""], b'[{"uuid": "u"}]'), (NAMES["data"], b"[]")):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    assert files.read_results(tmp_path, NAMES) == ({"uuid": "u"}, {"data": []})


def test_an_excerpt_says_that_it_was_cut(tmp_path):
    (tmp_path / "queue.out").write_text("\N{GREEK SMALL LETTER ALPHA}" * 4000)
    excerpt = files.read_excerpt(tmp_path, "queue.out")
    assert excerpt.startswith("\N{GREEK SMALL LETTER ALPHA}" * files.EXCERPT + "\n")
    assert "truncated" in excerpt
    assert files.read_excerpt(tmp_path, "queue.err") is None


def test_a_log_that_is_no_text_is_shown_as_far_as_it_is(tmp_path):
    (tmp_path / "queue.err").write_bytes(b"bad \xff byte")
    assert files.read_excerpt(tmp_path, "queue.err").startswith("bad ")


@pytest.mark.parametrize("name", formats.FORMATS)
@pytest.mark.parametrize(
    "value",
    [
        [{"a": 1, "b": [1.5, None, True, "\N{GREEK SMALL LETTER ALPHA}"]}],
        [{"when": datetime(2026, 1, 2, 3, 4, 5, 678901)}],
        [],
    ],
)
def test_a_format_reads_what_it_wrote(name, value):
    chosen = formats.get_format(name)
    assert chosen.decode(chosen.encode(value)) == value


def test_a_store_class_needs_an_extension():
    with pytest.raises(ConfigError, match="extension"):
        files.store_file_names({}, {"@module": "m", "@class": "C"}, False)


def test_a_store_class_gets_the_path_of_its_file():
    names = files.store_file_names({"d"}, {"@module": "m", "@class": "C", "x": 1}, False, "yaml")
    described = files.job_store_description(Path("/run"), names, {})
    assert described["docs_store"] == {
        "@module": "m",
        "@class": "C",
        "x": 1,
        "path": "/run/remote_job_data.yaml",
    }


def test_a_file_that_is_no_document_is_for_nobody_to_retry(tmp_path):
    (tmp_path / "remote_job_data.msgpack.gz").write_bytes(b"neither")
    names = files.store_file_names({}, "msgpack", True)
    with pytest.raises(RemoteError, match=r"remote_job_data\.msgpack\.gz") as caught:
        files.read_results(tmp_path, names)
    assert caught.value.no_retry


@pytest.mark.parametrize("value", [{"$date": "yesterday"}, {"$oid": "x"}, {"$date": None}])
def test_dictionaries_of_the_user_that_look_like_extended_json(value):
    assert formats.decode_json(formats.encode_json([value])) == [value]


def test_json_with_nan_is_read():
    (value,) = formats.decode_json(b"[NaN]")
    assert math.isnan(value)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "data.json"
    formats.write_file(path, [1])

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        formats.write_file(path, [2])
    assert formats.read_file(path) == [1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.json"]
