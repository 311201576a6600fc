"""A number in the outputs of many jobs, plotted against another one or over time."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

from starlette.responses import Response

from controller.browsing.results import MOST, RUN_TIME, TIME, Point, Points, as_time, read_points
from controller.filter_texts import JOB_KEYS
from controller.safe_text import table_cell
from controller.states import JobState
from controller.tables.formats import local_time, state_words
from jfr_web.address_filters import Ask
from jfr_web.charts import Axis, Dot, scatter
from jfr_web.listing import tone_of
from jfr_web.site import Site

_TONES = ("active", "bad", "good", "held", "warn", "ready")
_OTHERS = "idle"


def plots(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Plot the completed jobs that match a filter."""
    x, y = ask.one("x") or TIME, ask.one("y") or ""
    found = read_points(site.reader, ask.job_filter(), x, y)
    tones = _tones(found, ask.one("color") or "name")
    dots = [
        Dot(p.x, p.y, tones[_group(p, ask)], f"{p.job.db_id} {p.job.name}: {_said(p, x)}", _to(p))
        for p in found.points
    ]
    labels = {tone: [k for k, t in tones.items() if t == tone] for tone in tones.values()}
    return "plots.html", {
        "title": "Plots",
        "x": x,
        "y": y,
        "found": found,
        "fixed": (TIME, RUN_TIME),
        "most": MOST,
        "legend": [(t, ", ".join(k[:3]) + (" …" if k[3:] else "")) for t, k in labels.items()],
        "picture": scatter(
            dots,
            Axis(x, log=ask.flag("logx"), is_time=x == TIME),
            Axis(y, log=ask.flag("logy"), is_time=y == TIME),
        ),
        "workers": sorted(site.project.workers),
        "other": [
            (key, value)
            for key, value in ask.query
            if key in JOB_KEYS and key not in ("name", "worker", "flow_id", "days")
        ],
        "command": ask.command("job", "list", keys=JOB_KEYS, more=["-s", "COMPLETED"]),
    }


def export(site: Site, ask: Ask) -> Response:
    """Export the data of a plot as CSV."""
    x, y = ask.one("x") or TIME, ask.one("y") or ""
    found = read_points(site.reader, ask.job_filter(), x, y)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["db_id", "uuid", "index", "name", table_cell(x), table_cell(y)])
    for p in found.points:
        at = f"{as_time(p.x).isoformat()}Z" if x == TIME else p.x
        name = table_cell(p.job.name)
        writer.writerow([p.job.db_id, p.job.uuid, p.job.index, name, at, p.y])
    headers = {"content-disposition": f'attachment; filename="{site.project.name}-plot.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _group(point: Point, ask: Ask) -> str:
    by_state = ask.one("color") == "state"
    return point.job.state.value if by_state else point.job.name


def _tones(found: Points, color: str) -> dict[str, str]:
    """Return the tone of each name, most frequent first, or of each state."""
    if color == "state":
        return {state.value: tone_of(state_words(state)) for state in JobState}
    names = [name for name, _ in Counter(p.job.name for p in found.points).most_common()]
    return {name: _TONES[n] if n < len(_TONES) else _OTHERS for n, name in enumerate(names)}


def _said(point: Point, x: str) -> str:
    at = local_time(as_time(point.x)) if x == TIME else f"{point.x:.6g}"
    return f"{at}, {point.y:.6g}"


def _to(point: Point) -> str:
    return f"/job/{point.job.db_id}/data"
