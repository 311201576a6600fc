"""The result of the test of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jfr_cli.render.data import Row
from jfr_cli.render.schemas import DocumentSchema, array, flag, number, text

if TYPE_CHECKING:
    from controller.runner.trial import Trial

TRIAL_STEP = DocumentSchema(
    "trial-step",
    "A state that the job of `jf worker test` went through.",
    {
        "state": text("Its name."),
        "step": text("The event that ended it."),
        "seconds": number("How long the job was in it."),
    },
)
TRIAL = DocumentSchema(
    "trial",
    "The result of `jf worker test`.",
    {
        "worker": text("Name of the worker."),
        "ok": flag("Whether the job completed, with the right output."),
        "state": text("Final state of the job; null if the time limit came first.", null=True),
        "waiting": text("Its state at the time limit.", null=True),
        "seconds": number("Total duration."),
        "steps": array(TRIAL_STEP, "The states that it went through."),
        "node": text("Node on which it ran.", null=True),
        "queue_id": text("Its id in the queue.", null=True),
        "cause": text("Why it did not complete, as a keyword.", null=True),
        "error": text("Why, in one line; empty when it did."),
        "log": text("Last lines of its output, if it did not complete."),
    },
)


def trial_row(trial: Trial) -> Row:
    """Return the data of a test."""
    return {
        "worker": trial.worker,
        "ok": trial.ok,
        "state": trial.state,
        "waiting": trial.waiting,
        "seconds": round(trial.seconds, 3),
        "steps": [
            {"state": s.state, "step": s.step, "seconds": round(s.seconds, 3)} for s in trial.steps
        ],
        "node": trial.node,
        "queue_id": trial.queue_id,
        "cause": trial.cause,
        "error": trial.error,
        "log": trial.log,
    }


def trial_lines(trial: Trial) -> Iterator[str]:
    """Describe the result of a test: the time of each step, and the problem."""
    for step in trial.steps:
        yield f"{step.seconds:8.2f} s  {step.step}"
    where = f" on {trial.node}" if trial.node else ""
    queue_id = f", {trial.queue_id} in the queue" if trial.queue_id else ""
    if trial.ok:
        yield f"worker {trial.worker} works: the job ran{where}{queue_id}, {trial.seconds:.1f} s"
        return
    if trial.state is None:
        yield (
            f"worker {trial.worker}: the job was still {trial.waiting} after {trial.seconds:.0f} s"
            f"{queue_id}, and was cancelled"
        )
        yield "    is the queue full? Try again with a longer --timeout"
        return
    cause = f" ({trial.cause.words})" if trial.cause else ""
    yield f"worker {trial.worker} does not work{cause}{where}: {trial.error}"
    for line in trial.log.splitlines():
        yield f"    {line}"


def standing(state: str) -> str:
    """Describe the progress of a test."""
    return f"the job is {state}"
