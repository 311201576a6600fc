"""The process that advances jobs.

``runner``        class Runner: what users start; when a round begins
``sleeper``       how long it sleeps between rounds, and what wakes it up
``database_outage``  waiting for an unreachable database
``idle``          whether anything in the database needs a round
``signals``       SIGTERM, SIGINT and SIGHUP
``one_job``       a run that advances one job only
``by_hand``       steps that a script takes itself
``summary``       the result of a run
``rounds``        one round: advances each job that is due
``job_steps``     the steps of single jobs in a round
``limits``        how many jobs a worker may have
``timers``        when periodic tasks are due
``roles``         which steps this process does
``backoff``       jobs that are skipped for a while
``lanes``         a thread per machine, so that one that hangs holds up no other
``outages``       machines out of reach, and how other processes learn of it
``polling``       asks the queues, in one listing for all workers that share one
``context``       what the stages share: controller, hosts, queues, stores
``stages``        one file per step of a job's life
``watch``         notices the end of local processes and requests to wake up
``recovery``      releases what dead runners left behind
``upkeep``        events, notifications and moves of the archive, beside the rounds
``unknown_workers``  jobs whose worker the project does not have
``pools``         warm processes, and which jobs they have
``warm``          hands jobs over to warm processes
``batches``       the pilots of batch workers
``login``         interactive logins before the start
``registration``  registers this runner in the database
``control``       its own record: heartbeat, requests of others, answers
``reloading``     reads the project file again
``logs``          the runner's log
``trial``         one job through a worker's queue, to try it out
"""

from controller.runner.login import log_in_to
from controller.runner.runner import Background, Runner
from controller.runner.summary import RunSummary

__all__ = ["Background", "RunSummary", "Runner", "log_in_to"]
