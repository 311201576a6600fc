"""Retry rules as users write them: of a worker, an exec_config, or a job.

`controller.rules.retries` applies them; docs/retries.md explains them.
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
"""Maximum delay of a retry, in seconds."""

Factor = Annotated[float, Field(gt=1, le=100)]


class Growth(StrictModel):
    """Factors by which resources grow from one attempt to the next.

    Attributes
    ----------
    time, mem
        Factor larger than 1; None keeps the resource.
    """

    time: Factor | None = None
    mem: Factor | None = None


class GrowthLimit(StrictModel):
    """Limits to which resources grow.

    Attributes
    ----------
    time
        Maximum time: seconds, or ``D-HH:MM:SS`` and parts of it; None for no limit.
    mem
        Maximum memory: MB, or a number with a unit such as ``256G``; None for no limit.
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
    """One rule: after which failures a job runs again, how often, when and with which resources.

    Attributes
    ----------
    causes
        Causes of failure to which it applies; None for any failure that ``match`` finds.
    match
        Regular expression to search for in the job's error, or the runner's.
    times
        Maximum number of retries in a row; 0 for none, even if a later rule would allow some.
    delay
        Seconds before the first retry.
    delay_growth
        Factor by which the delay grows from one retry to the next.
    delay_max
        Maximum delay, in seconds.
    jitter
        Fraction by which a delay is randomly lengthened or shortened, so that jobs that ended
        together do not start together.
    grow
        Factors by which resources grow. A job whose resources cannot grow is not retried.
    grow_max
        Limits to which they grow.
    exclude
        Avoid the node where the job ran (Slurm and Grid Engine).
    keep_files
        Keep the files of the run directory, such as checkpoints, for the next attempt.
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
        """Its condition, in one line: retries are counted by this."""
        parts = [", ".join(self.causes or ())]
        if self.match is not None:
            parts.append(f"/{self.match}/")
        return " ".join(part for part in parts if part)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, (Mapping, RetryRule)) else value


Retries = Annotated[list[RetryRule], BeforeValidator(_as_list)]
"""Rules, of which the first that applies to a failure decides; a single rule needs no list."""

DEFAULT_RETRIES = (RetryRule(causes=[Cause.PREEMPTED, Cause.NODE_FAILED]),)
"""The default: three retries after failures for which the user is not responsible."""


def read_retries(value: Any) -> list[RetryRule]:
    """Read rules as given by scripts, commands and documents.

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
    """Return rules as documents hold them: only the fields that were set; None for no rules.

    Raises
    ------
    ArgumentError
        They cannot be read.
    """
    if value is None:
        return None
    return [r.model_dump(mode="json", exclude_unset=True) for r in read_retries(value)]
