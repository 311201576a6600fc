"""What is not as it should be in a queue, and what to do about it: pure functions.

``findings``   what can be found; the plan of what to do
``flowplan``   what a flow's lists, the readiness of its jobs and its state ought to be
``flows``      what is otherwise; jobs without a flow
``locks``      locks without a living holder
``database``   counters, documents and indexes; jobs that no process works on
"""

from controller.rules.diagnosis.findings import (
    Action,
    Diagnosis,
    Finding,
    FindingKind,
    Mending,
    Planned,
    Severity,
    plan_mendings,
)

__all__ = [
    "Action",
    "Diagnosis",
    "Finding",
    "FindingKind",
    "Mending",
    "Planned",
    "Severity",
    "plan_mendings",
]
