"""Run the blocks of a documentation page as a reader would, and compare what is on the screen.

A page is run from top to bottom by one shell, in a terminal of 80 columns and an empty home folder.

* In a ``console`` block, lines that begin with ``$ `` are typed (and those that continue them with
  a backslash); the lines below are what has to appear. ``...`` stands for any text, alone on a line
  for any number of lines. A command has to succeed, unless ``$ echo $?`` follows it.
* A ``code-block`` with a caption is a file: it is saved under that name.
* ``<!-- not run: REASON -->`` before a block leaves it out. Blocks in other languages are not run.
* Words of a page may stand for others, such as the address of a server: see `Reader`.

Times, durations, uuids and process numbers may differ. With ``JFR_DOCS_UPDATE=1`` what differs
otherwise is written into the page instead of failing the test.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pexpect

COLUMNS = 80
_HOST = re.compile(rf"\b{re.escape(socket.gethostname())}\b")
_FENCE = re.compile(
    r"(?:^<!--\s*(?P<note>[^\n]*?)\s*-->\n)?"
    r"^```(?P<language>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ENDED = "ended with status"
_PROMPT = "@@{}@@"
_MASKS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\x1b\[[0-9;?]*[A-Za-z]|\r", ""),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
        (r"\b[0-9a-f]{8}\b", "UUID"),
        (r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{12}\b", "UUID"),
        (r"\b[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{2}/", "XX/XX/XX/"),
        (r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d([.,]\d+)?)?)?Z?", "TIME"),
        (r"\b\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME"),
        (r"\b\d\d:\d\d(:\d\d)?\b", "TIME"),
        (r"\[[A-Z][\w/+-]*\]", "[ZONE]"),
        (r"\b(\d+(\.\d+)? ?(s|ms|min|h|d)\b ?)+", "SPAN "),
        (r"\bprocess \d+", "process N"),
        (r"_events \d+", "_events N"),  # how many steps are recorded as one depends on their pace
        (r"python3\.\d+", "python3"),
        (r"\bline \d+, in", "line N, in"),
        (r"(\d+\.\d{4})\d+", r"\1"),
        (r"[─━═]{3,}", "---"),
        (r"\s+", " "),
    )
]


@dataclass
class Command:
    """What is typed, and what has to appear."""

    typed: str
    expected: list[str] = field(default_factory=list)


@dataclass
class Block:
    """A fenced block of a page.

    ``span`` is its place in the text, without the fences.
    """

    language: str
    caption: str | None
    body: str
    note: str
    span: tuple[int, int]

    @property
    def left_out(self) -> str:
        """Why it is not run, or ""."""
        return self.note.partition("not run:")[2].strip()

    def commands(self) -> list[Command]:
        """Return the commands of a console block."""
        found: list[Command] = []
        continued = False
        for line in self.body.splitlines():
            if continued:
                found[-1].typed += f"\n{line}"
                continued = line.endswith("\\")
            elif line.startswith("$ "):
                found.append(Command(line[2:]))
                continued = line.endswith("\\")
            elif found:
                found[-1].expected.append(line)
        return found


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for match in _FENCE.finditer(text):
        language, body, start = match["language"].strip(), match["body"], match.start("body")
        caption = None
        if directive := re.match(r"\{code-block\}\s*(\w*)", language):
            language = directive[1]
            options = re.match(r"(?::[^\n]*\n)*\n*", body)
            assert options is not None
            if named := re.search(r"^:caption: (.*)$", options[0], re.MULTILINE):
                caption = named[1].strip()
            body, start = body[options.end() :], start + options.end()
        yield Block(language, caption, body, match["note"] or "", (start, match.end("body")))


class Reader:
    """A shell in a terminal.

    Parameters
    ----------
    home
        The home folder, where it starts.
    env
        Variables.
    others
        {what stands in the page: what it stands for here}.
    """

    def __init__(self, home: Path, env: Mapping[str, str], others: Mapping[str, str]) -> None:
        self.home = home
        self._others = {"/home/me": str(home), **others}
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile", "--noediting"],
            env={**env, "HOME": str(home), "PS1": _PROMPT.format("$?"), "PS2": "", "TERM": "dumb"},
            cwd=str(home),
            dimensions=(200, COLUMNS),
            encoding="utf-8",
            echo=False,
            timeout=120,
        )
        self._shell.delaybeforesend = None
        self._until_prompt()

    def type(self, command: str) -> tuple[list[str], int]:
        """Return the lines that appear, with the home folder as a reader's, and the status."""
        self._shell.sendline(self.as_here(command))
        screen, status = self._until_prompt()
        screen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen).replace("\r\n", "\n")
        screen = _HOST.sub("laptop", self.as_in_page(screen))
        lines = [line.rpartition("\r")[2].rstrip() for line in screen.split("\n")]
        while lines and not lines[-1]:
            lines.pop()
        return lines, status

    def as_here(self, text: str) -> str:
        """Return a text of the page with what its words stand for."""
        for word, other in self._others.items():
            text = text.replace(word, other)
        return text

    def as_in_page(self, text: str) -> str:
        """Return a text from the screen with the words of the page."""
        for word, other in self._others.items():
            text = text.replace(other, word)
        return text

    def close(self) -> None:
        """End the shell."""
        self._shell.close(force=True)

    def _until_prompt(self) -> tuple[str, int]:
        self._shell.expect(_PROMPT.format(r"(\d+)"))
        assert self._shell.match is not None
        return str(self._shell.before), int(self._shell.match[1])


