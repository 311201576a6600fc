"""mongodump and mongorestore as they are called: what they are told, and what nobody may see."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from controller.errors import ArgumentError, ConfigError, StorageError
from controller.storage.dumps import Dump, find_dump
from controller.storage.mongo.tools import MongoTools, connection_uri, mongo_tools

FAKE = """#!{python}
import json, os, sys
arguments = sys.argv[1:]
config = arguments[arguments.index("--config") + 1]
called = {{"arguments": arguments, "config": open(config).read(),
          "mode": os.stat(config).st_mode & 0o777, "path": config}}
open({record!r}, "w").write(json.dumps(called))
if "--out" in arguments:
    out = os.path.join(arguments[arguments.index("--out") + 1], "db")
    os.makedirs(out)
    end = ".gz" if "--gzip" in arguments else ""
    for name in ("c.bson", "c.metadata.json"):
        open(os.path.join(out, name + end), "w").close()
    open(os.path.join(out, "prelude.json"), "w").close()
sys.stderr.write("first\\nwent wrong at mongodb://u:secret@h/\\n")
sys.exit({status})
"""


@pytest.fixture
def tools(tmp_path: Path) -> MongoTools:
    """Programs that note how they were called."""
    return MongoTools(programs(tmp_path, 0), "mongodb://u:secret@h/", "db")


def programs(folder: Path, status: int) -> Path:
    bin_path = folder / "bin"
    bin_path.mkdir(exist_ok=True)
    record = str(folder / "called.json")
    for name in ("mongodump", "mongorestore"):
        text = FAKE.format(python=sys.executable, record=record, status=status)
        (bin_path / name).write_text(text)
        (bin_path / name).chmod(0o755)
    return bin_path


def called(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "called.json").read_text())
    assert "secret" not in " ".join(found["arguments"])
    assert found["mode"] == 0o600
    assert found["config"] == 'uri: "mongodb://u:secret@h/"\n'
    assert not Path(found["path"]).exists(), "the password does not stay"
    return found


@pytest.mark.parametrize("compress", [False, True])
def test_a_collection_is_dumped_under_its_standard_name(
    tools: MongoTools, tmp_path: Path, compress: bool
) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    tools.dump("c", folder, "jobs", compress=compress)
    arguments = called(tmp_path)["arguments"]
    assert arguments[arguments.index("--db") + 1] == "db"
    assert arguments[arguments.index("--collection") + 1] == "c"
    assert ("--gzip" in arguments) is compress
    end = ".gz" if compress else ""
    assert sorted(p.name for p in folder.iterdir()) == [
        f"jobs.bson{end}",
        f"jobs.metadata.json{end}",
    ]
    assert find_dump(folder, "jobs") is not None


@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_collection_is_restored_from_its_file(
    tools: MongoTools, tmp_path: Path, end: str
) -> None:
    data = tmp_path / f"jobs.bson{end}"
    tools.restore(Dump("jobs", data, None), "my jobs")
    arguments = called(tmp_path)["arguments"]
    assert arguments[-1] == str(data)
    assert arguments[arguments.index("--collection") + 1] == "my jobs"
    assert {"--stopOnError", "--noIndexRestore"} <= set(arguments)
    assert ("--gzip" in arguments) is bool(end)


def test_a_failure_is_told_without_the_password(tmp_path: Path) -> None:
    tools = MongoTools(programs(tmp_path, 3), "mongodb://u:secret@h/", "db")
    with pytest.raises(StorageError, match=r"mongorestore failed: went wrong at the database$"):
        tools.restore(Dump("jobs", tmp_path / "jobs.bson", None), "jobs")
    with pytest.raises(StorageError, match="jfr does not need"):
        MongoTools(tmp_path, "mongodb://h/", "db").restore(
            Dump("jobs", tmp_path / "jobs.bson", None), "jobs"
        )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"database": "d"}, "mongodb://localhost:27017/"),
        (
            {"database": "d", "host": "h", "port": 1, "username": "a:b", "password": "p@/"},
            "mongodb://a%3Ab:p%40%2F@h:1/?authSource=d",
        ),
        (
            {"database": "d", "username": "u", "auth_source": "admin"},
            "mongodb://u:@localhost:27017/?authSource=admin",
        ),
        ({"uri": "mongodb://h:1/d"}, "mongodb://h:1/"),
        ({"uri": "mongodb://u:p@h:1/d"}, "mongodb://u:p@h:1/?authSource=d"),
        (
            {"uri": "mongodb+srv://u:p@h/d?authSource=x&tls=true"},
            "mongodb+srv://u:p@h/?authSource=x&tls=true",
        ),
        (
            {
                "host": "mongodb://h/d?tls=false",
                "mongoclient_kwargs": {"tls": True, "w": 1, "x": {}},
            },
            "mongodb://h/?tls=false&w=1",
        ),
    ],
)
def test_the_uri_has_the_login_and_no_database(spec: dict[str, Any], expected: str) -> None:
    described = {"type": "MongoURIStore" if "uri" in spec else "MongoStore", **spec}
    assert connection_uri(described, "d") == expected
    tools = mongo_tools("/bin", described)
    assert tools is not None
    assert (tools.uri, tools.database) == (expected, "d")


def test_stores_that_the_programs_cannot_reach() -> None:
    with pytest.raises(ArgumentError, match="embedded"):
        mongo_tools("/bin", {"type": "EmbeddedStore", "path": "/x.db"})
    with pytest.raises(ConfigError, match="cannot reach"):
        mongo_tools("/bin", {"type": "MongoStore", "database": "d", "ssh_tunnel": {"a": 1}})
    with pytest.raises(ConfigError, match="is invalid"):
        connection_uri({"type": "MongoURIStore", "uri": "h:1"}, "d")
