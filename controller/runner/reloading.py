"""Reading a project file again while its runner runs."""

from __future__ import annotations

from controller.config import ConfigManager, Project
from controller.errors import ConfigError

FIXED = ("name", "queue", "base_dir", "tmp_dir", "log_dir", "daemon_dir")
"""Settings that cannot change while a runner is running."""


def read_again(project: Project) -> Project:
    """Read the file of a project again, and check it as at the start.

    Raises
    ------
    ConfigError
        It cannot be read or is not valid (the message names the line), or it changes settings that
        only a new runner can apply.
    """
    fresh = ConfigManager().get_project(project.name)
    changed = changed_fixed_parts(project, fresh)
    if changed:
        raise ConfigError(
            f"{' and '.join(changed)} changed: a running runner cannot adopt this change",
            hint="use `jf runner restart`",
        )
    return fresh


def changed_fixed_parts(old: Project, new: Project) -> list[str]:
    """Return the names of what differs and cannot be changed while a runner runs."""
    changed = [name for name in FIXED if getattr(old, name) != getattr(new, name)]
    if new.events.enabled and not old.events.enabled:
        changed.append("events")  # its database was opened without them
    return changed
