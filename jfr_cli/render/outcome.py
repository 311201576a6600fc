"""The result of an action on many things, as `controller.tables.outcome` has it; its exit code."""

from controller.tables.outcome import (
    CHANGE,
    OUTCOME,
    REFUSAL,
    RESULT,
    SHOWN_REFUSALS,
    Change,
    Changed,
    LeftAlone,
    Outcome,
    Refusal,
    Tally,
    counted,
    modified_ids,
    outcome_row,
    outcome_schema,
    plan_rows,
    refusal_lines,
    result_line,
    result_rows,
)

__all__ = [
    "CHANGE",
    "OUTCOME",
    "REFUSAL",
    "RESULT",
    "SHOWN_REFUSALS",
    "Change",
    "Changed",
    "LeftAlone",
    "Outcome",
    "Refusal",
    "Tally",
    "counted",
    "exit_status",
    "modified_ids",
    "outcome_row",
    "outcome_schema",
    "plan_rows",
    "refusal_lines",
    "result_line",
    "result_rows",
]


def exit_status(outcome: Outcome) -> int:
    """Return 0 for done, nothing matched or nothing to do, 5 for partly done, 6 for all refused."""
    if not outcome.refused:
        return 0
    return 5 if len(outcome) or outcome.unchanged else 6
