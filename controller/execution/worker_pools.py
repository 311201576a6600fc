"""The pools of the warm workers of a project."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from controller.execution.pool import PoolError, PoolSettings, WarmPool

if TYPE_CHECKING:
    from controller.config import Project
    from controller.config.workers import WorkerBase


def most_processes(worker: WorkerBase) -> int:
    """Return how many jobs a warm worker runs at once."""
    config = worker.warm_config
    return (config and config.processes) or worker.max_jobs or os.cpu_count() or 1


def pool_of(worker: WorkerBase, processes: int) -> WarmPool:
    """Return the pool of a warm worker, which is not started yet.

    Parameters
    ----------
    processes
        Maximum number of jobs at the same time; at least 1 is taken.
    """
    config = worker.warm_config
    assert config is not None
    return WarmPool(
        PoolSettings(
            processes=max(processes, 1),
            jobs_per_process=config.jobs_per_process,
            memory_growth=config.memory_growth,
            memory_limit=config.memory_limit,
            idle_time=config.idle_time,
        )
    )


def start_pools(project: Project) -> dict[str, WarmPool]:
    """Start the pools of a project's warm workers.

    A runner that is about to start does this first: they import jobflow while it imports what it
    needs itself.

    Returns
    -------
    dict
        {name of a worker: its pool}; without those that cannot be started, which the runner tries
        again.
    """
    pools: dict[str, WarmPool] = {}
    for name, worker in project.workers.items():
        if worker.warm_config is None:
            continue
        pool = pool_of(worker, most_processes(worker))
        try:
            pool.start()
        except PoolError:
            continue
        pools[name] = pool
    return pools
