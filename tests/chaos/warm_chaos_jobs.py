"""Jobs that leave a mark for each of their runs."""

from __future__ import annotations

import time
from pathlib import Path

from jobflow import job


@job
def marked(folder: str, number: int) -> int:
    with (Path(folder) / str(number)).open("a") as stream:
        stream.write("x")
    time.sleep(0.02)
    return number
