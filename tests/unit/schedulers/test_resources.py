"""Resources as they are stored: as given, unless they make a QResources."""

from __future__ import annotations

from typing import Any

import pytest
from qtoolkit.core.data_objects import QResources

from controller.operations.insertion import RunSettings, plain_resources
from controller.schedulers import ScriptSpec, render_script
from controller.schedulers.building import build_scheduler
from controller.schedulers.resources import stored_resources

AS_GIVEN: list[tuple[dict[str, Any], list[str]]] = [
    # keywords of Slurm, some of which QResources knows as well -> directives
    ({"nodes": 1}, ["nodes=1"]),
    ({"account": "a"}, ["account=a"]),
    ({"nodes": 1, "account": "a"}, ["nodes=1", "account=a"]),
    ({"nodes": 1, "ntasks": 4}, ["nodes=1", "ntasks=4"]),
]


@pytest.mark.parametrize(("resources", "directives"), AS_GIVEN)
def test_keywords_of_a_scheduler_are_stored_as_given(
    resources: dict[str, Any], directives: list[str]
) -> None:
    stored = plain_resources(resources)
    assert stored == resources
    spec = ScriptSpec("/run", "x", "job", stored_resources(stored))
    lines = render_script(build_scheduler("slurm"), spec).splitlines()
    assert [f"#SBATCH --{d}" for d in directives] == [
        line for line in lines if line.startswith(tuple(f"#SBATCH --{key}=" for key in resources))
    ]


@pytest.mark.parametrize(
    "resources", [{}, {"processes": 4}, {"nodes": 2, "processes_per_node": 8, "account": "a"}]
)
def test_what_makes_a_qresources_is_stored_as_one(resources: dict[str, Any]) -> None:
    stored = plain_resources(resources)
    assert stored == QResources(**resources).as_dict()
    assert stored_resources(stored) == QResources(**resources)
    assert plain_resources(stored) == stored


def test_a_job_of_a_response_keeps_the_keywords_of_its_manager_config() -> None:
    # At the completion of the job that brought it an error here would block all its children.
    own = {"resources": {"nodes": 1}}
    assert RunSettings("w", resources={"ntasks": 2}).of_job(own).resources == {"nodes": 1}
