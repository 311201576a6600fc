"""Commands that change jobs: which jobs, what to confirm first, and the result.

A command declares with `changes_jobs` which of the shared options it takes, and ends with one
call::

    @app.command("pause")
    @changes_jobs("wait", "raise_on_error")
    def pause(jobs: ChosenJobs) -> None:
        jobs.change(lambda controller: controller.pause_jobs, "paused")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.errors import ArgumentError
from controller.filters import JobFilter
from jfr_cli import options
from jfr_cli.console import say
from jfr_cli.option_decorators import F, with_options
from jfr_cli.output import show_outcome, shows_outcome, shows_table
from jfr_cli.progress import progress_bar
from jfr_cli.prompts import confirm
from jfr_cli.render.outcome import counted
from jfr_cli.selection import job_filter_with, keywords, named_job, with_job_filter
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.jobcontroller import JobController

_SHARED: dict[str, tuple[Any, Any]] = {
    "wait": (options.Wait, None),
    "break_lock": (options.BreakLock, False),
    "raise_on_error": (options.RaiseOnError, False),
}
_ALWAYS: dict[str, tuple[Any, Any]] = {
    "verbosity": (options.Verbosity, 0),
    "limit": (options.Limit, None),
    "yes": (options.Yes, False),
    "dry_run": (options.DryRun, False),
}
_NAMED: dict[str, tuple[Any, Any]] = {
    "job": (options.OptionalJobId, None),
    "index": (options.IndexArgument, None),
}


@dataclass(frozen=True)
class ChosenJobs:
    """The jobs to be changed by a command, and how.

    Attributes
    ----------
    selection
        The filter; or one job, if the command got an ID.
    job, index
        ID and INDEX as typed.
    how
        The shared options of the command.
    limit
        Change nothing if more jobs are selected; None or 0 means no limit.
    """

    selection: JobFilter
    job: str | None
    index: int | None
    how: dict[str, Any]
    verbosity: int
    limit: int | None
    yes: bool
    dry_run: bool

    def change(
        self,
        method: Callable[[JobController], Callable[..., Any]],
        done: str,
        *,
        default_limit: int = 0,
        **more: Any,
    ) -> None:
        """Change the jobs, show the result, and exit with the matching status.

        Parameters
        ----------
        method
            Returns the controller's method.
        done
            Past participle, such as "paused".
        default_limit
            Maximum number of jobs changed without ``--max``; 0 means no limit.
        more
            Further keyword arguments of the method.
        """
        with CURRENT.controller() as controller:
            selection = self._named(controller)
            limit = default_limit if self.limit is None else self.limit
            self._ask(controller, selection, done, limit)
            how = {**self.how, **more, "max_limit": limit, "dry_run": self.dry_run}
            if self.job is not None:
                how["raise_on_error"] = True
            with progress_bar(done) as report:
                outcome = method(controller)(**keywords(selection), **how, progress=report)
        if self.verbosity and shows_table() and outcome:
            say(f"jobs: {' '.join(outcome)}")
        for db_id in getattr(outcome, "postponed", ()):
            say(f"jf: {db_id}: its worker cannot be reached; a runner will finish the work")
        show_outcome(outcome, "job", done)

    def _named(self, controller: JobController) -> JobFilter:
        """Return the filter, including the job given by an ID."""
        if self.job is None:
            return self.selection
        return JobFilter(db_ids=named_job(controller, self.job, self.index).db_id)

    def _ask(self, controller: JobController, selection: JobFilter, done: str, limit: int) -> None:
        """Show the number of jobs before changing all of them."""
        if self.dry_run or not selection.is_empty:
            return
        number = controller.count_jobs()
        too_many = limit and number > limit  # refused by the controller
        if number and not too_many:
            confirm(f"No filter: all {counted(number, 'job')} would be {done}. Continue?", self.yes)


def changes_jobs(*shared: str, named: bool = True) -> Callable[[F], F]:
    """Add the options of a command that ends with `ChosenJobs.change`; it gets ``jobs``.

    Parameters
    ----------
    shared
        Those of ``wait``, ``break_lock`` and ``raise_on_error`` that the command has.
    named
        Whether it has an ID and an INDEX.
    """
    how = {name: _SHARED[name] for name in shared}
    bundle = {**(_NAMED if named else {}), **how, **_ALWAYS}

    def call(command: Callable[..., Any], given: dict[str, Any], taken: dict[str, Any]) -> Any:
        selection = given.pop("selection")
        job, index = taken.get("job"), taken.get("index")
        if job is not None and not selection.is_empty:
            raise ArgumentError("an ID and filters cannot be combined", hint="omit one of the two")
        if job is not None and job.startswith("@"):
            selection, job = job_filter_with([job], {}), None
        chosen = ChosenJobs(
            selection=selection,
            job=job,
            index=index,
            how={name: taken[name] for name in how},
            verbosity=taken["verbosity"],
            limit=taken["limit"],
            yes=taken["yes"],
            dry_run=taken["dry_run"],
        )
        return command(jobs=chosen, **given)

    def decorate(command: F) -> F:
        inner = with_options(command, bundle, call, replaces="jobs")
        return shows_outcome()(with_job_filter(inner))

    return decorate
