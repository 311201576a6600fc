"""What runs on the worker, and the files that go there and come back.

``formats``   how documents are written in files
``files``     names of the files of a run directory; writing the input, reading the results
``filestore`` the maggma Store behind a file of documents (imports maggma)
``run``       runs one job in its directory (imports jobflow)

A worker process starts for every job, so nothing here imports more than ``import jobflow`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class CurrentJobDocument:
    """The document of the job that runs in this process.

    Attributes
    ----------
    job_doc
        A `controller.documents.JobDoc`-like object without the job itself; None outside a job.
    """

    job_doc: Any = None


CURRENT_JOBDOC = CurrentJobDocument()
"""Job functions may ask it for their db_id, worker, run directory and so on."""
