"""States in listings that qtoolkit does not know: one such job hides no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qtoolkit.io.sge import SGEIO

from controller.errors import RemoteError
from controller.hosts import CommandResult, LocalHost
from controller.schedulers import Queue
from controller.schedulers.dialects import dialect_of

SGE = """<?xml version='1.0'?>
<job_info><queue_info>
<job_list state="running"><JB_job_number>7</JB_job_number><JB_name>add</JB_name>
<JB_owner>me</JB_owner><state>{state}</state></job_list>
</queue_info><job_info></job_info></job_info>
"""
PBS = """Job Id: 12.head
    Job_Name = add
    Job_Owner = me@head
    job_state = {state}
    queue = main
"""


@pytest.mark.parametrize(
    ("state", "means"),
    [
        ("r", "RUNNING"),
        ("qw", "QUEUED"),
        ("Rr", "RUNNING"),
        ("Rt", "RUNNING"),
        ("hr", "RUNNING"),
        ("hRwq", "QUEUED_HELD"),
        ("Rq", "QUEUED"),
        ("S", "SUSPENDED"),
        ("T", "SUSPENDED"),
        ("tS", "RUNNING"),
        ("dRq", "FAILED"),
        ("EhqwX", "FAILED"),
    ],
)
def test_states_of_grid_engine(state: str, means: str) -> None:
    scheduler = SGEIO()
    text = dialect_of(scheduler).tidy(SGE.format(state=state))
    (job,) = scheduler.parse_jobs_list_output(0, text, "")
    assert (job.job_id, job.state.value) == ("7", means)


@pytest.mark.parametrize(
    ("state", "means"), [("R", "RUNNING"), ("C", "DONE"), ("F", "DONE"), ("Q", "QUEUED")]
)
def test_a_listing_of_torque(state: str, means: str, tmp_path: Path) -> None:
    """It tells no number of nodes, which qtoolkit wants, and says C of what has ended."""
    listing = tmp_path / "listing"
    listing.write_text(PBS.format(state=state))

    class Host(LocalHost):
        def execute(self, command: str, *args: Any, **kwargs: Any) -> CommandResult:
            return super().execute(f"cat {listing}")

    queue = Queue("pbs", Host())
    (found,) = queue.poll([("12.head", None)])
    assert found.state == means
    listing.write_text(PBS.format(state="?"))
    with pytest.raises(RemoteError, match="cannot be read"):
        queue.poll([("12.head", None)])
