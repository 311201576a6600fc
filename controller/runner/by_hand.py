"""Steps of a runner that a script takes by hand, and what it needs for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.errors import ArgumentError
from controller.runner.context import RunnerContext
from controller.runner.roles import NO_ROLES
from controller.runner.rounds import Rounds
from controller.states import JobState, parse_states

if TYPE_CHECKING:
    from jobflow import JobStore

    from controller.hosts import Host

_CLAIMS = replace(NO_ROLES, checkout=True)
_STEPS = {
    JobState.CHECKED_OUT: "transfer",
    JobState.UPLOADED: "queue",
    JobState.RUN_FINISHED: "transfer",
    JobState.DOWNLOADED: "complete",
}
"""The states from which a job is advanced by a step, and the role that it belongs to."""


class StepsByHand:
    """The methods of `controller.runner.Runner` that take one kind of step.

    For scripts and tests that drive a runner themselves; `run` does all of it. They return when
    nothing is left to do, and raise what `run` waits for, as a database that is away.

    Attributes
    ----------
    context, rounds
        The context and rounds of the runner.
    """

    context: RunnerContext
    rounds: Rounds

    def get_host(self, worker_name: str) -> Host:
        """Return the machine of a worker; its connection is opened with the first command.

        Raises
        ------
        ConfigError
            The project has no such worker.
        """
        return self.context.host(worker_name)

    def get_jobstore(self, flow_id: str | None) -> JobStore:
        """Return the JobStore, connected, of a flow; that of the project for None.

        Parameters
        ----------
        flow_id
            uuid of the flow.
        """
        flows = self.context.controller.queue.flows
        flow = flows.find_one({"uuid": flow_id}, ["jobstore"]) if flow_id is not None else None
        return self.context.connections.jobstore((flow or {}).get("jobstore"))

    def checkout(self) -> None:
        """Claim READY jobs, as many as their workers may have."""
        while self.rounds.advance(_CLAIMS):
            pass

    def advance_state(
        self,
        states: Sequence[JobState | str],
        filter: Mapping[str, Any] | None = None,
    ) -> None:
        """Advance all jobs that are in some states, each by the step that ends its state.

        Parameters
        ----------
        states
            CHECKED_OUT, UPLOADED, RUN_FINISHED or DOWNLOADED.
        filter
            Further conditions on the job documents.

        Raises
        ------
        ArgumentError
            No step ends one of the states.
        """
        chosen = parse_states(JobState, list(states)) or ()
        others = [state.value for state in chosen if state not in _STEPS]
        if others:
            known = ", ".join(state.value for state in _STEPS)
            raise ArgumentError(f"no step ends {', '.join(others)}: give some of {known}")
        roles = {_STEPS[state]: True for state in chosen}
        of_states = {"state": {"$in": [state.value for state in chosen]}}
        with self._only({"$and": [of_states, *([dict(filter)] if filter else [])]}):
            while self.rounds.advance(replace(NO_ROLES, **roles)):
                pass

    def check_run_status(
        self,
        filter: Mapping[str, Any] | None = None,
    ) -> None:
        """Ask the queues once what became of the jobs in them.

        Parameters
        ----------
        filter
            Further conditions on the job documents.
        """
        with self._only(dict(filter or {})):
            self.rounds.poll(self.context.usable_workers(), at_once=True)

    @contextmanager
    def _only(self, query: dict[str, Any]) -> Iterator[None]:
        """Let rounds concern the jobs of a query alone."""
        before, self.rounds.only = self.rounds.only, query
        try:
            yield
        finally:
            self.rounds.only = before
