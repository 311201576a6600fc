"""Resources of a job grow from one attempt to the next, or exclude a node; pure.

Resources are keywords of a scheduler or a serialised QResources, as documents hold them. Each key
has its own notation: ``time`` is Slurm's, ``walltime`` that of PBS and Grid Engine, ``select`` and
``qverbatim`` are strings with several amounts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from controller.config.amounts import clock, megabytes, seconds, slurm_clock, slurm_seconds

Resources = Mapping[str, Any]


@dataclass(frozen=True)
class Grown:
    """The result of changing resources.

    Attributes
    ----------
    resources
        The new resources.
    changes
        Each change as text, such as ``time 01:00:00 -> 02:00:00``.
    at_limit
        Whether something did not grow because it is at its limit.
    """

    resources: Resources
    changes: tuple[str, ...] = ()
    at_limit: bool = False


def grow(resources: Resources, what: str, factor: float, limit: float | str | None = None) -> Grown:
    """Increase the time or the memory requested from a scheduler.

    Parameters
    ----------
    what
        ``time`` or ``mem``.
    factor
        Larger than 1.
    limit
        Maximum value, as in `GrowthLimit`; None for no limit.
    """
    top = None
    if limit is not None:
        top = seconds(limit) if what == "time" else megabytes(limit)  # type: ignore[arg-type]
    step = _Step(factor, top)
    grown = Grown(dict(resources))
    for key, amount in _AMOUNTS[what].items():
        if resources.get(key) is not None:
            grown = _with(grown, key, step.amount(amount, resources[key]))
    for key in ("select", "qverbatim"):
        if isinstance(resources.get(key), str):
            grown = _with_text(grown, key, _TEXTS[what], step)
    inner = resources.get("scheduler_kwargs") if "@class" in resources else None
    if inner:
        below = grow(inner, what, factor, limit)
        together = {**grown.resources, "scheduler_kwargs": dict(below.resources)}
        changes = (*grown.changes, *below.changes)
        grown = Grown(together, changes, grown.at_limit or below.at_limit)
    return grown


def exclude_node(resources: Resources, node: str | None, scheduler: str) -> Grown:
    """Exclude a node for a job, if the scheduler supports it.

    Parameters
    ----------
    node
        Name of one node; a list of several does not say which one failed, and changes nothing.
    scheduler
        ``slurm`` or ``sge``; others do not support it.
    """
    if not node or not re.fullmatch(r"[\w.-]+", node):
        return Grown(resources)
    if scheduler == "slurm":
        return _keyword(resources, "exclude_nodes", lambda old: _listed(old, node), node)
    if scheduler == "sge":
        return _keyword(resources, "qverbatim", lambda old: _off_host(old, node), node)
    return Grown(resources)


def _keyword(resources: Resources, key: str, change: Callable[[str], str], node: str) -> Grown:
    """Change a keyword of the scheduler; in a QResources they are one level below."""
    if "@class" in resources:
        inner = _keyword(resources.get("scheduler_kwargs") or {}, key, change, node)
        return replace(inner, resources={**resources, "scheduler_kwargs": inner.resources})
    old = str(resources.get(key) or "")
    new = change(old)
    if new == old:
        return Grown(resources)
    return Grown({**resources, key: new}, (f"not on {node}",))


def _listed(old: str, node: str) -> str:
    names = [name for name in old.split(",") if name]
    return old if node in names else ",".join([*names, node])


_OFF = re.compile(r"^#\$ -l hostname=(!\S+)$", re.MULTILINE)


def _off_host(old: str, node: str) -> str:
    found = _OFF.search(old)
    if found is None:
        return f"{old}\n#$ -l hostname=!{node}".lstrip("\n")
    if f"!{node}" in found[1].split("&"):
        return old
    return old.replace(found[0], f"#$ -l hostname={found[1]}&!{node}", 1)


@dataclass(frozen=True)
class _Amount:
    """How a key is read, as seconds or MB, and written."""

    read: Callable[[Any], float | None]
    write: Callable[[float, Any], Any]


def _write_megabytes(value: float, old: Any) -> Any:
    rounded = math.ceil(value)
    if isinstance(old, (int, float)) or str(old).strip().isdigit():
        return rounded
    return f"{rounded // 1024}G" if rounded % 1024 == 0 else f"{rounded}M"


_CLOCK = _Amount(seconds, lambda value, old: clock(math.ceil(value)))
_SIZE = _Amount(megabytes, _write_megabytes)
_AMOUNTS: dict[str, dict[str, _Amount]] = {
    "time": {
        "time": _Amount(slurm_seconds, lambda value, old: slurm_clock(math.ceil(value))),
        "walltime": _CLOCK,
        "soft_walltime": _CLOCK,
        "time_limit": _Amount(seconds, lambda value, old: math.ceil(value)),  # of a QResources
    },
    "mem": {"mem": _SIZE, "mem_per_cpu": _SIZE, "memory_per_thread": _SIZE},
}
_TEXTS = {
    "time": re.compile(r"\b(time|walltime|cput|h_rt|s_rt|h_cpu|s_cpu)=([\d:-]*\d)(?![\w.])"),
    "mem": re.compile(
        r"\b(mem|vmem|pmem|pvmem|mem-per-cpu|mem_free|virtual_free|[hs]_(?:vmem|rss|data))="
        r"(\d+(?:\.\d+)?[kmgtpKMGTP]?[bB]?)(?!\w)"
    ),
}
"""Amounts within the text of ``select`` and ``qverbatim``."""


@dataclass(frozen=True)
class _Step:
    factor: float
    top: float | None

    def of(self, value: float) -> float:
        """The next value; the same if nothing can grow, or the limit is reached."""
        wanted = value * self.factor
        return max(value, wanted if self.top is None else min(wanted, self.top))

    def amount(self, kind: _Amount, old: Any) -> tuple[Any, Any, bool]:
        """(old, new, whether it is at the limit)."""
        value = kind.read(old)
        if not value:  # no limit at all, or in words
            return old, old, False
        new = self.of(value)
        return (old, old, True) if new <= value else (old, kind.write(new, old), False)


def _with(grown: Grown, key: str, step: tuple[Any, Any, bool], name: str | None = None) -> Grown:
    old, new, at_limit = step
    if new == old:
        return replace(grown, at_limit=grown.at_limit or at_limit)
    said = (*grown.changes, f"{name or key} {old} -> {new}")
    return Grown({**grown.resources, key: new}, said, grown.at_limit)


def _with_text(grown: Grown, key: str, pattern: re.Pattern[str], step: _Step) -> Grown:
    changes: list[str] = []
    limits: list[bool] = []

    def grown_amount(line: str, found: re.Match[str]) -> str:
        old, new, at_limit = step.amount(_text_amount(line, found[1]), found[2])
        limits.append(at_limit)
        if new == old:
            return found[0]
        changes.append(f"{found[1]} {old} -> {new}")
        return f"{found[1]}={new}"

    lines = [
        pattern.sub(lambda found, line=line: grown_amount(line, found), line)  # type: ignore[misc]
        for line in str(grown.resources[key]).split("\n")
    ]
    at_limit = grown.at_limit or any(limits)
    resources = {**grown.resources, key: "\n".join(lines)} if changes else grown.resources
    return Grown(resources, (*grown.changes, *changes), at_limit)


def _text_amount(line: str, name: str) -> _Amount:
    """How an amount within a text is read: by the scheduler whose line it is."""
    is_slurm = line.lstrip().startswith("#SBATCH")
    if name in ("time", "walltime", "cput") or name.endswith(("_rt", "_cpu")):
        return _AMOUNTS["time"]["time"] if is_slurm else _CLOCK
    if is_slurm:
        return _SIZE
    # A number alone is bytes. Grid Engine writes M, PBS mb.
    unit = "M" if name.startswith(("h_", "s_")) or name.endswith("_free") else "mb"
    return _Amount(
        lambda value: megabytes(value, "b"), lambda value, old: f"{math.ceil(value)}{unit}"
    )
