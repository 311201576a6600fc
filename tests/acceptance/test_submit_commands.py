"""`jf flow submit`, as installed: a function, a wait, and what is in the database."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from installed_jf import Project
from test_schemas import check

HERE = str(Path(__file__).parent)
ENV = {"PYTHONPATH": HERE}


def test_a_function_is_submitted_and_waited_for(fresh_embedded: Project) -> None:
    jf, controller = fresh_embedded.jf, fresh_embedded.controller
    words = ("flow", "submit", "acceptance_jobs:add", "a=1", "b=2", "--metadata", "tag=1")
    tried = jf(*words, "--dry-run", env=ENV)
    assert (tried.returncode, json.loads(tried.stdout)["db_ids"]) == (0, [])
    assert controller.count_jobs() == 0
    done = jf(
        *words, "--priority", "5", "--resources", '{"nodes": 1}', "--exec-config", "{}", env=ENV
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    check("submission", found)
    assert found["db_ids"] == ["1"]
    assert (found["wait"], found["project"], found["jobs"][0]["name"]) == (None, "mine", "add")
    (job,) = controller.get_jobs_doc(db_ids="1")
    assert (job.priority, job.job.metadata, job.exec_config.pre_run) == (5, {"tag": 1}, None)
    assert controller.get_flows_info(metadata={"tag": 1})[0].flow_id == found["flow_id"]
    late = jf(*words, "--wait", "--timeout", "0", env=ENV)
    assert (late.returncode, json.loads(late.stdout)["wait"]["verdict"]) == (8, "pending")

    ended: dict[str, Any] = {}

    def submit(function: str, *arguments: str) -> None:
        ended[function] = jf(
            "flow", "submit", f"acceptance_jobs:{function}", *arguments, "--wait", "--json", env=ENV
        )

    waiting = [
        threading.Thread(target=submit, args=words) for words in [("add", "a=3", "b=4"), ("fail",)]
    ]
    for thread in waiting:
        thread.start()
    while controller.count_jobs() < 4:
        assert all(thread.is_alive() for thread in waiting), ended
        time.sleep(0.1)
    assert jf("runner", "run", "--until-idle", env=ENV).returncode == 7
    for thread in waiting:
        thread.join()
    assert ended["add"].returncode == 0, ended["add"].stderr
    assert ended["fail"].returncode == 7
    check("submission", failed := json.loads(ended["fail"].stdout))
    assert failed["wait"]["verdict"] == "failed"
    assert "submitted add" not in ended["add"].stdout


def test_what_goes_wrong_is_one_line(fresh_embedded: Project, tmp_path: Path) -> None:
    jf = fresh_embedded.jf
    (tmp_path / "wrong.py").write_text("def make():\n    return 1 / 0\n")
    for words, code, said in [
        (("wrong.py:make",), 1, "ZeroDivisionError: division by zero"),
        (("wrong.py:mak",), 3, "did you mean make?"),
        (("wrong.py:make", "x"), 2, "neither key=value nor JSON"),
        (("acceptance_jobs:fail", "--worker", "locl"), 1, "did you mean local?"),
        (("acceptance_jobs:fail", "--timeout", "1"), 2, "--timeout requires --wait"),
    ]:
        done = jf("flow", "submit", *words, env=ENV, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    loud = jf("--full-exc", "flow", "submit", "wrong.py:make", env=ENV, cwd=tmp_path)
    assert "return 1 / 0" in loud.stderr
    assert fresh_embedded.controller.count_jobs() == 0
