"""TAB in the real shells, with the scripts that are shipped."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pexpect
import pyte
import pytest
from installed_jf import Run, environment, with_warm_jf

SCRIPTS = Path(__file__).parents[2] / "completions"
CASES = {
    "jf jo": ["job"],
    "jf job li": ["list"],
    "jf job list --sta": ["--state", "--start-date"],
    "jf job list --db": ["--db-id"],
    "jf job list -di": ["-did"],
    "jf job list -s FAI": ["FAILED"],
    "jf job list --state=FAI": ["FAILED"],
    "jf job list -s remote": ["remote_error"],
    "jf --format y": ["yaml"],
    "jf -p jfr flow list -s COM": ["COMPLETED"],
    "jf --project jf": ["jfr"],
    "jf -p jfr job list -wk lo": ["local"],
    "jf job list -did ": ["1", "2", "3"],
    "jf job info --watch ": ["1", "2", "3"],
    "jf flow info -W ": ["1", "3"],
    "jf job list --watch --sta": ["--state", "--start-date"],
    "jf job list --watch 5 -s FAI": ["FAILED"],
    "jf job info ": ["1", "2", "3"],
    "jf flow info ": ["1", "3"],
    "jf job set worker l": ["local"],
    "jf job list @": ["@broken", "@slow"],
    "jf job list -s FAILED @br": ["@broken"],
    "jf job rerun 1 -did 2": ["2"],
    "jf job rerun -s FAILED 2": ["2"],
}
DESCRIBED = {
    "jf job li": "List jobs",
    "jf job list --sta": "State, upper or lower case",
    "jf job info ": "COMPLETED a name; with _quotes_ and å",
    "jf flow info ": "COMPLETED sums",
}


def need(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.fixture
def env(finished: Run, tmp_path: Path) -> dict[str, str]:
    """Environment of a shell in which `jf` has a project with three jobs of two flows."""
    home = finished.folder
    filters = home / "jfr.filters"
    filters.write_text("job: {broken: {state: FAILED}, slow: {name: x}}")
    return {**environment(home), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "TERM": "xterm"}


class Terminal:
    """A shell in a terminal; what happens on TAB is what a user sees.

    Parameters
    ----------
    command
        The shell.
    setup
        Lines typed first.
    """

    def __init__(self, command: list[str], setup: list[str], env: dict[str, str]) -> None:
        self._child = pexpect.spawn(
            command[0], command[1:], env=env, encoding="utf-8", timeout=60, dimensions=(50, 160)
        )
        self._count = 0
        for line in setup:
            self._child.send(f"{line}\n")
        self.shown("")

    def shown(self, keys: str) -> list[str]:
        """Type keys, then another command; return the screen, and all that was ever on it."""
        self._count += 1
        # The shell reads the next key when it is done with the one before: no need to wait. What
        # TAB made of the line stays on the screen as a comment; the quotes keep what is typed
        # apart from what is printed.
        self._child.send(f"{keys}\x01#\necho 'do''ne' {self._count}\n")
        self._child.expect(f"done {self._count}\r")
        screen = pyte.Screen(160, 50)
        pyte.Stream(screen).feed(self._child.before)
        everything = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._child.before)
        return [
            line.rstrip() for line in [*screen.display, *everything.splitlines()] if line.strip()
        ]

    def close(self) -> None:
        self._child.close(force=True)


def terminal(shell: str, env: dict[str, str]) -> Terminal:
    if shell == "bash":
        settings = (
            "show-all-if-ambiguous on",
            "page-completions off",
            "enable-bracketed-paste off",
        )
        setup = [f"bind 'set {setting}'" for setting in settings]
        setup.append(f". {shlex.quote(str(SCRIPTS / 'jf.bash'))}")
        return Terminal(["bash", "--norc", "--noprofile", "-i"], setup, env)
    setup = [
        "unset zle_bracketed_paste; unsetopt prompt_sp; setopt interactive_comments; bindkey -e",
        f"fpath=({shlex.quote(str(SCRIPTS))} $fpath); autoload -Uz compinit; compinit -u -D",
    ]
    return Terminal(["zsh", "-f", "-i"], setup, env)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_in_a_terminal(shell: str, env: dict[str, str]) -> None:
    need(shell)
    opened = terminal(shell, with_warm_jf(env))
    try:
        for line, expected in CASES.items():
            screen = opened.shown(f"{line}\t")
            seen = " ".join(screen)
            found = re.split(r"[\s=]+", seen)
            assert not [word for word in expected if word not in found], (line, screen)
            if shell == "zsh" and len(expected) > 1:
                assert DESCRIBED.get(line, "") in seen
    finally:
        opened.close()


def test_a_value_with_a_colon_in_bash(env: dict[str, str], finished: Run) -> None:
    uuid = finished("job", "list", "-did", "3", "--columns", "uuid", "--format", "csv").stdout
    uuid = uuid.split()[-1]
    opened = terminal("bash", env)
    try:
        screen = opened.shown(f"jf job list -jid {uuid}:\t")
    finally:
        opened.close()
    assert f"-jid {uuid}:1" in screen[0]


def test_tab_in_fish(env: dict[str, str], tmp_path: Path) -> None:
    need("fish")
    lines = [f"source {shlex.quote(str(SCRIPTS / 'jf.fish'))}"]
    lines += [f"echo '## {line}'; complete -C '{line}'" for line in CASES]
    done = subprocess.run(
        ["fish", "--no-config", "-c", "\n".join(lines)],
        env=with_warm_jf(env),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.stderr
    for block in done.stdout.split("## ")[1:]:
        line, *offered = block.splitlines()
        values = [found.partition("\t")[0].removeprefix("--state=") for found in offered]
        # fish finds words in capitals by small letters, and then puts in the capitals.
        assert sorted(v.lower() for v in values) == sorted(w.lower() for w in CASES[line]), line
        assert DESCRIBED.get(line, "") in block


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_good_syntax(shell: str) -> None:
    need(shell)
    script = SCRIPTS / {"bash": "jf.bash", "zsh": "_jf", "fish": "jf.fish"}[shell]
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_install_and_show(shell: str, env: dict[str, str], tmp_path: Path) -> None:
    need(shell)
    (tmp_path / ".bashrc").write_text("# mine")
    words = ["-c", "jf --install-completion && jf --install-completion && jf --show-completion; :"]
    done = subprocess.run([shell, *words], env=env, capture_output=True, text=True, timeout=60)
    shipped = (SCRIPTS / {"bash": "jf.bash", "zsh": "_jf", "fish": "jf.fish"}[shell]).read_text()
    assert done.stdout == shipped
    written = [p for p in tmp_path.rglob("*jf*") if p.is_file() and p.read_text() == shipped]
    assert len(written) == 1
    assert str(written[0]) in done.stderr
    bashrc = (tmp_path / ".bashrc").read_text()
    assert bashrc.startswith("# mine")
    assert bashrc.count("bash-completion/completions/jf") == (shell == "bash")


def test_what_was_installed_works_in_zsh(env: dict[str, str], tmp_path: Path) -> None:
    need("zsh")
    subprocess.run(["zsh", "-c", "jf --install-completion; :"], env=env, check=True, timeout=60)
    setup = ["unset zle_bracketed_paste; unsetopt prompt_sp; setopt interactive_comments"]
    opened = Terminal(["zsh", "-i"], setup, env)
    try:
        assert "list" in " ".join(opened.shown("jf job li\t")).split()
    finally:
        opened.close()
