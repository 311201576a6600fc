"""What was tried: counted by the tests, said at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from children import Report


@dataclass
class Tally:
    """Counts of what was tried.

    Attributes
    ----------
    sequences
        Sequences, each judged at its end.
    operations, refused
        By kind; refused by kind of error.
    seen
        Injection points that somebody passed.
    killed
        How often a process killed itself at a point.
    ends
        States of the jobs at the ends.
    """

    sequences: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    killed: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def take(self, name: str, report: Report) -> None:
        """Count what a child did."""
        self.operations[name] += 1
        self.seen.update(report.seen)
        if report.killed:
            self.killed[report.killed] += 1
        if report.refused:
            self.refused[f"{name} ({report.refused.partition(':')[0]})"] += 1

    def plain(self) -> dict[str, Any]:
        """Return it as what travels between processes."""
        return {k: sorted(v) if isinstance(v, set) else v for k, v in vars(self).items()}

    @classmethod
    def sum(cls, plain: Iterable[dict[str, Any]]) -> Tally:
        """Add up what several tests tried."""
        total = cls()
        for part in plain:
            total.sequences += part["sequences"]
            total.seen.update(part["seen"])
            for name in ("operations", "refused", "killed", "ends"):
                getattr(total, name).update(part[name])
        return total

    def lines(self) -> Iterator[str]:
        """Say it."""
        kills = self.killed.total()
        yield f"{self.sequences} sequences, {self.operations.total()} operations, {kills} kills"
        for title, counts in (
            ("operations", self.operations),
            ("refused", self.refused),
            ("jobs at the ends", self.ends),
        ):
            yield f"{title}: {', '.join(f'{k} {n}' for k, n in counts.most_common()) or 'none'}"
        yield f"injection points: {len(self.seen)} passed, {len(self.killed)} hit by a kill"
        never = sorted(self.seen - set(self.killed))
        if never:
            yield f"never hit: {'; '.join(never)}"
