"""`jf job cd` and saved filters, as installed."""

from __future__ import annotations

import json
from pathlib import Path

from installed_jf import Run


def test_the_run_directory(finished: Run) -> None:
    done = finished("job", "cd", "3")
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.removesuffix("\n")) / "jfremote_in.json").exists()
    as_data = json.loads(finished("job", "cd", "3", "--json").stdout)
    assert as_data == {"db_id": "3", "host": None, "run_dir": done.stdout.strip()}
    assert finished("job", "cd", "99").returncode == 3


def test_a_saved_filter(finished: Run) -> None:
    try:
        saved = finished("job", "filter", "save", "failures", "-s", "FAILED,READY", "--days", "7")
        assert saved.returncode == 0, saved.stderr
        assert finished("job", "list", "@failures", "--format", "name").stdout == "3\n"
        assert finished("job", "list", "@failures", "-s", "COMPLETED", "--count").stdout == "2\n"
        tried = json.loads(finished("job", "rerun", "@failures", "--dry-run", "--json").stdout)
        assert [change["db_id"] for change in tried["plan"]] == ["3"]
        for words, code, said in [
            (("job", "list", "@failurs"), 3, "did you mean failures?"),
            (("job", "list", "3"), 2, "ids follow --db-id"),
            (("flow", "list", "@failures"), 3, "jf flow filter save"),
            (("job", "rerun", "@failures", "-s", "FAILED"), 2, "cannot be combined"),
            (("job", "filter", "save", "failures", "-s", "READY"), 2, "--replace"),
        ]:
            done = finished(*words)
            assert (done.returncode, done.stdout) == (code, "")
            assert said in done.stderr
    finally:
        gone = finished("job", "filter", "delete", "failures", "--json")
    assert json.loads(gone.stdout)[0]["options"] == "--state FAILED --state READY --days 7"
    left = json.loads(finished("job", "filter", "list", "--json").stdout)
    assert "failures" not in [saved["name"] for saved in left]
