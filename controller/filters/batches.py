"""The filter of batch processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controller.errors import FilterError
from controller.filters.arguments import job_id_pairs, normalise, strings
from controller.filters.conditions import NOTHING, Query, one_of
from controller.states import BatchState, parse_states


@dataclass(frozen=True, kw_only=True)
class BatchFilter:
    """Filter of batch processes.

    Attributes
    ----------
    process_id
        Ids in the workers' queues; two workers may have the same one.
    batch_uid
        jfr's ids of the processes.
    worker
        Names of the workers.
    batch_state
        `BatchState` members or their names.
    job_ids
        (uuid, index) pairs of jobs executed by them, or a single pair.
    db_ids
        db_id of jobs executed by them.
    """

    process_id: Any = None
    batch_uid: Any = None
    worker: Any = None
    batch_state: Any = None
    job_ids: Any = None
    db_ids: Any = None

    def __post_init__(self) -> None:
        normalise(
            self,
            process_id=strings("process_id", self.process_id),
            batch_uid=strings("batch_uid", self.batch_uid),
            worker=strings("worker", self.worker),
            batch_state=parse_states(BatchState, self.batch_state),
            job_ids=job_id_pairs(self.job_ids),
            db_ids=strings("db_ids", self.db_ids),
        )
        if self.job_ids is not None and self.db_ids is not None:
            raise FilterError(
                "job_ids and db_ids both select jobs of a batch process",
                hint="give only one of them",
            )

    def query(self) -> Query:
        """Translate into a query on batch documents."""
        query: Query = {}
        for name in ("process_id", "batch_uid", "worker"):
            if (values := getattr(self, name)) is not None:
                query[name] = one_of(values)
        if self.batch_state is not None:
            query["batch_state"] = one_of(s.value for s in self.batch_state)
        if self.db_ids is not None:
            query["jobs"] = {"$elemMatch": {"0": one_of(self.db_ids)}}
        elif self.job_ids is not None:
            pairs = [
                {"jobs": {"$elemMatch": {"1": uuid, "2": index}}} for uuid, index in self.job_ids
            ]
            query.update({"$or": pairs} if pairs else NOTHING)
        return query
