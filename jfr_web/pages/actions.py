"""Actions on jobs: first the plan for a fixed list of jobs, then its result."""

from __future__ import annotations

import shlex
import time
from typing import Any

from controller.errors import ArgumentError
from controller.tables.outcome import CHANGE, plan_rows, refusal_lines, result_line
from jfr_web.address_filters import Ask
from jfr_web.listing import table
from jfr_web.plans import ACTIONS, Action, Plan
from jfr_web.site import Site

MOST = 100_000
"""Maximum number of jobs in a plan."""
_SHOWN = 500
_NAMED = 200


def plan(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show what an action would do; nothing is changed."""
    form = dict(ask.form)
    action = ACTIONS.get(form.get("action", ""))
    if action is None:
        raise ArgumentError("no action was chosen", hint="choose one above the list")
    made = Plan(action, _chosen(site, ask), _keywords(action, form), ask.session, time.monotonic())
    outcome = made.run(site.controller, dry_run=True)
    rows = plan_rows(outcome)
    return "plan.html", {
        "title": f"{action.title}: the plan",
        "action": action,
        "number": len(made.db_ids),
        "line": result_line(outcome, "job", action.done),
        "refused": refusal_lines(outcome.refused),
        "rows": _table(rows),
        "more": len(rows) - _SHOWN,
        "key": site.plans.keep(made) if rows else None,
        "command": _command(made),
    }


def do(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Carry out a plan, and show the result."""
    taken = site.plans.take(dict(ask.form).get("plan", ""), ask.session)
    outcome = taken.run(site.controller, dry_run=False)
    rows = plan_rows(outcome)
    return "done.html", {
        "title": f"{taken.action.title}: done",
        "action": taken.action,
        "line": result_line(outcome, "job", taken.action.done),
        "refused": refusal_lines(outcome.refused),
        "postponed": list(getattr(outcome, "postponed", ())),
        "rows": _table(rows),
        "more": len(rows) - _SHOWN,
        "command": _command(taken),
    }


def _table(rows: list[dict[str, Any]]) -> Any:
    return table(CHANGE, rows[:_SHOWN], links={"db_id": lambda row: f"/job/{row['db_id']}"})


def _chosen(site: Site, ask: Ask) -> tuple[str, ...]:
    """Return the db_ids of the jobs: those selected, or all that match the filter now."""
    form = dict(ask.form)
    marked = [value for key, value in ask.form if key == "id"]
    queue = site.reader.queue
    of_flows = form.get("noun") == "flow"
    if form.get("all"):
        filtered = Ask.of("/", form.get("filter", ""))
        if of_flows:
            found = queue.flows.find(queue.query(filtered.flow_filter()), ["ids"])
            ids = [triple[0] for flow in found for triple in flow["ids"]]
        else:
            docs = queue.jobs.find(queue.query(filtered.job_filter()), ["db_id"], limit=MOST + 1)
            ids = [doc["db_id"] for doc in docs]
    elif of_flows:
        uuids = list(set(queue.flow_uuids(marked).values()))
        found = queue.flows.find({"uuid": {"$in": uuids}}, ["ids"])
        ids = [triple[0] for flow in found for triple in flow["ids"]]
    else:
        ids = marked
    if not ids:
        raise ArgumentError("no job was chosen", hint="select some, or all that match the filter")
    if len(ids) > MOST:
        raise ArgumentError(f"more than {MOST} jobs were chosen", hint="choose fewer")
    return tuple(dict.fromkeys(ids))


def _keywords(action: Action, form: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        keyword: True for key, keyword in action.options.items() if form.get(key)
    }
    if action.value == "worker":
        if not form.get("to_worker"):
            raise ArgumentError("no worker was chosen", hint="choose one beside the action")
        found["worker"] = form["to_worker"]
    elif action.value == "priority":
        try:
            found["priority"] = int(form.get("priority", ""))
        except ValueError:
            raise ArgumentError(
                "no priority was given", hint="give a whole number beside the action"
            ) from None
    return found


def _command(made: Plan) -> str:
    words = ["jf", *made.action.command.split()]
    if made.action.value is not None:
        words.append(str(made.keywords[made.action.value]))
    shown = {keyword: key for key, keyword in made.action.options.items()}
    words += [f"--{shown[keyword]}" for keyword in made.keywords if keyword in shown]
    ids = ",".join(made.db_ids) if len(made.db_ids) <= _NAMED else "..."
    return shlex.join([*words, "--db-id", ids])
