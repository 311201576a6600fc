"""A Store of a user's for the files of a run directory: a document on each line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from maggma.stores import MemoryStore


class LineStore(MemoryStore):
    def __init__(self, path, **kwargs):
        self.path = path
        super().__init__(**kwargs)

    @property
    def _open(self):
        return gzip.open if str(self.path).endswith(".gz") else open

    def connect(self, force_reset=False):
        super().connect(force_reset)
        if Path(self.path).exists():
            with self._open(self.path, "rt") as file:
                for line in file:
                    self.update(json.loads(line), key="uuid")

    def close(self):
        with self._open(self.path, "wt") as file:
            for doc in self.query():
                doc.pop("_id")
                file.write(json.dumps(doc) + "\n")
        super().close()
