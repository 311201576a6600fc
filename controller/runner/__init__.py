"""The process that advances jobs.

``runner``        class Runner: what users start; when a round begins, and what it waits for
``rounds``        one round: advances each job that is due
``lanes``         a thread per machine, so that one that hangs holds up no other
``outages``       machines out of reach, and how other processes learn of it
``polling``       asks the queues, in one listing for all workers that share one
``context``       what the stages share: controller, hosts, queues, stores
``stages``        one file per step of a job's life
``watch``         notices the end of local processes and requests to wake up
``recovery``      releases what dead runners left behind
``registration``  registers this runner in the database
``control``       its own record: heartbeat, requests of others, answers
``reloading``     reads the project file again
``logs``          the runner's log
``trial``         one job through a worker's queue, to try it out
"""

from controller.runner.runner import Background, Runner, RunSummary, log_in_to

__all__ = ["Background", "RunSummary", "Runner", "log_in_to"]
