"""Which runners in the background there are."""

from __future__ import annotations

from pathlib import Path

from controller.identity import all_processes


def pids_serving(folder: Path) -> list[int]:
    """Processes of runners in the background whose projects lie in a folder."""
    needle = f"JFREMOTE_PROJECTS_FOLDER={folder}\0".encode()
    found = []
    for process in all_processes():
        try:
            words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:
            continue
        if b"controller.service" in words and needle in environment + b"\0":
            found.append(process.pid)
    return sorted(found)
