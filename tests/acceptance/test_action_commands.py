"""Commands that change jobs and flows, on each engine: what they print, and their exit status."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from installed_jf import Project, answering

from controller.documents import new_flow_document, new_job_document
from controller.execution.files import IN_FILE
from controller.states import JobState
from jfr_cli.render.schemas import declared_schemas


def stage(project: Project, *states: str, folder: Path | None = None) -> list[str]:
    """Put a flow of independent jobs into the database; returns their db_ids."""
    flow, ids, documents = str(uuid4()), [], []
    counter = {"next_id": {"$exists": True}}
    first = project.controller.auxiliary.find_one_and_update(
        counter, {"$inc": {"next_id": len(states)}}
    )
    assert first is not None
    for number, state in enumerate(states, first["next_id"]):
        uuid = str(uuid4())
        body = {
            "uuid": uuid,
            "index": 1,
            "name": f"job {number}",
            "hosts": [flow],
            "metadata": {},
            "config": {},
        }
        document = new_job_document(
            body, db_id=str(number), parents=[], state=JobState(state), worker="local"
        )
        if folder is not None:
            run_dir = folder / uuid
            run_dir.mkdir(parents=True)
            (run_dir / IN_FILE).write_text("{}")
            (run_dir / "queue.out").write_text("hello\n")
            document["run_dir"] = str(run_dir)
        documents.append(document)
        ids.append((str(number), uuid, 1))
    project.controller.jobs.insert_many(documents)
    parents: dict[str, Any] = {uuid: {"1": []} for _, uuid, _ in ids}
    made = new_flow_document(uuid=flow, name="flow", metadata={}, ids=ids, parents=parents)
    project.controller.flows.insert_one(made)
    project.controller.update_flow_state(flow)
    return [db_id for db_id, *_ in ids]


def states(project: Project) -> dict[str, str]:
    return {d["db_id"]: d["state"] for d in project.controller.jobs.find({}, ["db_id", "state"])}


def test_pause_and_resume(fresh: Project) -> None:
    a, b, c = stage(fresh, "READY", "READY", "COMPLETED")
    done = fresh.jf("job", "pause", "-s", "READY", "-s", "COMPLETED", "--json")
    assert done.returncode == 5
    told = json.loads(done.stdout)
    assert (told["matched"], told["modified"]) == (3, [a, b])
    assert [r["db_id"] for r in told["refused"]] == [c]
    again = fresh.jf("job", "pause", a)
    assert (again.returncode, again.stdout) == (0, "")
    assert "0 jobs paused, 1 unchanged" in again.stderr
    refused = fresh.jf("job", "pause", c)
    assert refused.returncode == 6
    assert "COMPLETED" in refused.stderr
    assert fresh.jf("job", "resume", "-s", "paused", "--format", "name").stdout.split() == [a, b]
    assert fresh.jf("job", "play", c).returncode == 6
    assert states(fresh) == {a: "READY", b: "READY", c: "COMPLETED"}


def test_a_dry_run_shows_the_plan(fresh: Project) -> None:
    a, _ = stage(fresh, "FAILED", "READY")
    done = fresh.jf("job", "rerun", a, "--dry-run", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["modified"] == []
    assert [(p["before"], p["after"]) for p in told["plan"]] == [("FAILED", "READY")]
    assert states(fresh)[a] == "FAILED"
    table = fresh.jf("job", "rerun", a, "--dry-run")
    assert "FAILED" in table.stdout
    assert "would be rerun" in table.stderr
    assert fresh.jf("job", "rerun", a).returncode == 0
    assert states(fresh)[a] == "READY"


def test_a_dry_run_answers_in_every_format_and_as_the_action_does(fresh: Project) -> None:
    a, b = stage(fresh, "FAILED", "FAILED")
    plan = ["job", "rerun", a, "--dry-run", "--format"]
    row = {"db_id": a, "result": "planned", "reason": "", "before": "FAILED", "after": "READY"}
    assert list(csv.DictReader(fresh.jf(*plan, "csv").stdout.splitlines())) == [row]
    assert fresh.jf(*plan, "name").stdout == f"{a}\n"
    assert fresh.jf(*plan, "count").stdout == "1\n"
    (named,) = json.loads(fresh.jf(*plan, "json").stdout)["plan"]
    assert named["name"] == f"job {a}"
    stage(fresh, "READY")
    for words in (["job", "delete", "-s", "FAILED"], ["flow", "delete", "--days", "1"]):
        action = fresh.jf(*words, "--max", "1", "--yes")
        planned = fresh.jf(*words, "--max", "1", "--dry-run")
        assert (planned.returncode, planned.stderr) == (action.returncode, action.stderr)
        assert "2 " in action.stderr
    assert states(fresh)[b] == "FAILED"


def test_columns_of_flows_are_read_where_they_are_asked_for(fresh: Project) -> None:
    a, b = stage(fresh, "READY", "COMPLETED")
    asked = ["flow", "list", "--columns", "db_id,job_states,workers"]
    row = {"db_id": a, "job_states": ["READY", "COMPLETED"], "workers": ["local"]}
    assert json.loads(fresh.jf(*asked, "--json").stdout) == [row]
    assert fresh.jf(*asked).stdout.splitlines()[-1].split() == [a, "R-C", "local"]
    (jobs,) = json.loads(fresh.jf("flow", "list", "--columns", "jobs", "--json").stdout)
    assert [job["db_id"] for job in jobs["jobs"]] == [a, b]


def test_columns_of_one_flow_are_those_of_its_jobs(fresh: Project) -> None:
    a, b = stage(fresh, "READY", "COMPLETED")
    asked = ["flow", "info", a, "--columns", "db_id,state"]
    jobs = [{"db_id": a, "state": "READY"}, {"db_id": b, "state": "COMPLETED"}]
    assert json.loads(fresh.jf(*asked, "--json").stdout)["jobs"] == jobs
    assert list(csv.DictReader(fresh.jf(*asked, "--format", "csv").stdout.splitlines())) == jobs
    for form in ("table", "json", "csv"):
        wrong = fresh.jf("flow", "info", a, "--columns", "nope", "--format", form)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "there is no column 'nope'" in wrong.stderr


def test_a_missing_index_is_no_missing_job(fresh_embedded: Project) -> None:
    (a,) = stage(fresh_embedded, "READY")
    uuid = fresh_embedded.controller.jobs.find_one({}, ["uuid"])["uuid"]  # type: ignore[index]
    assert fresh_embedded.jf("job", "info", uuid[:8], "1", "--format", "name").stdout == f"{a}\n"
    for words in (["job", "info"], ["job", "pause"], ["job", "why"]):
        done = fresh_embedded.jf(*words, uuid[:8], "7")
        assert done.returncode == 3
        assert f"job {uuid} has no index 7" in done.stderr
    assert "with index 7" in fresh_embedded.jf("job", "files", "ls", uuid, "7").stderr


def test_nobody_is_asked_without_a_terminal(fresh_embedded: Project) -> None:
    stage(fresh_embedded, "READY", "READY")
    done = fresh_embedded.jf("job", "pause")
    assert done.returncode == 2
    assert "all 2 jobs" in done.stderr
    assert "--yes" in done.stderr
    assert set(states(fresh_embedded).values()) == {"READY"}
    assert fresh_embedded.jf("job", "pause", "--yes").returncode == 0
    assert set(states(fresh_embedded).values()) == {"PAUSED"}


@pytest.mark.parametrize(("answer", "expected"), [("n", "READY"), ("y", "PAUSED")])
def test_a_person_is_asked(fresh_embedded: Project, answer: str, expected: str) -> None:
    stage(fresh_embedded, "READY")
    screen, status = answering(
        fresh_embedded.folder, ["job", "pause"], [("all 1 job would be paused.*N", answer)]
    )
    assert status == 0, screen
    assert set(states(fresh_embedded).values()) == {expected}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["job", "pause", "99"], 3),
        (["job", "pause", "1", "-s", "READY"], 2),
        (["job", "pause", "-s", "PAUSD"], 2),
        (["job", "pause", "-s", "FAILED"], 0),
        (["job", "stop", "2"], 6),
        (["job", "retry", "2"], 6),
        (["job", "set-state", "DONE", "1"], 2),
        (["job", "set", "worker", "nowhere", "-did", "1"], 3),
        (["job", "set", "resources", "nonsense", "-did", "1"], 2),
        (["job", "set", "resources", "nodess=1", "-qr", "-did", "1"], 2),
        (["job", "delete", "-s", "READY", "--max", "1"], 1),
        (["job", "pause", "-s", "READY", "--max", "1"], 1),
        (["job", "files", "ls", "1"], 3),
        (["job", "queue-out", "1"], 3),
        (["job", "todir", "99"], 3),
        (["flow", "resume", "1"], 6),
        (["flow", "resume", "99"], 3),
        (["flow", "set", "store", "1", "nowhere"], 3),
        (["flow", "graph", "99"], 3),
        (["flow", "graph", "1", "--path", "x.png"], 2),
        (["flow", "delete", "-did", "1"], 2),
        (["job", "report", "minutes"], 2),
    ],
)
def test_what_is_refused(fresh_embedded: Project, words: list[str], status: int) -> None:
    stage(fresh_embedded, "READY", "COMPLETED", "READY")
    before = states(fresh_embedded)
    done = fresh_embedded.jf(*words)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    if status:
        assert done.stderr.startswith("jf: ") or "refused" in done.stderr
        assert "Traceback" not in done.stderr
    assert states(fresh_embedded) == before


def test_jobs_can_be_set(fresh: Project) -> None:
    (a,) = stage(fresh, "READY")
    assert fresh.jf("job", "set", "priority", "7", "-did", a).returncode == 0
    assert fresh.jf("job", "set", "resources", "nodes=2,ntasks=4", "-did", a).returncode == 0
    assert fresh.jf("job", "set", "resources", '{"qos": "x"}', "-did", a).returncode == 0
    assert fresh.jf("job", "set-state", "failed", a).returncode == 0
    found = fresh.controller.jobs.find_one({"db_id": a})
    assert found is not None
    assert found["priority"] == 7
    assert found["resources"] == {"nodes": 2, "ntasks": 4, "qos": "x"}
    assert found["state"] == "FAILED"
    info = fresh.controller.get_flows_info(db_ids=a)[0]
    assert info.state.value == "FAILED"


def test_deleting(fresh: Project, tmp_path: Path) -> None:
    ids = stage(fresh, *["COMPLETED"] * 12, folder=tmp_path / "work")
    assert fresh.jf("job", "delete", "-s", "COMPLETED").returncode == 1
    done = fresh.jf("job", "delete", "-did", ids[0], "-did", ids[1], "--files", "--json")
    assert json.loads(done.stdout)["modified"] == ids[:2]
    assert len(list((tmp_path / "work").iterdir())) == 10
    whole = fresh.jf("flow", "delete", "-fid", ids[5], "--yes", "--all", "--json")
    assert whole.returncode == 0, whole.stderr
    assert json.loads(whole.stdout)["matched"] == 1
    assert states(fresh) == {}
    assert list((tmp_path / "work").iterdir()) == []
    nothing = fresh.jf("flow", "delete", "-fid", ids[5], "--yes")
    assert nothing.returncode == 0
    assert "nothing to do" in nothing.stderr


def test_files(fresh_embedded: Project, tmp_path: Path) -> None:
    jf = fresh_embedded.jf
    a, b = stage(fresh_embedded, "COMPLETED", "READY", folder=tmp_path / "work dir")
    assert jf("job", "files", "ls", a).stdout.split() == [IN_FILE, "queue.out"]
    assert "hello" in jf("job", "queue-out", a).stdout
    got = jf("job", "files", "get", a, "queue.out", "--path", str(tmp_path), "--json")
    assert json.loads(got.stdout) == {"files": [str(tmp_path / "queue.out")]}
    assert (tmp_path / "queue.out").read_text() == "hello\n"
    assert jf("job", "files", "get", a, "../x").returncode == 2
    missing = jf("job", "files", "get", a, "CHGCAR")
    assert missing.returncode == 3
    assert "queue.out" in missing.stderr
    assert jf("job", "files", "ls", a, "--format", "count").stdout == "2\n"
    assert jf("job", "files", "ls", a, "--format", "csv").stdout.startswith(f"name\n{IN_FILE}\n")
    assert jf("job", "files", "delete", a).returncode == 0
    refused = jf("job", "files", "delete", b)
    assert refused.returncode == 6
    assert refused.stderr.count("it is READY") == 1
    planned = jf("flow", "clean", "--all-states", "--dry-run")
    assert str(tmp_path / "work dir") in planned.stdout
    left = json.loads(jf("flow", "clean", "--yes", "--json").stdout)
    assert [s["db_id"] for s in left["skipped"]] == [b]
    cleaned = jf("flow", "clean", "--all-states", "--yes", "--json")
    told = json.loads(cleaned.stdout)
    assert told["deleted"] == told["modified"] == [a, b]
    assert told["matched"] == 2


@pytest.mark.parametrize("form", ["csv", "name", "count"])
def test_what_is_no_list_is_refused_before_it_is_done(fresh_embedded: Project, form: str) -> None:
    (a,) = stage(fresh_embedded, "READY")
    said = set()
    for words in (
        ["flow", "set", "store", a],
        ["job", "output", a],
        ["job", "report"],
        ["flow", "graph", a],
        ["flow", "graph", a, "--as", "dot"],
        ["project", "show"],
        ["admin", "reset", "--yes"],
    ):
        done = fresh_embedded.jf(*words, "--format", form)
        assert (done.returncode, done.stdout) == (2, ""), words
        said.add(done.stderr)
    assert len(said) == 1
    assert "for lists" in said.pop()
    assert states(fresh_embedded) == {a: "READY"}


def test_what_further_writes_say(fresh_embedded: Project, tmp_path: Path) -> None:
    (a,) = stage(fresh_embedded, "READY", folder=tmp_path / "work")
    for name, words in {
        "flow-store": ["flow", "set", "store", a, "--dry-run"],
        "fetched-files": ["job", "files", "get", a, "queue.out", "--path", str(tmp_path)],
        "dumped-jobs": ["job", "dump", "--path", str(tmp_path / "dump.json")],
    }.items():
        done = fresh_embedded.jf(*words, "--json")
        assert done.returncode == 0, done.stderr
        assert set(json.loads(done.stdout)) == set(declared_schemas()[name].properties)


def test_a_drawing_as_data(fresh_embedded: Project, tmp_path: Path) -> None:
    (a,) = stage(fresh_embedded, "READY")
    drawn = json.loads(fresh_embedded.jf("flow", "graph", a, "--as", "dot", "--json").stdout)
    assert drawn["as"] == "dot"
    assert drawn["text"].startswith("digraph")
    file = str(tmp_path / "a flow.svg")
    told = fresh_embedded.jf("flow", "graph", a, "--path", file, "--json")
    assert json.loads(told.stdout) == {"as": "svg", "text": None, "file": file}


def test_graphs_and_reports(fresh_embedded: Project, tmp_path: Path) -> None:
    jf = fresh_embedded.jf
    a, _ = stage(fresh_embedded, "COMPLETED", "READY")
    assert "job 1" in jf("flow", "graph", a).stdout
    assert jf("flow", "graph", a, "--mermaid").stdout.startswith("flowchart TD")
    assert jf("flow", "graph", a, "--as", "dot").stdout.startswith("digraph")
    target = tmp_path / "flow.svg"
    assert jf("flow", "graph", a, "--path", str(target)).returncode == 0
    assert target.read_text().lstrip().startswith("<")
    assert json.loads(jf("flow", "graph", a, "--json").stdout)["kind"] == "flow"
    report = json.loads(jf("job", "report", "hours", "3", "--json").stdout)
    assert report["summary"]["completed"] == 1
    assert len(report["trends"]["dates"]) == 3
    assert "█" in jf("job", "report").stdout
    assert json.loads(jf("flow", "report", "--json").stdout)["states"]["RUNNING"] == 1


def test_a_flow_goes_on(fresh: Project) -> None:
    a, _b = stage(fresh, "PAUSED", "PAUSED")
    planned = fresh.jf("flow", "resume", a, "--dry-run", "--format", "csv").stdout.splitlines()
    assert [row["result"] for row in csv.DictReader(planned)] == ["planned", "planned"]
    assert fresh.jf("flow", "resume", a, "--dry-run").stdout.count("PAUSED") == 2
    done = fresh.jf("flow", "resume", a, "--json")
    told = json.loads(done.stdout)
    assert (told["resumed"], told["dry_run"], told["matched"]) == (2, False, 2)
    assert set(states(fresh).values()) == {"READY"}
