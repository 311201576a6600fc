"""The event log, and the history of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from controller.api.base import ControllerGroup
from controller.documents.stored import utc_now
from controller.errors import JobNotFoundError
from controller.filters import is_uuid, job_id_query
from controller.filters.arguments import strings

if TYPE_CHECKING:
    from controller.documents.events import EventDoc
    from controller.rules.history import HistoryEntry

_OVERLAP = timedelta(seconds=60)
"""Time for which `follow_events` looks back: ids come from the clocks of several machines."""


def _several(values: str | Sequence[str] | None) -> Sequence[str] | None:
    return [values] if isinstance(values, str) else values


class EventQueries(ControllerGroup):
    """Methods that read the event log. None of them locks or waits."""

    def get_events(
        self,
        kinds: str | Sequence[str] | None = None,
        *,
        db_ids: str | Sequence[str] | None = None,
        job_ids: str | Sequence[str] | None = None,
        job_index: int | None = None,
        flow_ids: str | Sequence[str] | None = None,
        workers: str | Sequence[str] | None = None,
        runner_ids: str | Sequence[str] | None = None,
        actors: str | Sequence[str] | None = None,
        states: str | Sequence[str] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        limit: int = 0,
        newest: bool = True,
    ) -> list[EventDoc]:
        """Return events, oldest first.

        Each filter takes one value or several.

        Parameters
        ----------
        kinds
            Values of `EventKind`; "states" means all changes of a job's state.
        db_ids, job_ids, job_index
            Only events of these jobs: by db_id; by uuid, the start of one, or db_id; and by index.
        flow_ids
            Only events of these flows and their jobs: uuids, starts of uuids, or db_ids of jobs.
        workers, runner_ids, actors
            Only events of jobs of these workers; by these runners; by these users (``user@host``).
        states
            Only changes to these states of jobs or flows.
        start_date, end_date
            Only events at or after the first and before the second time; naive times are UTC.
        limit
            Maximum number of events; 0 means all.
        newest
            With a limit, return the last events instead of the first ones.

        Raises
        ------
        ArgumentError
            There is no such kind, or an abbreviated id is ambiguous.
        """
        from controller.rules.events import EventFilter

        flows = strings("flow_ids", flow_ids)
        known = self.queue.flow_uuids(flows or ())
        named = [self.queue.whole_job_id(text) for text in strings("job_ids", job_ids) or ()]
        uuids = [text for text in named if is_uuid(text)]
        numbers = [*(strings("db_ids", db_ids) or ()), *(x for x in named if x not in uuids)]
        selection = EventFilter(
            kinds=_several(kinds),
            db_ids=numbers or None,
            uuids=uuids or None,
            index=job_index,
            flows=flows and [known.get(f) or self.queue.whole_flow_id(f) for f in flows],
            workers=strings("workers", workers),
            runners=strings("runner_ids", runner_ids),
            actors=strings("actors", actors),
            states=_several(states),
            since=start_date,
            until=end_date,
        )
        return self.queue.events.find(selection, limit=limit, newest=newest)

    def new_events(self, seen: Sequence[EventDoc], **selection: object) -> Iterator[EventDoc]:
        """Yield the events that were written since others were read.

        Parameters
        ----------
        seen
            The events read before; at least those of the last minute.
        selection
            Keywords of `get_events`, without ``start_date`` and ``limit``.
        """
        known = {event.event_id for event in seen}
        last = max((event.time for event in seen), default=utc_now())
        for event in self.get_events(start_date=last - _OVERLAP, **selection):  # type: ignore[arg-type]
            if event.event_id not in known:
                yield event

    def get_job_history(
        self, job_id: str | None = None, db_id: str | None = None, job_index: int | None = None
    ) -> list[HistoryEntry]:
        """Return the time line of a job: its states, how long each lasted, and who changed it.

        A deleted job has a history as long as the log contains events of it.

        Parameters
        ----------
        job_id, db_id, job_index
            The job, by its uuid (and index; the last one if None) or by its db_id.

        Returns
        -------
        list of HistoryEntry
            Oldest first; times are naive UTC, durations in seconds.

        Raises
        ------
        ArgumentError
            Neither or both of ``db_id`` and ``job_id``.
        JobNotFoundError
            There is no such job, and no event of such a job.
        """
        from controller.rules.history import job_history
        from controller.states import FINISHED_STATES

        query, sort = job_id_query(job_id=job_id, db_id=db_id, job_index=job_index)
        fields = ["db_id", "created_on", "state"]
        job = self.queue.jobs.find_one(query, fields, sort=sort)
        if job is not None:
            query = {"db_id": job["db_id"]}
        events = self.queue.events.find_where(query)
        index = "" if job_index is None or db_id is not None else f" with index {job_index}"
        if job is None and not events:
            raise JobNotFoundError(
                f"there is no job {db_id or job_id}{index}, and no event of such a job",
                hint="`jf job list` lists the existing ones",
            )
        return job_history(
            events,
            now=utc_now(),
            created_on=None if job is None else job["created_on"],
            lasting=frozenset(state.value for state in FINISHED_STATES),
        )

    def get_admin_log(
        self, *, start_date: datetime | None = None, limit: int = 0
    ) -> list[EventDoc]:
        """Return administrative actions, and actions on many jobs, oldest first.

        Parameters
        ----------
        start_date, limit
            As for `get_events`.
        """
        from controller.states import ADMIN_KINDS

        kinds = [kind.value for kind in ADMIN_KINDS]
        return self.get_events(kinds, start_date=start_date, limit=limit)
