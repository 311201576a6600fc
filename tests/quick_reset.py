"""`reset` of a database that is not there yet, by a copy: to make one costs more than most tests.

The first database of each kind is made by `Administration.reset`, and so is each that exists; a
test of the reset itself asks for the fixture `real_reset`.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import Any

from controller.api.administration import Administration
from controller.operations.batch_record import remove_pools
from controller.paths import make_private_folder
from controller.storage.embedded import EmbeddedDatabase

REAL = Administration.reset
_made: dict[tuple[object, ...], bytes] = {}


@wraps(REAL)
def reset(self: Administration, *args: Any, **kwargs: Any) -> bool:
    queue = self.queue
    database, events = queue.database, queue.events
    if (
        args
        or kwargs
        or not isinstance(database, EmbeddedDatabase)
        or database._file.network
        or database.exists()
    ):
        return REAL(self, *args, **kwargs)
    collections = (queue.jobs, queue.flows, queue.auxiliary, queue.batches, events.collection)
    path = database._file.path
    kind = (*(each.name for each in collections), queue.archive.name, events.enabled, events.actor)
    if kind not in _made:
        done = REAL(self)
        with closing(sqlite3.connect(path)) as made:
            _made[kind] = made.serialize()
        return done
    _write(path, _made[kind])
    if self.project is not None:
        remove_pools(self.project)
    return True


def _write(path: Path, content: bytes) -> None:
    make_private_folder(path.parent)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
