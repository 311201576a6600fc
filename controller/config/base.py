"""The base class of all models of a project file.

Scripts for jobflow-remote look for the models themselves here; they are found in
`controller.config`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

from controller.config.masking import masked


class RefusedError(ValueError):
    """A value that a model does not accept.

    Parameters
    ----------
    message
        What is wrong, as the rest of a sentence that begins with the key.
    hint
        What to write instead.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class StrictModel(BaseModel):
    """A model that refuses unknown keys and never shows a secret in its ``repr``."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, allow_inf_nan=False, defer_build=True
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield (name, masked({name: value})[name])


_ELSEWHERE = (
    "BatchConfig",
    "ConfigError",
    "ConnectionData",
    "ExecutionConfig",
    "LocalWorker",
    "LogLevel",
    "Project",
    "ProjectParsingError",
    "ProjectUndefinedError",
    "QueueConfig",
    "RemoteWorker",
    "RunnerOptions",
    "SeparatedTransferWorker",
    "WorkerBase",
)


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("controller.config"), name)
