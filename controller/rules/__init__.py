"""The rules of the system, as data and pure functions: no database, no clock, no host.

``flows``       the state of a flow from its jobs; leaves
``readiness``   when a job may run; its state after resume
``actions``     which action accepts which job state
``retry``       what happens to a job whose runner step failed
``causes``      why a job did not succeed, from logs, errors and states of queues
``retries``     whether it runs again, when and with what; ``growth`` of its resources
``worker_facts`` what on a worker would break jobs
``waiting``     when waiting for jobs or flows is over
``why``         why a job does not run
``upgrades``    what changed in the documents between versions
"""

from controller.rules.actions import ACTIONS, ActionRule, check_action
from controller.rules.flows import flow_state, get_flow_leafs, newest_by_uuid
from controller.rules.readiness import (
    acceptable_parent_states,
    initial_job_state,
    is_satisfied,
    resumed_state,
)

__all__ = [
    "ACTIONS",
    "ActionRule",
    "acceptable_parent_states",
    "check_action",
    "flow_state",
    "get_flow_leafs",
    "initial_job_state",
    "is_satisfied",
    "newest_by_uuid",
    "resumed_state",
]