def run_page(
    page: Path, home: Path, env: Mapping[str, str], others: Mapping[str, str] | None = None
) -> list[str]:
    """Run a page; the parameters are those of `Reader`.

    Returns
    -------
    list
        What is not as the page says, as texts; empty if all is.
    """
    reader = Reader(home, env, others or {})
    text = page.read_text(encoding="utf-8")
    faults: list[str] = []
    changes: list[tuple[tuple[int, int], str]] = []
    try:
        for block in blocks_of(text):
            if block.left_out:
                continue
            if block.caption:
                place = Path(block.caption.replace("~", str(home), 1))
                place = place if place.is_absolute() else _working_directory(reader) / place
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(reader.as_here(block.body), encoding="utf-8")
            elif block.language == "console":
                body = "".join(_try(reader, block.commands(), faults))
                if body != block.body:
                    changes.append((block.span, body))
    finally:
        reader.type("jf runner kill >/dev/null 2>&1")
        reader.close()
    if os.environ.get("JFR_DOCS_UPDATE"):
        for (start, end), body in reversed(changes):
            text = text[:start] + body + text[end:]
        page.write_text(text, encoding="utf-8")
        return [fault for fault in faults if _ENDED in fault.splitlines()[1]]
    return faults


def _working_directory(reader: Reader) -> Path:
    [line], _ = reader.type("pwd")
    return Path(reader.as_here(line))


def _try(reader: Reader, commands: list[Command], faults: list[str]) -> Iterator[str]:
    """Type the commands; yield the text of the block as it should be."""
    for number, command in enumerate(commands):
        last_status = command.typed == "echo $?"
        if not last_status:
            shown, status = reader.type(command.typed)
            following = commands[number + 1].typed if number + 1 < len(commands) else ""
            if status and following != "echo $?":
                faults.append(f"$ {command.typed}\n{_ENDED} {status}:\n" + "\n".join(shown))
        else:
            shown = [str(status)]
        typed = command.typed
        wanted = command.expected
        if not matches(wanted, shown):
            difference = difflib.unified_diff(wanted, shown, "the page", "the screen", lineterm="")
            faults.append(f"$ {typed}\n" + "\n".join(difference))
            wanted = [*shown, *_blank_end(wanted)]
        yield "".join(f"{line}\n" for line in (f"$ {typed}", *wanted))


def _blank_end(lines: list[str]) -> list[str]:
    return [""] if lines and not lines[-1] else []


def matches(wanted: list[str], shown: list[str]) -> bool:
    """Whether lines of a page describe lines of a screen."""
    parts = [re.escape(part) for part in masked("\n".join(wanted)).split("...")]
    return (
        re.fullmatch(
            ".*".join(part.replace("\\ ", r"\s?") for part in parts),
            masked("\n".join(shown)),
            re.DOTALL,
        )
        is not None
    )


def masked(text: str) -> str:
    """Return a text without what differs from one run to the next."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text.strip()
