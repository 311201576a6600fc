"""Shell scripts that work with any login shell. Pure: text in, text out.

A command reaches a machine through the user's login shell, which may be tcsh or fish, and after
start-up files that may print. So a script is sent as words in single quotes without any character
that one of these shells interprets specially, it is run by a POSIX shell, and its output lies
between marks (`controller.hosts.conversation`).
"""

from __future__ import annotations

import os
import shlex
import string
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

SCRIPT_LIMIT = 20_000
"""Maximum size of a script sent as a command, in bytes. Quoted, it may become five times as long,
and Linux allows 131,072 for one argument."""

_WORD = 800
"""Maximum size of one word of a command: old versions of tcsh allow 1,024 bytes."""

_SAFE = frozenset((string.ascii_letters + string.digits + " _/.,:=@%+-;&|<>*?~^{}()[]").encode())
_EVAL = 'eval "$(printf %b "$@")"'
_POSIX_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh")

MISSING, DENIED, WRITE_FAILED = "missing", "denied", "unwritten"
"""Instead of an exit status: the folder of a command does not exist, or cannot be entered; files
could not be written."""


def quoted(path: Path | PurePosixPath | str) -> str:
    """Quote a path for a POSIX shell."""
    return shlex.quote(str(path))


def as_command(script: str, shell: str | None = None, *, login: bool = False) -> str:
    """Return the command that runs a script, whatever shell interprets the command.

    Parameters
    ----------
    script
        A script for a POSIX shell.
    shell
        Runs the script, as ``shell_cmd`` of a worker does; None for ``/bin/sh``.
    login
        Run the shell as a login shell.
    """
    words = _words(os.fsencode(script))
    if shell is None:
        return f"/bin/sh -c '{_EVAL}' sh " + " ".join(f"'{word}'" for word in words)
    start = f"{shell} -l" if login else shell
    if PurePosixPath(shell.split()[0]).name in _POSIX_SHELLS:
        return f"{start} -c '{_EVAL}' sh " + " ".join(f"'{word}'" for word in words)
    inner = "".join(f"\\{letter}" if letter in '"$' else letter for letter in _EVAL)
    return f'{start} -c \'/bin/sh -c "{inner}" sh ' + " ".join(f'"{w}"' for w in words) + "'"


def _words(content: bytes) -> list[str]:
    """Encode bytes for printf's ``%b``, in words of a limited length."""
    words, word = [], ""
    for byte in content:
        word += chr(byte) if byte in _SAFE else f"\\0{byte:03o}"
        if len(word) >= _WORD:
            words.append(word)
            word = ""
    return [*words, word] if word else words


def framed(token: str, body: str) -> str:
    """Put marks around the output of a script; the body sets ``jfr_rc``."""
    return (
        f"printf '\\n%s start %s\\n' {token} \"$$\"; printf '\\n%s start\\n' {token} >&2\n"
        f"{body}\n"
        f"printf '\\n%s end %s\\n' {token} \"$jfr_rc\"; printf '\\n%s end\\n' {token} >&2"
    )


def command_lines(command: str, workdir: Path | None, *, stdin: bool = False) -> str:
    """Return the lines that run a command of a user in a folder."""
    source = "" if stdin else " < /dev/null"
    run = f"(\n{command}\n){source}\njfr_rc=$?"
    if workdir is None:
        return run
    folder = quoted(workdir)
    return (
        f"if cd {folder} 2>/dev/null; then\n{run}\n"
        f"else jfr_d={folder}\n"
        'while [ -n "$jfr_d" ] && [ ! -e "$jfr_d" ]; do jfr_d=${jfr_d%/*}; done\n'
        f'if [ "$jfr_d" != {folder} ] && [ -d "${{jfr_d:-/}}" ] && [ -x "${{jfr_d:-/}}" ]\n'
        f"then jfr_rc={MISSING}; else jfr_rc={DENIED}; fi\nfi"
    )


def plain_lines(command: str) -> str:
    """Return the lines that run internal commands, whose exit status tells success."""
    return f"{command}\njfr_rc=$?"


