"""Counts over all jobs and flows."""

from __future__ import annotations

from collections.abc import Sequence

from controller.api.base import ControllerGroup
from controller.errors import ArgumentError
from controller.operations.trends import count_trends
from controller.states import ERROR_STATES, FlowState, JobState, parse_states


class Statistics(ControllerGroup):
    """Methods that count. None of them locks or waits."""

    def get_trends(
        self,
        states: Sequence[JobState] | Sequence[FlowState],
        interval: str = "days",
        num_intervals: int | None = None,
        interval_timezone: str = "UTC",
    ) -> dict[str, dict[JobState, int]] | dict[str, dict[FlowState, int]]:
        """Count jobs or flows by their state and the interval of their last change.

        Parameters
        ----------
        states
            `JobState` members count jobs, `FlowState` members count flows. Names alone are
            taken as states of jobs.
        interval
            hours, days, weeks, months or years.
        num_intervals
            Their number, including the current one; None means 12 hours, 7 days, 4 weeks, 12 months
            or 3 years.
        interval_timezone
            Where days begin: a name such as ``Europe/Rome``, an offset such as ``+02:00``, or
            ``local``.

        Returns
        -------
        dict
            {interval: {state: number}}, oldest first; every interval and every state is
            included, with 0 if there was none. Intervals read ``YYYY-MM-DD HH``, ``YYYY-MM-DD``,
            ``YYYY-WW`` (ISO weeks), ``YYYY-MM`` and ``YYYY``.

        Raises
        ------
        ArgumentError
            No such interval, time zone or state, or states of both kinds.
        """
        given = [states] if isinstance(states, str) else list(states)
        of_flows = sum(isinstance(state, FlowState) for state in given)
        if of_flows and of_flows < len(given):
            raise ArgumentError(
                "trends are computed for jobs or for flows, not for both at once",
                hint="call it twice: once with JobState members, once with FlowState members",
            )
        when = (interval, num_intervals, interval_timezone)
        if of_flows:
            return count_trends(self.queue.flows, parse_states(FlowState, given) or (), *when)
        return count_trends(self.queue.jobs, parse_states(JobState, given) or (), *when)

    def count_jobs_workers(self, states: Sequence[JobState] | None = None) -> dict[str, int]:
        """Count jobs by worker.

        Parameters
        ----------
        states
            Only jobs in these states; None means all.

        Returns
        -------
        dict
            {worker: number}, by name; only workers that have such a job.
        """
        wanted = parse_states(JobState, states)
        match = {} if wanted is None else {"state": {"$in": [s.value for s in wanted]}}
        groups = self.queue.jobs.aggregate(
            [{"$match": match}, {"$group": {"_id": "$worker", "count": {"$sum": 1}}}]
        )
        return {g["_id"]: g["count"] for g in sorted(groups, key=lambda g: str(g["_id"]))}

    def count_jobs_causes(self) -> dict[str, int]:
        """Count the jobs that are FAILED or REMOTE_ERROR by their cause.

        Returns
        -------
        dict
            {cause: number}, the largest first; "" for jobs of versions that recorded none.
        """
        match = {"state": {"$in": [state.value for state in ERROR_STATES]}}
        groups = self.queue.jobs.aggregate(
            [{"$match": match}, {"$group": {"_id": "$error_cause", "count": {"$sum": 1}}}]
        )
        ordered = sorted(groups, key=lambda group: (-group["count"], group["_id"] or ""))
        return {group["_id"] or "": group["count"] for group in ordered}
