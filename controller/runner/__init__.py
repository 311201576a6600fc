"""The process that moves jobs along.

``runner``        class Runner: what users start; when a round begins, and what it waits for
``rounds``        one round: each job that can take a step takes it
``lanes``         a thread per machine, so that one that hangs holds up no other
``outages``       machines out of reach, and how other processes learn of it
``context``       what the stages share: controller, hosts, queues, stores
``stages``        one file per step of a job's life
``watch``         notices the end of local processes and requests to wake up
``recovery``      frees what dead runners left behind
``registration``  says in the database that this runner lives
``logs``          the runner's log
"""

from controller.runner.runner import Runner, RunSummary

__all__ = ["RunSummary", "Runner"]
