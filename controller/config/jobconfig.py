"""The place where scripts for jobflow-remote look for `set_run_config`.

See `controller.submission`, which is in a higher layer: it is imported at first use.
"""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name != "set_run_config":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("controller.submission").set_run_config
