"""Retry rules as users write them: of a worker, an exec_config, or a job.

What follows from them is decided in ``controller.rules.retries``; docs/retries.md explains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, field_validator
from pydantic import model_validator as _model_validator

from controller.config.base import RefusedError, StrictModel
from controller.config.patterns import regex_problem
from controller.errors import ArgumentError
from controller.states import Cause

LONGEST_DELAY = 7 * 86400.0
"""Seconds that a retry may be put off at most."""

Factor = Annotated[float, Field(gt=1, le=100)]


class Growth(StrictModel):
    """Factors by which resources grow from one attempt to the next.

    Attributes
    ----------
    time, mem
        Larger than 1; None for a resource that stays.
    """

    time: Factor | None = None
    mem: Factor | None = None


class GrowthLimit(StrictModel):
    """Up to where resources grow.

    Attributes
    ----------
    time
        Seconds, or ``D-HH:MM:SS`` and parts of it; None for no limit.
    mem
        MB, or a number with a unit such as ``256G``; None for no limit.
    """

    time: int | str | None = None
    mem: int | str | None = None

    @field_validator("time", "mem")
    @classmethod
    def _readable(cls, value: int | str | None, info: Any) -> int | str | None:
        from controller.config.amounts import megabytes, seconds

        reads = seconds if info.field_name == "time" else megabytes
        if value is not None and not reads(value):
            example = "24:00:00 or 1-12:00:00" if info.field_name == "time" else "64000M or 256G"
            raise RefusedError(f"cannot be {value!r}", f"for example {example}")
        return value


class RetryRule(StrictModel):
    """One rule: after which ends a job runs again, how often, when and with what.

    Attributes
    ----------
    causes
        Ends that it is about; None for any with the text of ``match``.
    match
        Regular expression that is searched in the job's error, or the runner's.
    times
        Retries in a row; 0 for none, whatever later rules say.
    delay
        Seconds before the first retry.
    delay_growth
        Factor by which the delay grows from one retry to the next.
    delay_max
        Seconds that the delay grows to at most.
    jitter
        Fraction by which a delay may be longer or shorter at random, so that jobs that ended
        together do not begin together.
    grow
        Factors by which resources grow. A job whose resources cannot grow is not retried.
    grow_max
        Up to where they grow.
    exclude
        Keep off the node where it ran (Slurm and Grid Engine).
    keep_files
        Leave the files of the run directory to the next attempt, such as checkpoints.
    """

    causes: list[Cause] | None = None
    match: str | None = None
    times: Annotated[int, Field(ge=0, le=1000)] = 3
    delay: Annotated[float, Field(ge=0, le=LONGEST_DELAY)] = 60.0
    delay_growth: Annotated[float, Field(ge=1, le=100)] = 2.0
    delay_max: Annotated[float, Field(ge=0, le=LONGEST_DELAY)] = 3600.0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    grow: Growth | None = None
    grow_max: GrowthLimit | None = None
    exclude: bool = False
    keep_files: bool = False

    @field_validator("causes", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("match")
    @classmethod
    def _usable(cls, value: str | None) -> str | None:
        if value is not None and (problem := regex_problem(value)) is not None:
            raise RefusedError(*problem)
        return value

    @_model_validator(mode="after")
    def _about_something(self) -> RetryRule:
        if not self.causes and self.match is None:
            raise RefusedError(
                "a retry rule needs causes or match", "for example causes: [walltime]"
            )
        return self

    @property
    def label(self) -> str:
        """What it is about, in one line: by this the retries of a rule are counted."""
        parts = [", ".join(self.causes or ())]
        if self.match is not None:
            parts.append(f"/{self.match}/")
        return " ".join(part for part in parts if part)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, (Mapping, RetryRule)) else value


Retries = Annotated[list[RetryRule], BeforeValidator(_as_list)]
"""Rules, of which the first that fits an end decides; one alone needs no list."""

DEFAULT_RETRIES = (RetryRule(causes=[Cause.PREEMPTED, Cause.NODE_FAILED]),)
"""The default: three retries after ends that are not the user's fault."""


def read_retries(value: Any) -> list[RetryRule]:
    """Read rules as scripts, commands and documents give them.

    Raises
    ------
    ArgumentError
        They cannot be read.
    """
    try:
        return TypeAdapter(Retries).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        cause = first.get("ctx", {}).get("error")
        text, hint = (
            (cause.message, cause.hint) if isinstance(cause, RefusedError) else (None, None)
        )
        raise ArgumentError(
            f"the retry rules cannot be used: {where}{': ' if where else ''}{text or first['msg']}",
            hint=hint or "docs/retries.md describes them",
        ) from None


def plain_retries(value: Any) -> list[dict[str, Any]] | None:
    """Return rules as documents hold them: only what was said; None for none.

    Raises
    ------
    ArgumentError
        They cannot be read.
    """
    if value is None:
        return None
    return [r.model_dump(mode="json", exclude_unset=True) for r in read_retries(value)]
