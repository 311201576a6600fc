"""What `jf top` shows: activity and view as lines of a width and a height. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from controller.activity import LIMIT, Activity, Entry, Failure
from controller.rules.runner_requests import ProcessState
from controller.safe_text import one_line
from controller.states import ERROR_STATES, RUNNING_STATES, JobState
from controller.tables.formats import (
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    duration,
    local_time,
    state_words,
)
from jfr_cli.top.history import History, sparkline
from jfr_cli.top.spans import Line, Span, beside, fit, fitted, width_of
from jfr_cli.top.view import Act, View, arranged, place

DIM, BOLD = "bright_black", "bold"
_SNAPSHOT_JOBS = 20
_WIDE = 116
"""Columns from which states and workers stand beside each other."""

GROUPS: tuple[tuple[str, tuple[JobState, ...]], ...] = (
    ("WAITING", (JobState.WAITING,)),
    ("READY", (JobState.READY,)),
    ("starting", (JobState.CHECKED_OUT, JobState.UPLOADED)),
    ("in queue", (JobState.SUBMITTED, JobState.BATCH_SUBMITTED)),
    ("RUNNING", (JobState.RUNNING, JobState.BATCH_RUNNING)),
    ("ending", (JobState.RUN_FINISHED, JobState.DOWNLOADED)),
    ("COMPLETED", (JobState.COMPLETED,)),
    ("FAILED", (JobState.FAILED,)),
    ("REMOTE_ERROR", (JobState.REMOTE_ERROR,)),
    ("paused", (JobState.PAUSED, JobState.STOPPED, JobState.USER_STOPPED)),
)
"""The rows of numbers: names, and the states that each of them counts."""
LISTED = {
    "under way": "Under way",
    "next": "Next to run",
    "errors": "In error",
    "all": "Last changed",
}
_TIMES = {"under way": "Run time", "next": "Waits", "errors": "Since", "all": "Since"}
_HINTS = (
    ("q", "quit"),
    ("?", "help"),
    ("tab", "list"),
    ("/", "filter"),
    ("w", "worker"),
    ("s", "sort"),
    ("enter", "info"),
    ("l", "log"),
    ("p", "pause claims"),
)
HELP = (
    ("up, down, j, k", "move; also PgUp, PgDn, Home, End"),
    ("Enter, i", "show the details of the selected job"),
    ("l", "show the end of its log; refreshed every few seconds"),
    ("Tab", "next list: under way, next to run, in error, all by last change"),
    ("/", "show only jobs whose name contains a text (* and ? are wildcards)"),
    ("w", "show only the jobs of one worker; again for the next worker"),
    ("Esc", "clear the filter"),
    ("s, S", "sort by time, id, name, state or worker; reverse the order"),
    ("p", "stop runners from claiming jobs, or let them claim again; asks first"),
    ("r, space", "refresh now"),
    ("q, Ctrl-C", "quit; Ctrl-Z suspends, fg resumes"),
)


@dataclass(frozen=True)
class Frame:
    """What is known beside activity and view.

    Attributes
    ----------
    width, height
        The width and height of the screen.
    problem
        Why the activity is old; "" where it is not.
    notice
        The last action, for the last line.
    pane
        The lines of an opened pane, and its title.
    """

    width: int
    height: int
    problem: str = ""
    notice: str = ""
    pane: tuple[str, Sequence[Line]] = ("", ())


def screen(view: View, activity: Activity | None, history: History, frame: Frame) -> list[Line]:
    """Return the lines of the whole screen, each as wide as it."""
    width = frame.width
    if activity is None:
        lines: list[Line] = [_title("", [(frame.problem or "reading ...", DIM)], width)]
    else:
        lines = [_title(activity.project, _health(activity, frame.problem), width)]
    body = max(0, frame.height - 2)
    if view.pane:
        lines += _pane(view, frame, body)
    elif activity is not None:
        lines += _body(view, activity, history, width, body)
    lines = [fitted(line, width) for line in lines[: body + 1]]
    lines += [fitted((), width)] * (body + 1 - len(lines))
    return [*lines, fitted(_footer(view, frame), width)][: frame.height]


def list_room(view: View, activity: Activity | None, width: int, height: int) -> int:
    """Return how many jobs, or lines of a pane, the screen has room for."""
    body = max(0, height - 2)
    if view.pane or activity is None:
        return max(1, body - 1)
    return max(1, _heights(activity, width, body)["jobs"] - 2)


# ------------------------------------------------------------------------ parts


def _title(project: str, right: list[Span], width: int) -> Line:
    left = f" jf top  {one_line(project)} "
    told = sum(width_of(text) for text, _ in right)
    blank = max(1, width - width_of(left) - told - 1)
    return (left, f"{BOLD} reverse"), (" " * blank, ""), *right, (" ", "")


def _health(activity: Activity, problem: str) -> list[Span]:
    clock: Span = (f"  {local_time(activity.on, '%H:%M:%S')}", DIM)
    if problem:
        return [(f"! as it was: {problem}", VERMILION), clock]
    living = sum(runner.lives for runner in activity.runners)
    words = f"✔ {living} runner{'s' * (living != 1)}" if living else "✘ no runner"
    spans: list[Span] = [(words, GREEN if living else VERMILION)]
    if activity.claims_paused:
        spans.append(("  ‖ claims paused", ORANGE))
    age = (activity.on - activity.counts.counted_on).total_seconds()
    if age >= 10:
        spans.append((f"  counted {age:.0f} s ago", DIM))
    return [*spans, clock]


def _rule(title: str, width: int, more: str = "") -> Line:
    told = f"─ {title} "
    extra = f"{more} " if more else ""
    return (
        (told[:2], DIM),
        (told[2:], BOLD),
        (extra, DIM),
        ("─" * max(0, width - width_of(told) - width_of(extra)), DIM),
    )


def _heights(activity: Activity, width: int, body: int) -> dict[str, int]:
    """Divide the lines of the screen: what matters less goes first where there are few."""
    wide = width >= _WIDE
    workers = len(activity.workers)
    wanted = {
        "states": max(5, min(workers + 1, 8)) if wide else 5,
        "ended": 1,
        "runners": 1,
        "workers": 0 if wide else 1 + min(workers, 2 if body < 30 else 6),
        "errors": min(len(activity.failures), 3 if body < 30 else 5 if body < 45 else 8),
    }
    wanted["errors"] += bool(activity.failures)  # the heading
    least = 5
    for part in ("errors", "workers", "ended", "runners", "states"):
        if sum(wanted.values()) + least > body:
            wanted[part] = 0
    return {**wanted, "jobs": max(0, body - sum(wanted.values()))}


def _body(view: View, activity: Activity, history: History, width: int, body: int) -> list[Line]:
    return _parts(view, activity, history, width, _heights(activity, width, body))


def _parts(
    view: View, activity: Activity, history: History, width: int, heights: dict[str, int]
) -> list[Line]:
    lines: list[Line] = []
    if heights["states"] and width >= _WIDE:
        left = (width - 3) * 11 // 20
        workers = _workers(activity, history, width - left - 3, heights["states"])
        lines += beside(_states(activity, history, left), workers, left, 3)
    elif heights["states"]:
        lines += _states(activity, history, width)
    if heights["ended"]:
        lines.append(_ended(activity, width))
    if heights["runners"]:
        lines.append(_runners(activity))
    if heights["workers"]:
        lines += _workers(activity, history, width, heights["workers"])
    lines += _jobs(view, activity, width, heights["jobs"])
    if heights["errors"]:
        lines += _errors(activity, width, heights["errors"])
    return lines


def _states(activity: Activity, history: History, width: int) -> list[Line]:
    column = (width - 3) // 2
    rows = []
    for name, states in GROUPS:
        words = state_words(states[-1] if name == "ending" else states[0])
        number = activity.number(states)
        style = words.style if number else DIM
        graph = sparkline(history.of(name), max(0, column - 26))
        rows.append(
            (
                (f" {words[0]} ", style),
                (fit(name, 12), style),
                (fit(f"{number:,}", 10, right=True), BOLD if number else DIM),
                (f" {graph}", style),
            )
        )
    half = len(rows) // 2
    return beside(list(rows[:half]), list(rows[half:]), column, 3)


def _ended(activity: Activity, width: int) -> Line:
    minutes = activity.minutes
    whole = minutes[-6:-1]  # the present minute is not over
    ended = [minute.completed + minute.failed for minute in minutes]
    rate = sum(m.completed + m.failed for m in whole) / len(whole) if whole else 0.0
    failed = sum(minute.failed for minute in minutes)
    told = f" {rate:.1f} ended per minute  "
    after = f"  {sum(ended):,} in the last hour"
    bad = f", {failed:,} failed" if failed else ""
    room = max(0, min(60, width - width_of(told) - width_of(after) - width_of(bad) - 2))
    graph = sparkline(ended, room, top=1)
    return (told, BOLD), (graph, GREEN), (after, ""), (bad, VERMILION)


def _runners(activity: Activity) -> Line:
    if not activity.runners:
        what = "no runner is registered: `jf runner start` starts one"
        return (" ✘ ", VERMILION), (what, VERMILION)
    spans: list[Span] = [(" Runners ", DIM)]
    for runner in activity.runners:
        good = runner.state is ProcessState.ALIVE
        beat = "no heartbeat" if runner.beat_age is None else f"{_age(runner.beat_age)}"
        name = f"{runner.record.get('hostname')}:{runner.record.get('pid')}"
        said = beat if good else f"{runner.state} {beat}"
        style = GREEN if good else VERMILION
        spans += [(f" {'✔' if good else '✘'} {one_line(name)}", style), (f" {said} ", DIM)]
    return tuple(spans)


def _workers(activity: Activity, history: History, width: int, height: int) -> list[Line]:
    away = {outage.worker: outage for outage in activity.outages}
    heads = f"{'─ Workers ':─<17}{' active':─>7}{' limit ':─<7}{' READY':─>9}{'  errors':─>8} "
    lines: list[Line] = [
        ((heads[:2], DIM), ("Workers", BOLD), (heads[9:].ljust(max(0, width - 9), "─"), DIM))
    ]
    names = activity.workers
    shown = names if len(names) < height else names[: max(0, height - 1)]
    for name in shown:
        active = activity.number(RUNNING_STATES, name)
        limit = activity.limits.get(name)
        ready = activity.number((JobState.READY,), name)
        errors = activity.number(ERROR_STATES, name)
        outage = away.get(name)
        spans: list[Span] = [
            (" ! " if outage else "   ", VERMILION),
            (fit(name, 14), VERMILION if outage else ""),
            (fit(f"{active:,}", 7, right=True), BOLD if active else DIM),
            (fit(f"/{limit:,}" if limit else "", 7), DIM),
            (fit(f"{ready:,}", 9, right=True), SKY if ready else DIM),
            (fit(f"{errors:,}", 8, right=True), VERMILION if errors else DIM),
        ]
        room = max(0, width - sum(width_of(text) for text, _ in spans) - 3)
        if outage:
            spans.append((f"  {fit(outage.problem, room)}", VERMILION))
        else:
            graph = sparkline(history.of(f"worker {name}"), min(room, 40), top=limit or 1)
            spans.append((f"  {graph}", SKY))
        lines.append(tuple(spans))
    return lines


def _jobs(view: View, activity: Activity, width: int, height: int) -> list[Line]:
    jobs = arranged(view, activity)
    look = view.look
    told = [f"sorted by {view.sort}{' reversed' if view.reverse else ''}"]
    told += [f"worker {one_line(look.worker)}"] if look.worker else []
    told += [f"name {one_line(look.name)}"] if look.name else []
    title = f"{LISTED[look.list]} ({len(jobs)}{'+' * (len(jobs) == LIMIT)})"
    lines = [_rule(title, width, ", ".join(told))]
    columns = _columns(width, look.list)
    heads = [(fit(head, size, right=right), DIM) for head, size, right, _ in columns]
    lines.append(_spaced([("  ", ""), *heads]))
    rows = max(0, height - 2)
    marked = place(view, jobs)
    first = min(max(0, marked - rows + 1 + min(2, rows // 3)), max(0, len(jobs) - rows))
    for number, job in enumerate(jobs[first : first + rows], first):
        chosen = view.marks and number == marked
        cells = [
            (fit(text, size, right=right), style)
            for _, size, right, cell in columns
            for text, style in [cell(job, activity)]
        ]
        line = _spaced([("▸ " if chosen else "  ", BOLD), *cells])
        lines.append(_marked(line, width) if chosen else line)
    if not jobs:
        lines.append((("   none", DIM),))
    return [*lines, *[()] * (height - len(lines))]


def _spaced(spans: Sequence[Span]) -> Line:
    first, *others = spans
    out = [first]
    for number, span in enumerate(others):
        out += [(" ", ""), span] if number else [span]
    return tuple(out)


def _marked(line: Line, width: int) -> Line:
    return tuple((text, "reverse") for text, _ in fitted(line, width))


_Cell = Callable[[Entry, Activity], Span]


def _columns(width: int, listed: str) -> list[tuple[str, int, bool, _Cell]]:
    """Return (heading, width, whether right-aligned, cell) of the columns that fit."""
    time = "under way" if listed == "under way" else listed
    columns: list[tuple[str, int, bool, _Cell]] = [
        ("DB id", 8, True, lambda job, _: (job.db_id, "")),
        ("Name", 0, False, lambda job, _: (job.name, "")),
        ("State", 17, False, lambda job, _: _state(job)),
    ]
    if width >= 64:
        columns.append(("Worker", 12, False, lambda job, _: (job.worker, "")))
    columns.append((_TIMES[time], 10, True, lambda job, a: (_time(job, a, listed), "")))
    if width >= 100:
        columns.append(("Why", max(16, width // 4), False, lambda job, _: (job.note, DIM)))
    room = width - 3 - sum(size for _, size, _, _ in columns) - len(columns) + 1
    return [(head, size or max(8, room), right, cell) for head, size, right, cell in columns]


def _state(job: Entry) -> Span:
    words = state_words(job.state, retrying=job.retrying)
    return str(words), words.style


def _time(job: Entry, activity: Activity, listed: str) -> str:
    if listed == "under way":
        return duration(job.run_time(activity.on))
    since = job.created_on if listed == "next" else job.updated_on
    return _age((activity.on - since).total_seconds())


def _age(seconds: float) -> str:
    seconds = max(0.0, seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _errors(activity: Activity, width: int, height: int) -> list[Line]:
    lines = [_rule("Newest errors", width)]
    lines += [_failure(failure, activity, width) for failure in activity.failures[: height - 1]]
    return [*lines, *[()] * (height - len(lines))]


def _failure(failure: Failure, activity: Activity, width: int) -> Line:
    age = _age((activity.on - failure.on).total_seconds())
    name = min(24, max(10, width // 4))
    told = failure.line or failure.cause
    return (
        (fit(age, 7, right=True), DIM),
        (fit(failure.db_id, 9, right=True), ""),
        (f" {fit(failure.name, name)} ", ""),
        (fit(told, max(0, width - name - 19)), VERMILION),
    )


def _pane(view: View, frame: Frame, body: int) -> list[Line]:
    title, lines = ("Keys", help_lines()) if view.pane == "help" else frame.pane
    room = max(1, body - 1)
    first = max(0, min(view.scroll, len(lines) - room))
    shown = list(lines[first : first + room])
    where = f"{first + 1} to {first + len(shown)} of {len(lines)}" if len(lines) > room else ""
    return [_rule(title, frame.width, where), *shown]


def help_lines() -> list[Line]:
    """Return what the keys do."""
    return [((f"  {fit(keys, 16)}", BOLD), (text, "")) for keys, text in HELP]


def _footer(view: View, frame: Frame) -> Line:
    if view.asks is Act.PAUSE:
        text = " Pause claims: no runner of the project starts a further job. y or n? "
        return ((text, f"bold {ORANGE} reverse"),)
    if view.asks is Act.RESUME:
        return ((" Let runners claim jobs again. y or n? ", f"bold {ORANGE} reverse"),)
    if view.typing is not None:
        return (
            (" name: ", BOLD),
            (view.typing, ""),
            (" ", "reverse"),
            ("   Enter shows them, Esc leaves it as it was", DIM),
        )
    if frame.notice:
        return ((f" {one_line(frame.notice)}", ORANGE),)
    hints: Iterable[tuple[str, str]] = _HINTS
    if view.pane:
        hints = (("q", "back"), ("up, down, PgUp, PgDn", "move"), ("i", "info"), ("l", "log"))
    spans: list[Span] = []
    used = 1
    for key, text in hints:
        used += len(key) + len(text) + 3
        if used > frame.width:
            break
        spans += [(f" {key}", BOLD), (f" {text} ", DIM)]
    return tuple(spans)


def snapshot(activity: Activity, history: History, width: int) -> list[Line]:
    """Return everything once, for a text that is not live: as high as it has to be."""
    heights = _heights(activity, width, 1000)
    jobs = 2 + max(1, min(len(activity.jobs), _SNAPSHOT_JOBS))
    body = _parts(View(marks=False), activity, history, width, {**heights, "jobs": jobs})
    return [_title(activity.project, _health(activity, ""), width), *body]
