"""Install a completion script where the user's shell finds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controller.errors import ConfigError
from jfr_cli.generate.shells import completion_scripts
from jfr_cli.generate.tree import command_tree


@dataclass(frozen=True)
class _Shell:
    """How a shell finds completions.

    Attributes
    ----------
    script
        Name of the script for the shell.
    place
        Path of the installed script, within the home folder.
    startup, line
        The startup file and the line that it must contain for the shell to look there, if any.
    """

    script: str
    place: str
    startup: str = ""
    line: str = ""


_SHELLS = {
    "bash": _Shell(
        "jf.bash",
        ".local/share/bash-completion/completions/jf",
        ".bashrc",
        ". ~/.local/share/bash-completion/completions/jf",
    ),
    "zsh": _Shell(
        "_jf", ".zfunc/_jf", ".zshrc", "fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit"
    ),
    "fish": _Shell("jf.fish", ".config/fish/completions/jf.fish"),
}


def calling_shell() -> str:
    """Return the name of the shell that `jf` was started from, else of the user's shell.

    Raises
    ------
    ConfigError
        There is no script for this shell.
    """
    pid, name = os.getppid(), ""
    for _ in range(8):
        try:
            # "pid (name) state parent ...", and the name may contain spaces.
            head, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
        except OSError:
            break
        name, pid = head.partition("(")[2], int(rest.split()[1])
        if name in _SHELLS:
            return name
    name = Path(os.environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise ConfigError(
            f"there is no completion for {name or 'this shell'}",
            hint=f"start jf from one of {', '.join(_SHELLS)}",
        )
    return name


def script(root: Any, shell: str, further: Mapping[str, Any]) -> str:
    """Return the script for a shell.

    Parameters
    ----------
    root
        The command `jf`, as built by Typer.
    further
        {name: command} of plugins.
    """
    tree = command_tree(root)
    added = [command_tree(command, (name,)) for name, command in further.items()]
    return completion_scripts(replace(tree, commands=(*tree.commands, *added)))[
        _SHELLS[shell].script
    ]


def install(root: Any, shell: str, home: Path, further: Mapping[str, Any]) -> Path:
    """Write the script to a home folder, and the startup line that makes the shell find it.

    Parameters
    ----------
    root
        The command `jf`, as built by Typer.
    further
        {name: command} of plugins.

    Returns
    -------
    Path
        The script.

    Raises
    ------
    ConfigError
        A file cannot be written.
    """
    wanted = _SHELLS[shell]
    path = home / wanted.place
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script(root, shell, further), encoding="utf-8")
        if wanted.startup:
            startup = home / wanted.startup
            text = startup.read_text(encoding="utf-8") if startup.exists() else ""
            if wanted.line not in text.splitlines():
                gap = "" if text.endswith("\n") or not text else "\n"
                with startup.open("a", encoding="utf-8") as end:
                    end.write(f"{gap}{wanted.line}\n")
    except OSError as error:
        raise ConfigError(f"cannot write {error.filename}: {error.strerror}") from error
    return path