def end_lines(pid: int) -> str:
    """Return the lines that kill a command with its children, given the pid of its shell."""
    return (
        f"jfr_g=$(ps -o pgid= -p {pid} 2>/dev/null | tr -d ' ')\n"
        f'if [ -n "$jfr_g" ]; then kill -9 "-$jfr_g"; else kill -9 {pid}; fi'
    )


def unpack_lines(
    stage: PurePosixPath, folders: Iterable[PurePosixPath], *, make_folders: bool = True
) -> str:
    """Return the lines that unpack an archive from stdin, run its script ``s``, and then ``c``.

    If the first script fails, the status is `WRITE_FAILED` and the second is not run.

    Parameters
    ----------
    stage
        Folder created for the archive, and removed before ``c`` runs.
    folders
        Folders of the files.
    make_folders
        If False, a missing folder ends the script with the status `MISSING`.
    """
    made = " ".join(map(quoted, folders))
    place = quoted(stage)
    start = f"if mkdir -p -- {made}"
    if not make_folders:
        there = " && ".join(f"[ -d {quoted(folder)} ]" for folder in folders)
        start = f"if ! {{ {there}; }}; then jfr_rc={MISSING}; jfr_c=\nelif true"
    return (
        f"{start} && mkdir -- {place} && cd {place} && tar xomf - && . ./s\n"
        f"then jfr_rc=0; jfr_c=$(cat ./c); else jfr_rc={WRITE_FAILED}; jfr_c=; fi\n"
        f'cd 2>/dev/null || cd /; rm -rf -- {place}; eval "$jfr_c"'
    )


def move_lines(targets: Sequence[PurePosixPath], sizes: Sequence[int], stage: PurePosixPath) -> str:
    """Return the script of an archive: check the sizes of its files, move them to their places.

    A move within one folder is atomic; a move from another folder may be a copy, so it goes to a
    temporary name first.

    Parameters
    ----------
    targets, sizes
        Path and size of each file; the archive calls the files 0, 1 and so on.
    """
    if not targets:
        return "true"
    names = " ".join(str(number) for number in range(len(targets)))
    known = "|".join(f'"{number} {size}"' for number, size in enumerate(sizes))
    lines = [
        f'wc -c {names} | ( while read -r n f; do case "$f $n" in {known}|"total "*) ;;'
        ' *) echo "$n bytes arrived of file $f" >&2; exit 1;; esac; done )'
    ]
    for number, target in enumerate(targets):
        place = quoted(target)
        lines.append(f"{{ [ ! -d {place} ] || {{ echo {place} is a folder >&2; false; }}; }}")
        source = str(number)
        if target.parent != stage.parent:
            source = quoted(target.with_name(f".{target.name}.{stage.name[-12:]}.part"))
            lines.append(f"mv -f -- {number} {source}")
        lines.append(f"mv -f -- {source} {place}")
    return " &&\n".join(lines)


def read_lines(token: str, paths: Sequence[Path], offsets: Mapping[Path, int] | None = None) -> str:
    """Return the lines that print files, each between marks with its number.

    Parameters
    ----------
    offsets
        Number of bytes of a file to skip.
    """
    lines = [
        "jfr_cat() {\n"
        f"printf '\\n%s file %s\\n' {token} \"$1\"\n"
        'if [ -d "$2" ]; then jfr_s=folder; elif [ ! -e "$2" ]; then jfr_s=missing\n'
        'elif [ "$3" -gt 0 ]; then tail -c "+$(($3 + 1))" < "$2"; jfr_s=$?\n'
        'else cat < "$2"; jfr_s=$?; fi\n'
        f'printf \'\\n%s done %s %s\\n\' {token} "$1" "$jfr_s"\n}}'
    ]
    for number, path in enumerate(paths):
        lines.append(f"jfr_cat {number} {quoted(path)} {(offsets or {}).get(path, 0)}")
    return "\n".join(lines)


