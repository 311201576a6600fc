"""What `jf top` shows, and what each key changes about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from controller.activity import LISTS, Activity, Entry, Look

SORTS = ("time", "id", "name", "state", "worker")
"""How the listed jobs can be sorted; ``time`` is the order in which they are read."""


class Act(StrEnum):
    """What a key asks for that the view cannot do itself."""

    QUIT = "quit"
    READ = "read"  # what is listed has changed
    REFRESH = "refresh"  # read again at once
    INFO = "info"
    LOG = "log"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True)
class View:
    """What is shown.

    Attributes
    ----------
    look
        The filter and order of the listed jobs.
    sort, reverse
        One of `SORTS`, and whether its order is reversed.
    selected
        db_id of the marked job; None for the first one.
    pane
        The pane that covers the screen: "", "help", "info" or "log".
    scroll
        The first line of the pane that is shown.
    typing
        The filter while it is typed; None where it is not.
    marks
        Whether a job is marked.
    asks
        The action to confirm: PAUSE or RESUME.
    """

    look: Look = field(default_factory=Look)
    sort: str = "time"
    reverse: bool = False
    selected: str | None = None
    pane: str = ""
    scroll: int = 0
    typing: str | None = None
    marks: bool = True
    asks: Act | None = None


def arranged(view: View, activity: Activity) -> list[Entry]:
    """Return the listed jobs in the order in which they are shown."""
    jobs = list(activity.jobs)
    keys: dict[str, Callable[[Entry], tuple[object, ...]]] = {
        "id": lambda job: (len(job.db_id), job.db_id),
        "name": lambda job: (job.name.lower(), len(job.db_id), job.db_id),
        "state": lambda job: (job.state.value, len(job.db_id), job.db_id),
        "worker": lambda job: (job.worker, len(job.db_id), job.db_id),
    }
    if view.sort in keys:
        return sorted(jobs, key=keys[view.sort], reverse=view.reverse)
    if view.look.list == "under way":
        # The longest first: those that hang are what one looks for.
        jobs.sort(key=lambda job: -(job.run_time(activity.on) or -1.0))
    return jobs[::-1] if view.reverse else jobs


def place(view: View, jobs: Sequence[Entry]) -> int:
    """Return the position of the marked job; the first one where it is not listed any more."""
    return next((n for n, job in enumerate(jobs) if job.db_id == view.selected), 0)


def press(view: View, key: str, activity: Activity | None, room: int) -> tuple[View, Act | None]:
    """Return what a key makes of a view, and what else has to be done.

    Parameters
    ----------
    key
        A character, or a name of `jfr_cli.top.terminal.KEYS`.
    activity
        The activity shown; None before the first reading.
    room
        Number of lines that the list, or the pane, has.
    """
    if view.asks is not None:
        agreed = key in ("y", "Y")
        return replace(view, asks=None), view.asks if agreed else None
    if view.typing is not None:
        return _type(view, key)
    if view.pane:
        return _in_pane(view, key, room)
    if key in _MOVES:
        return _move(view, key, activity, room), None
    return _command(view, key, activity)


def _type(view: View, key: str) -> tuple[View, Act | None]:
    text = view.typing or ""
    if key == "enter":
        look = replace(view.look, name=text.strip())
        return replace(view, typing=None, look=look, selected=None), Act.READ
    if key == "escape":
        return replace(view, typing=None), None
    if key == "backspace":
        return replace(view, typing=text[:-1]), None
    if key == "clear":
        return replace(view, typing=""), None
    return (replace(view, typing=text + key) if len(key) == 1 else view), None


def _in_pane(view: View, key: str, room: int) -> tuple[View, Act | None]:
    steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -room, "pagedown": room, " ": room}
    if key in steps:
        return replace(view, scroll=max(0, view.scroll + steps[key])), None
    if key in ("home", "g"):
        return replace(view, scroll=0), None
    if key in ("end", "G"):
        return replace(view, scroll=1_000_000), None  # the screen stops at the last page
    if view.pane != "help" and key in ("i", "l"):
        return _opened(view, "info" if key == "i" else "log")
    if key in ("q", "escape", "enter", "left", "h", "?", view.pane[:1]):
        return replace(view, pane="", scroll=0), None
    return view, None


def _opened(view: View, pane: str) -> tuple[View, Act | None]:
    return replace(view, pane=pane, scroll=0), Act(pane)


_MOVES = frozenset({"up", "k", "down", "j", "pageup", "pagedown", "home", "g", "end", "G"})


def _move(view: View, key: str, activity: Activity | None, room: int) -> View:
    jobs = arranged(view, activity) if activity is not None else []
    if not jobs:
        return view
    at = place(view, jobs)
    page = max(1, room - 1)
    goals = {
        **dict.fromkeys(("up", "k"), at - 1),
        **dict.fromkeys(("down", "j"), at + 1),
        "pageup": at - page,
        "pagedown": at + page,
        **dict.fromkeys(("home", "g"), 0),
        **dict.fromkeys(("end", "G"), len(jobs) - 1),
    }
    return replace(view, selected=jobs[min(max(goals[key], 0), len(jobs) - 1)].db_id)


def _command(view: View, key: str, activity: Activity | None) -> tuple[View, Act | None]:
    jobs = arranged(view, activity) if activity is not None else []
    if key == "q":
        return view, Act.QUIT
    if key in ("?", "h"):
        return replace(view, pane="help", scroll=0), None
    if key in ("r", " "):
        return view, Act.REFRESH
    if key in ("/", "f"):
        return replace(view, typing=view.look.name), None
    if key == "escape":
        return replace(view, look=Look(view.look.list), selected=None), Act.READ
    if key in ("tab", "backtab"):
        lists = list(LISTS)
        step = 1 if key == "tab" else -1
        other = lists[(lists.index(view.look.list) + step) % len(lists)]
        return replace(view, look=replace(view.look, list=other), selected=None), Act.READ
    if key == "w" and activity is not None:
        names: list[str | None] = [None, *activity.workers]
        now = names.index(view.look.worker) if view.look.worker in names else 0
        look = replace(view.look, worker=names[(now + 1) % len(names)])
        return replace(view, look=look, selected=None), Act.READ
    if key == "s":
        return replace(view, sort=SORTS[(SORTS.index(view.sort) + 1) % len(SORTS)]), None
    if key == "S":
        return replace(view, reverse=not view.reverse), None
    if key in ("enter", "i", "right", "l") and jobs:
        chosen = replace(view, selected=jobs[place(view, jobs)].db_id)
        return _opened(chosen, "log" if key == "l" else "info")
    if key == "p" and activity is not None:
        return replace(view, asks=Act.RESUME if activity.claims_paused else Act.PAUSE), None
    return view, None
