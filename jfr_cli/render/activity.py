"""What goes on, as data: `jf top --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.states import JobState
from controller.tables.data import Row, plain
from controller.tables.runners import RUNNER_PROCESS
from controller.tables.schemas import (
    DocumentSchema,
    array,
    entry,
    flag,
    integer,
    mapping,
    number,
    text,
    time,
)

if TYPE_CHECKING:
    from controller.activity import Activity

_JOB = entry(
    DocumentSchema(
        "",
        "A job in progress.",
        {
            "db_id": text("Its db_id."),
            "name": text("Its name."),
            "state": text("Its state.", one_of=JobState),
            "worker": text("Its worker."),
            "run_time": number("Seconds since its start; null before.", null=True),
            "note": text("Why it waits in its queue; empty if unknown."),
        },
    )
)
_FAILURE = entry(
    DocumentSchema(
        "",
        "A job that ended in an error.",
        {
            "db_id": text("Its db_id."),
            "name": text("Its name."),
            "worker": text("Its worker."),
            "on": time("Time of the error."),
            "cause": text("Cause of the failure; empty if unknown."),
            "line": text("The last line of the error."),
        },
    )
)
_MINUTE = entry(
    DocumentSchema(
        "",
        "A minute.",
        {
            "begin": time("Start of the minute."),
            "completed": integer("Jobs that completed in it."),
            "failed": integer("Jobs that ended in an error."),
        },
    )
)
_WORKER = entry(
    DocumentSchema(
        "",
        "A worker.",
        {
            "name": text("Its name."),
            "max_jobs": integer(
                "Maximum number of its jobs in progress; null for no limit.", null=True
            ),
            "states": mapping("{state: number of its jobs}, without zeros."),
            "problem": text("Why its machine cannot be used at present.", null=True),
        },
    )
)
ACTIVITY = DocumentSchema(
    "activity",
    "The activity of a project: `jf top`.",
    {
        "project": text("Its name."),
        "on": time("Time of reading."),
        "counted_on": time("Time at which the jobs were counted."),
        "states": mapping("{state: number of jobs}, every state."),
        "workers": array(_WORKER, "Workers of the project, then others that jobs name."),
        "jobs": array(_JOB, "Jobs in progress, at most 200."),
        "errors": array(_FAILURE, "The newest errors, the newest first."),
        "minutes": array(_MINUTE, "The last hour, oldest first."),
        "runners": array(entry(RUNNER_PROCESS), "The runners, the oldest first."),
        "claims_paused": flag("Whether claims are paused for all runners."),
    },
)


def activity_row(activity: Activity) -> Row:
    """Return the data of an activity."""
    problems = {outage.worker: outage.problem for outage in activity.outages}
    row = plain(
        {
            "project": activity.project,
            "on": activity.on,
            "counted_on": activity.counts.counted_on,
            "states": {state.value: activity.number((state,)) for state in JobState},
            "workers": [
                {
                    "name": name,
                    "max_jobs": activity.limits.get(name),
                    "states": {
                        state: count
                        for (state, worker), count in sorted(activity.counts.numbers.items())
                        if worker == name
                    },
                    "problem": problems.get(name),
                }
                for name in activity.workers
            ],
            "jobs": [
                {
                    "db_id": job.db_id,
                    "name": job.name,
                    "state": job.state,
                    "worker": job.worker,
                    "run_time": job.run_time(activity.on),
                    "note": job.note,
                }
                for job in activity.jobs
            ],
            "errors": [vars(failure) for failure in activity.failures],
            "minutes": [vars(minute) for minute in activity.minutes],
            "claims_paused": activity.claims_paused,
        }
    )
    assert isinstance(row, dict)
    row["runners"] = [RUNNER_PROCESS.data(runner) for runner in activity.runners]
    return {key: row[key] for key in ACTIVITY.properties}
