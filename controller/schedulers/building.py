"""Qtoolkit's object for a scheduler of the project file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO


def build_scheduler(scheduler_type: str | dict[str, Any]) -> BaseSchedulerIO:
    """Return qtoolkit's object for a scheduler of the project file.

    Raises
    ------
    ConfigError
        The scheduler is unknown, or its description cannot be decoded.
    """
    if isinstance(scheduler_type, dict):
        from monty.json import MontyDecoder

        name = f"{scheduler_type.get('@module')}.{scheduler_type.get('@class')}"
        try:
            built: BaseSchedulerIO = MontyDecoder().process_decoded(scheduler_type)
        except Exception as error:
            raise ConfigError(f"the scheduler {name} cannot be built: {error}") from error
        if not hasattr(
            built, "get_submission_script"
        ):  # a description whose module is missing stays a dictionary
            raise ConfigError(
                f"the scheduler {name} cannot be found", hint="is its package installed here?"
            )
        return built
    from qtoolkit.io.pbs import PBSIO
    from qtoolkit.io.sge import SGEIO
    from qtoolkit.io.shell import ShellIO
    from qtoolkit.io.slurm import SlurmIO

    from controller.schedulers.hyperqueue import HyperQueueIO

    known: dict[str, type[BaseSchedulerIO]] = {
        "shell": ShellIO,
        "slurm": SlurmIO,
        "pbs": PBSIO,
        "sge": SGEIO,
        "hyperqueue": HyperQueueIO,
    }
    if scheduler_type not in known:
        raise ConfigError(
            f"unknown scheduler {scheduler_type!r}", hint=f"choose one of {', '.join(known)}"
        )
    scheduler: BaseSchedulerIO = known[scheduler_type]()
    return scheduler
