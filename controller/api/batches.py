"""Find and keep track of batch processes, which run many jobs inside one queue submission."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from controller.api.base import ControllerGroup
from controller.documents import BatchDoc
from controller.errors import ArgumentError, BatchNotFoundError
from controller.execution.files import batch_dir_path
from controller.filters import BatchFilter
from controller.operations import batch_record
from controller.states import BatchState
from controller.storage.base import Document, UpdateResult

_ORDER = [("updated_on", -1), ("process_id", 1)]


class AddedBatch(dict[str, Any]):
    """The document of a new batch process, which can also be used as an insert result.

    jobflow-remote 0.1.x returned a document here, and 1.0 the result of the insertion.
    """

    acknowledged = True

    @property
    def inserted_id(self) -> Any:
        """``_id`` of the document."""
        return self["_id"]


class Batches(ControllerGroup):
    """Methods that read and write batch processes. None of them locks or waits.

    The parameters that select them are described in `controller.filters.BatchFilter`.
    """

    def get_batches(
        self,
        process_id: str | list[str] | None = None,
        batch_uid: str | list[str] | None = None,
        worker: str | list[str] | None = None,
        batch_state: BatchState | list[BatchState] | None = None,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
        limit: int = 20,
        sort: list[tuple[str, int]] | None = None,
    ) -> list[BatchDoc]:
        """Return the selected batch processes.

        Parameters
        ----------
        process_id, batch_uid, worker, batch_state, job_ids, db_ids
            See `BatchFilter`.
        limit
            Maximum number of results; 0 means no limit.
        sort
            (field, direction) pairs; None means most recently changed first.
        """
        query = BatchFilter(
            process_id=process_id,
            batch_uid=batch_uid,
            worker=worker,
            batch_state=batch_state,
            job_ids=job_ids,
            db_ids=db_ids,
        ).query()
        found = self.queue.batches.find(query, sort=sort or _ORDER, limit=limit)
        return [BatchDoc.model_validate(doc) for doc in found]

    def get_batch(self, batch_id: str) -> BatchDoc:
        """Return one batch process.

        Parameters
        ----------
        batch_id
            Its internal id or a unique prefix of it, or its id in the worker's queue.

        Raises
        ------
        BatchNotFoundError
            There is none.
        ArgumentError
            Several workers assigned this id, or several internal ids start with it.
        """
        batch_id = self.queue.whole_batch_uid(batch_id)
        query = {"$or": [{"batch_uid": batch_id}, {"process_id": batch_id}]}
        found = [BatchDoc.model_validate(doc) for doc in self.queue.batches.find(query, limit=2)]
        if not found:
            raise BatchNotFoundError(
                f"there is no batch process {batch_id}",
                hint="`jf batch list` lists the existing ones",
            )
        if len(found) > 1:
            raise ArgumentError(
                f"several batch processes have the queue id {batch_id}",
                hint="select it by its batch uid, which `jf batch list` shows",
            )
        return found[0]

    def batch_folder(self, batch: BatchDoc) -> Path | None:
        """Return the folder of a batch process on its worker.

        None if the project no longer has this batch worker.
        """
        worker = self._need_project().workers.get(batch.worker)
        if worker is None or worker.batch is None:
            return None
        return batch_dir_path(worker.batch.work_dir, batch.batch_uid)

    def count_batches(
        self,
        process_id: str | list[str] | None = None,
        batch_uid: str | list[str] | None = None,
        worker: str | list[str] | None = None,
        batch_state: BatchState | list[BatchState] | None = None,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
    ) -> int:
        """Count the selected batch processes; parameters as in `get_batches`."""
        return self.queue.batches.count_documents(
            BatchFilter(
                process_id=process_id,
                batch_uid=batch_uid,
                worker=worker,
                batch_state=batch_state,
                job_ids=job_ids,
                db_ids=db_ids,
            ).query()
        )

    def delete_batches(
        self,
        process_id: str | list[str] | None = None,
        batch_uid: str | list[str] | None = None,
        worker: str | list[str] | None = None,
        batch_state: BatchState | list[BatchState] | None = None,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
    ) -> int:
        """Delete the documents of the selected batch processes, all of them.

        The processes themselves are not stopped; jobs are not changed. Parameters as in
        `get_batches`.

        Returns
        -------
        int
            Number of deleted documents.
        """
        query = BatchFilter(
            process_id=process_id,
            batch_uid=batch_uid,
            worker=worker,
            batch_state=batch_state,
            job_ids=job_ids,
            db_ids=db_ids,
        ).query()
        return self.queue.batches.delete_many(query).deleted_count

    def add_batch_process(
        self,
        process_id: str,
        process_uuid: str | None = None,
        worker: str | None = None,
        *,
        batch_uid: str | None = None,
    ) -> AddedBatch:
        """Insert the document of a batch process that was just submitted.

        Parameters
        ----------
        process_id
            Its id in the worker's queue.
        process_uuid, batch_uid
            Its internal id, known before it has one in the queue: two names for the same
            thing, exactly one of which is required.
        worker
            Name of the worker; required.

        Raises
        ------
        ArgumentError
            No worker, no id, or two different ids.
        DuplicateKeyError
            A process with this internal id already exists.
        """
        uids = {uid for uid in (process_uuid, batch_uid) if uid}
        if len(uids) != 1 or not worker or not process_id:
            raise ArgumentError(
                "a batch process needs process_id, worker, and either process_uuid or batch_uid",
                hint="give all of them",
            )
        document = batch_record.add(
            self.queue.batches, process_id=str(process_id), batch_uid=uids.pop(), worker=worker
        )
        return AddedBatch(document)

    def get_batch_processes(self, worker: str) -> dict[str, str]:
        """Return {process_id: batch_uid} of a worker's processes that have not ended."""
        return batch_record.processes(self.queue.batches, worker)

    def remove_batch_process(self, process_id: str, worker: str) -> Document:
        """Record that a worker's batch process has ended; its document stays, as FINISHED.

        Parameters
        ----------
        process_id
            Its id in the worker's queue. If the queue assigned it twice, the process that
            has not ended is used.
        worker
            Name of the worker.

        Returns
        -------
        dict
            The document as it is now.

        Raises
        ------
        BatchNotFoundError
            The worker has no such process that has not ended.
        """
        query = {
            "process_id": str(process_id),
            "worker": worker,
            "batch_state": batch_record.ACTIVE,
        }
        document = self.queue.batches.find_one_and_update(
            query, batch_record.finished(), sort=[("created_on", 1)], return_document="after"
        )
        if document is None:
            raise BatchNotFoundError(
                f"worker {worker} has no batch process {process_id} that has not ended",
                hint="`jf batch list` lists the existing ones",
            )
        return document

    def get_batch_process_id(self, batch_uid: str) -> tuple[str, str]:
        """Return (process_id, worker) of a batch process.

        Raises
        ------
        BatchNotFoundError
            There is none with this id; it is a `MissingDocumentError` too.
        """
        document = batch_record.find(self.queue.batches, batch_uid)
        return document["process_id"], document["worker"]

    def update_job_in_batch(
        self, job_id: str, job_index: int, batch_uid: str, db_id: str
    ) -> UpdateResult:
        """Record that a batch process executes a job; idempotent."""
        return batch_record.add_job(
            self.queue.batches, batch_uid, db_id=db_id, uuid=job_id, index=job_index
        )

    def set_running_batch_process(
        self, batch_uid: str, start_time: datetime | None = None
    ) -> UpdateResult:
        """Record that a batch process is running, unless it has already ended.

        Parameters
        ----------
        start_time
            Aware, or naive in UTC; None for now. An existing start time is kept.
        """
        return batch_record.set_running(self.queue.batches, batch_uid, start_time)

    def set_finished_batch_process(
        self, batch_uid: str, end_time: datetime | None = None
    ) -> UpdateResult:
        """Record that a batch process has ended.

        Parameters
        ----------
        end_time
            Aware, or naive in UTC; None for now.
        """
        return self.queue.batches.update_one(
            {"batch_uid": batch_uid}, batch_record.finished(end_time)
        )

    def fix_batch_doc_jobs(self, *, dry_run: bool = False) -> int:
        """Repair documents of development versions of jobflow-remote 1.0: ``jobs`` as a dictionary.

        It becomes an empty list, since the dictionary contains no job ids.

        Parameters
        ----------
        dry_run
            Change nothing.

        Returns
        -------
        int
            Number of documents that were changed, or would be.
        """
        query = {"jobs": {"$not": {"$type": "array"}}}
        if dry_run:
            return self.queue.batches.count_documents(query)
        return self.queue.batches.update_many(query, {"$set": {"jobs": []}}).modified_count
