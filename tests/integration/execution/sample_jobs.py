"""Jobs of all kinds, in a module that a worker can import."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
from jobflow import Flow, Response, job
from monty.json import MSONable


class Length(float):
    """A number with a unit, as materials codes return them."""


class Point(MSONable):
    def __init__(self, x: float) -> None:
        self.x = x


class Opaque:
    pass


@job
def add(a, b):
    return a + b


@job
def speak():
    print("hello from the job")
    print("a warning", file=sys.stderr)
    return 1


@job
def fail():
    raise ValueError("the cell has no atoms\nsecond line")


@job
def leave(code):
    sys.exit(code)


@job
def vanish():
    os._exit(3)


@job
def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)


@job
def cancel_itself():
    raise asyncio.CancelledError("cancelled inside")


@job
def interrupt_itself():
    raise KeyboardInterrupt


@job
def terminate_itself():
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()


@job
def give(what):
    return {
        "opaque": Opaque(),
        "bytes": b"ab",
        "huge": 10**30,
        "length": Length(1.5),
        "array": np.arange(3),
        "point": Point(2.0),
        "time": datetime(2024, 1, 2, 3, 4, 5),
        "text": "a 'quoted' \N{GREEK SMALL LETTER ALPHA}; rm -rf",
        "nested": {"a": [1, 2.5, None, True]},
    }[what]


@job(data="blob")
def blob():
    return {"blob": list(range(5)), "rest": 1}


@job
def replace_by_two():
    one, two = add(1, 2), add(3, 4)
    return Response(replace=Flow([one, two], output=[one.output, two.output]))


@job
def detour():
    return Response(output=5, detour=add(1, 1), stored_data={"seen": 7})


@job
def add_later():
    return Response(output=6, addition=add(2, 2))


@job
def keep_unstorable():
    return Response(output=1, stored_data={"it": Opaque()})


@job
def wander(away):
    os.chdir(away)
    return "back"


@job
def compress_all():
    for path in [p for p in Path.cwd().iterdir() if p.is_file()]:
        with gzip.open(f"{path}.gz", "wb") as zipped:
            zipped.write(path.read_bytes())
        path.unlink()
    return "compressed"


@job
def fork():
    if os.fork() == 0:
        return "the child"
    os.wait()
    return "the parent"


@job
def document_of_this_job():
    from controller import CURRENT_JOBDOC

    doc = CURRENT_JOBDOC.job_doc
    return {
        "db_id": doc.db_id,
        "worker": doc.worker,
        "state": getattr(doc.state, "value", doc.state),
        "created": str(type(doc.created_on).__name__),
        "name": getattr(doc, "name", None),
    }


@job
def inspect_reference(wrapped):
    return {"value": wrapped.value, "type": type(wrapped).__name__}


@job
def fill_folder(size):
    Path("big").write_bytes(b"x" * size)
    return size
