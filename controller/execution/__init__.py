"""What runs on the worker, and the files that go there and come back.

``formats``   how documents are written in files
``files``     names of the files of a run directory; writing the input, reading the results
``filestore`` the maggma Store behind a file of documents (imports maggma)
``run``       runs one job in its directory (imports jobflow)
``pool``      runs jobs in warm processes: `WarmPool`
``zygote``    the program that forks these; ``warm`` is such a process
``restoring`` puts back what a job changed in a warm process; ``code_files``, ``process_facts`` and
              ``standard_streams`` are parts of that
``pilot``     a batch process, which runs jobs of a pool; see docs/batch.md

Every cold job starts a worker process, so nothing here imports more than ``import jobflow`` does,
or what only warm processes use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.documents import JobDoc


class CurrentJobDocument:
    """The document of the job that runs in this process: use `CURRENT_JOBDOC`."""

    def __init__(self) -> None:
        self._document: Mapping[str, Any] | None = None
        self._job_doc: JobDoc | None = None

    @property
    def job_doc(self) -> JobDoc | None:
        """The document as it was when the job was uploaded; None outside a job.

        Built at first use: a job that does not use it pays nothing for it.
        """
        if self._job_doc is None and self._document is not None:
            from controller.documents import JobDoc

            self._job_doc = JobDoc.model_validate(
                {
                    key: value if key == "job" else _plain_time(value)
                    for key, value in self._document.items()
                }
            )
        return self._job_doc

    def set(self, document: Mapping[str, Any]) -> None:
        """Expose a document as the input file holds it, with the serialised ``job``."""
        self._document, self._job_doc = document, None

    def reset(self) -> None:
        """Expose none."""
        self._document = self._job_doc = None


def _plain_time(value: Any) -> Any:
    """Return a value whose times, those of ``remote`` included, are text."""
    if not isinstance(value, dict):
        return value
    if value.get("@class") == "datetime":
        return value["string"]
    return {key: _plain_time(each) for key, each in value.items()}


CURRENT_JOBDOC = CurrentJobDocument()
"""Job functions can read their db_id, worker, run directory and so on from it."""
