"""Plan what an action does to the jobs of a flow, from what was read of it. Pure.

``view``        what was read, and the parts of a plan
``control``     pause, resume, stop
``restart``     rerun, retry
``properties``  state, worker, execution settings, priority
``deletion``    delete jobs from a flow

A plan lists which documents change, from what to what, and what is refused with which message.
`controller.operations.acting` executes it.
"""

from controller.rules.plans.control import (
    pause_needs,
    plan_pause,
    plan_resume,
    plan_stop,
    resume_needs,
    stop_needs,
)
from controller.rules.plans.deletion import plan_deletion
from controller.rules.plans.properties import (
    RunChange,
    check_fields,
    plan_set_fields,
    plan_set_run,
    plan_set_state,
)
from controller.rules.plans.restart import plan_rerun, plan_retry
from controller.rules.plans.view import (
    LIGHT_FIELDS,
    FlowPlan,
    FlowView,
    JobChange,
    Key,
    Refusal,
)

__all__ = [
    "LIGHT_FIELDS",
    "FlowPlan",
    "FlowView",
    "JobChange",
    "Key",
    "Refusal",
    "RunChange",
    "check_fields",
    "pause_needs",
    "plan_deletion",
    "plan_pause",
    "plan_rerun",
    "plan_resume",
    "plan_retry",
    "plan_set_fields",
    "plan_set_run",
    "plan_set_state",
    "plan_stop",
    "resume_needs",
    "stop_needs",
]