def lookup_lines(paths: Iterable[Path]) -> str:
    """Return the lines that print for each path ``-``, ``d``, or ``f`` with its ``ls`` line."""
    return "\n".join(
        [
            'jfr_look() { if [ -d "$1" ]; then echo d; elif [ -e "$1" ]; then\n'
            'printf "f "; ls -Lin -- "$1" | sed 1q; elif [ -h "$1" ]; then echo l\n'
            "else echo -; fi; }",
            *(f"jfr_look {quoted(path)}" for path in paths),
        ]
    )


def first_look_lines(
    token: str, folders: Sequence[tuple[int, Path, Sequence[str]]], limit: int
) -> list[str]:
    """Return what prints many files at once: the first line defines, each other is of one folder.

    Of each file a line says ``-``, ``d``, ``l`` (leads nowhere), ``f`` with what ``ls`` says, or
    ``s`` with its size; the content of the last, which are small, follows between marks.

    Parameters
    ----------
    folders
        (number of its first file, folder, names).
    limit
        Bytes of the largest file that is small.
    """
    lists = list(dict.fromkeys(tuple(names) for _, _, names in folders))
    define = [
        'jfr_see() { if [ -d "$2" ]; then echo d; elif [ -e "$2" ]; then\n'
        'jfr_s=$(wc -c < "$2") && [ "$jfr_s" -le ' + str(limit) + " ] && {\n"
        f'echo "s $jfr_s"; printf \'\\n%s file %s\\n\' {token} "$1"; cat < "$2"\n'
        f'printf \'\\n%s done %s %s\\n\' {token} "$1" "$?"; return; }}\n'
        'printf "f "; ls -Lin -- "$2" | sed 1q; elif [ -h "$2" ]; then echo l\n'
        "else echo -; fi; }",
        'jfr_in() { jfr_n=$1; jfr_d=$2; shift 2\nfor jfr_f do jfr_see "$jfr_n" "$jfr_d/$jfr_f"\n'
        "jfr_n=$((jfr_n + 1)); done; }",
        *(
            f'jfr_l{number}() {{ jfr_in "$1" "$2" {" ".join(map(quoted, names))}; }}'
            for number, names in enumerate(lists)
        ),
    ]
    return [
        "\n".join(define),
        *(f"jfr_l{lists.index(tuple(n))} {first} {quoted(f)}" for first, f, n in folders),
    ]


def list_lines(folder: Path) -> str:
    """Return the lines that print the names in a folder, each with a NUL after it."""
    place = quoted(folder)
    return (
        f"if [ -d {place} ]; then cd {place} && for f in * .[!.]* ..?*; do\n"
        'if [ -e "$f" ] || [ -h "$f" ]; then printf \'%s\\000\' "$f"; fi; done; fi'
    )


def remove_tree_lines(paths: Iterable[Path]) -> str:
    """Return the lines that remove folders, renaming each first."""
    lines = []
    for path in paths:
        place, gone = quoted(path), quoted(path.with_name(f".{path.name}.removed"))
        lines.append(
            f"{{ rm -rf -- {gone} && if [ -e {place} ] || [ -h {place} ]; then"
            f" mv -f -- {place} {gone} && rm -rf -- {gone}; fi; }}"
        )
    return " &&\n".join(lines)


def append_lines(part: PurePosixPath, target: PurePosixPath, size: int) -> str:
    """Return the lines that append stdin to a partial file and move it in place when complete."""
    piece, place = quoted(part), quoted(target)
    return (
        f"[ ! -d {place} ] && cat >> {piece} &&\n"
        f'if [ "$(($(wc -c < {piece})))" -eq {size} ]; then mv -f -- {piece} {place}\n'
        f'else echo "$(($(wc -c < {piece}))) of {size} bytes arrived" >&2; false; fi'
    )


def in_commands(lines: Sequence[str], limit: int = SCRIPT_LIMIT * 3 // 4) -> list[list[str]]:
    """Divide lines into as few commands as their length allows."""
    commands: list[list[str]] = []
    length = limit
    for line in lines:
        length += len(os.fsencode(line)) + 1
        if length > limit:
            commands.append([])
            length = len(os.fsencode(line))
        commands[-1].append(line)
    return commands
