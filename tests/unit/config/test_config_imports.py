"""What a command pays before it does anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from config_samples import GENERATED, put

import controller.config

HEAVY = ["maggma", "jobflow", "qtoolkit", "pymongo", "bson", "monty", "numpy", "ruamel.yaml"]

PROGRAM = """
import json, sys
seen = {}
def look(step):
    seen[step] = [name for name in %r if name in sys.modules]
import controller.config
look("import")
manager = controller.config.ConfigManager()
manager.raw_contents()
look("names")
manager.get_project()
look("project")
print(json.dumps(seen))
"""


def test_in_a_fresh_interpreter(folder: Path) -> None:
    put(folder, "p.yaml", GENERATED)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM % [*HEAVY, "pydantic", "yaml"]],
        env={"JFREMOTE_PROJECTS_FOLDER": str(folder), "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == {
        "import": [],
        "names": ["yaml"],
        "project": ["pydantic", "yaml"],
    }


def test_every_public_name_is_there() -> None:
    names = set(controller.config.__all__)
    assert names <= set(dir(controller.config))
    assert all(getattr(controller.config, name) is not None for name in names)
