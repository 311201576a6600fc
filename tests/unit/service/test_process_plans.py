"""Which processes a start makes, and what becomes of options that were stored."""

from __future__ import annotations

import pytest

from controller.service.processes import ROLES, StartOptions, plan_processes


@pytest.mark.parametrize(
    ("transfer", "complete", "names"),
    [
        (1, 1, ["runner"]),
        (3, 1, ["runner", "transfer-2", "transfer-3"]),
        (2, 2, ["runner", "transfer-2", "complete-2"]),
    ],
)
def test_processes_of_a_start(transfer: int, complete: int, names: list[str]) -> None:
    plans = plan_processes(StartOptions(transfer, complete))
    assert [plan.name for plan in plans] == names
    assert all(plans[0].parts.values()), "one does everything"
    for plan in plans[1:]:
        role = plan.name.partition("-")[0]
        assert [name for name in ROLES if plan.parts[name]] == [role]


def test_stored_options_of_another_version() -> None:
    options = StartOptions(2, 1, "debug", interactive=True)
    assert StartOptions.stored({**options.as_dict(), "colour": "red"}) == options
    assert StartOptions.stored({}) == StartOptions()
