"""A Maker, whose job is a bound method."""

from __future__ import annotations

from dataclasses import dataclass

from jobflow import Maker, job


@dataclass
class PowerMaker(Maker):
    name: str = "power"
    exponent: int = 2

    @job
    def make(self, base):
        return base**self.exponent
