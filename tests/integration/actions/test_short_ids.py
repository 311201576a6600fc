"""Ids that people type: the beginning of a uuid, as long as it is of one thing only."""

from __future__ import annotations

import pytest
from staged import Stage

from controller.errors import ArgumentError
from controller.filters import is_start_of_uuid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3c2e", True),
        ("3c2e0382", True),
        ("3c2e0382-0f58-4c", True),
        ("12", False),
        ("3C2E0382", False),
        ("ghij", False),
        ("mine12", False),
        ("3c2e03820f58", False),
        ("3c2e0382-0f58-4c8e-a5cf-74b96dccca75", False),
    ],
)
def test_what_may_be_the_beginning_of_a_uuid(text: str, expected: bool) -> None:
    assert is_start_of_uuid(text) is expected


def test_a_beginning_names_what_it_is_of(stage: Stage) -> None:
    a = stage.flow(x="READY", x_2="READY", y="READY")
    uuids = {
        "x": "abcd1234-0000-4000-8000-000000000001",
        "y": "abcd9999-0000-4000-8000-00000000000f",
    }
    for name in ("x", "x_2", "y"):
        new = {"$set": {"uuid": uuids[name[0]]}}
        stage.controller.jobs.update_one({"db_id": a[name]}, new)
    whole = stage.controller.queue.whole_job_id
    assert whole("abcd1234") == uuids["x"]
    assert whole("abcd9") == uuids["y"]
    assert whole("abcd9999-0000-4000-8000-00000000000") == uuids["y"]
    assert whole("beef") == "beef"
    assert whole(a["x"]) == a["x"]
    with pytest.raises(ArgumentError, match="more than one job"):
        whole("abcd")
    assert stage.controller.queue.whole_flow_id(a["flow"][:8]) == a["flow"]


def test_a_db_id_is_a_db_id(stage: Stage) -> None:
    a = stage.flow(x="READY")
    stage.controller.jobs.update_one({"db_id": a["x"]}, {"$set": {"db_id": "1234"}})
    assert stage.controller.queue.whole_job_id("1234") == "1234"


def test_filters_take_beginnings(stage: Stage) -> None:
    a, b = stage.flow(x="READY", y="READY"), stage.flow(z="READY")
    controller = stage.controller
    x = controller.get_job_info(db_id=a["x"])
    assert x is not None
    flow, uuid = a["flow"][:13], x.uuid[:13]
    assert controller.count_jobs(flow_ids=flow) == 2
    assert controller.count_jobs(flow_ids=[flow, b["z"]]) == 3
    assert controller.count_jobs(job_ids=(uuid, 1)) == 1
    assert [f.flow_id for f in controller.get_flows_info(job_ids=uuid)] == [a["flow"]]
    assert [f.flow_id for f in controller.get_flows_info(flow_ids=flow)] == [a["flow"]]
    assert controller.count_jobs(flow_ids="beef0000-0") == 0
    for name, end in (("x", "1"), ("z", "2")):
        new = {"$set": {"uuid": f"abcd1234-0000-4000-8000-00000000000{end}"}}
        controller.jobs.update_one({"db_id": (a | b)[name]}, new)
    with pytest.raises(ArgumentError, match="more than one job"):
        controller.count_jobs(job_ids=("abcd1234", 1))
