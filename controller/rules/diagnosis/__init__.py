"""Problems of a queue, and what to do about them: pure functions.

``findings``   the kinds of findings; the plan of repairs
``flowplan``   the correct lists and state of a flow, and readiness of its jobs
``flows``      differences from these; jobs without a flow
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
