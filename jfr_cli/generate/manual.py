"""Manual pages, in the man(7) language of roff."""

from __future__ import annotations

from collections.abc import Iterator

from jfr_cli.generate.tree import Command, Parameter

_FILES = (
    ("~/.jfremote/", "Project files, one per project: YAML, JSON or TOML."),
    ("~/.jfremote.yaml", "Settings for all projects."),
)
_VARIABLES = (
    ("JFREMOTE_PROJECT", "Name of the project to use."),
    ("JFREMOTE_PROJECTS_FOLDER", "Folder of the project files."),
    ("JFREMOTE_CONFIG_FILE", "The settings file."),
    ("NO_COLOR", "Disable colours."),
    ("COLUMNS", "Width of tables on a terminal."),
)


def manual_pages(root: Command, version: str) -> dict[str, str]:
    """Write a page for `jf`, and one for each group or command right below it.

    Returns
    -------
    dict
        {file name: text}; hidden commands have none.
    """
    shown = [command for command in root.commands if not command.hidden]
    pages = {"jf.1": "\n".join([*_head(root, version), *_root(root, shown)]) + "\n"}
    for command in shown:
        others = ["jf", *(f"jf-{other.words[0]}" for other in shown if other is not command)]
        lines = [*_head(command, version), *_page(command), *_see_also(others)]
        pages[f"{_name(command)}.1"] = "\n".join(lines) + "\n"
    return pages


def _name(command: Command) -> str:
    return "-".join(("jf", *command.words))


def _head(command: Command, version: str) -> Iterator[str]:
    yield '.\\" Made by `make generate` from the commands themselves; do not edit.'
    yield f'.TH {_name(command).upper()} 1 "" "jfr {version}" "jfr"'
    yield ".SH NAME"
    yield f"{_plain(_name(command))} \\- {_plain(command.summary.rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield _usage(command)


def _root(root: Command, shown: list[Command]) -> Iterator[str]:
    yield ".SH DESCRIPTION"
    yield from _paragraphs(root.paragraphs)
    yield ".SH COMMANDS"
    for command in shown:
        yield ".TP"
        yield f".BR {_plain(_name(command))} (1)"
        yield _plain(command.summary)
    yield from _parameters(root, ".SH OPTIONS")
    if root.closing:
        title, _, codes = root.closing.partition(": ")
        yield f".SH {title.upper()}"
        for code in codes.split("; "):
            number, _, meaning = code.partition(" ")
            yield ".TP"
            yield f".B {number}"
            yield _plain(meaning.rstrip("."))
    yield from _list(".SH ENVIRONMENT", _VARIABLES)
    yield from _list(".SH FILES", _FILES)
    yield from _see_also([_name(command) for command in shown])


def _page(command: Command) -> Iterator[str]:
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.paragraphs)
    yield from _parameters(command, ".SH OPTIONS")
    yield from _examples(command, ".SH EXAMPLES")
    leaves = [c for c in command.walk() if c is not command and not c.hidden and not c.is_group]
    if leaves:
        yield ".SH COMMANDS"
    for leaf in leaves:
        yield f".SS {_plain(' '.join(('jf', *leaf.words)))}"
        yield _usage(leaf)
        yield from (line for text in leaf.paragraphs for line in (".PP", _plain(text)))
        yield from _parameters(leaf)
        yield from _examples(leaf, ".PP")


def _usage(command: Command) -> str:
    parts = [r"\fB" + _plain(" ".join(("jf", *command.words))) + r"\fR"]
    if command.options:
        parts.append(r"[\fIOPTIONS\fR]")
    for argument in command.arguments:
        shown = rf"\fI{_plain(_shown(argument))}\fR"
        dots = "..." if argument.repeatable else ""
        parts.append(f"{shown}{dots}" if argument.required else f"[{shown}{dots}]")
    if command.is_group:
        parts.append(r"\fICOMMAND\fR")
    return " ".join(parts)


def _shown(argument: Parameter) -> str:
    return argument.names[0].upper() if argument.value == "VALUE" else argument.value


def _parameters(command: Command, heading: str = "") -> Iterator[str]:
    if heading and (command.arguments or command.options):
        yield heading
    for argument in command.arguments:
        yield ".TP"
        yield f".I {_plain(_shown(argument))}"
        yield _described(argument)
    for option in command.options:
        value = rf" \fI{_plain(option.value)}\fR" if option.value else ""
        yield ".TP"
        yield ", ".join(rf"\fB{_plain(name)}\fR" for name in option.names) + value
        yield _described(option)


def _described(parameter: Parameter) -> str:
    more = []
    if parameter.repeatable:
        more.append("may be repeated")
    if parameter.default:
        more.append(f"default: {parameter.default}")
    text = f"{parameter.text} ({'; '.join(more)})" if more else parameter.text
    return _plain(text.strip() or "No description.")


def _examples(command: Command, heading: str) -> Iterator[str]:
    if not command.examples:
        return
    yield heading
    if heading == ".PP":
        yield "Example:" if len(command.examples) == 1 else "Examples:"
    yield ".RS 4"
    yield ".nf"
    yield from (_plain(line) for line in command.examples)
    yield ".fi"
    yield ".RE"


def _paragraphs(texts: tuple[str, ...]) -> Iterator[str]:
    for number, text in enumerate(texts):
        if number:
            yield ".PP"
        yield _plain(text)


def _list(heading: str, entries: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield heading
    for name, text in entries:
        yield ".TP"
        yield f".I {_plain(name)}"
        yield _plain(text)


def _see_also(names: list[str]) -> Iterator[str]:
    yield ".SH SEE ALSO"
    for number, name in enumerate(names, 1):
        yield f".BR {_plain(name)} (1){',' if number < len(names) else ''}"


def _plain(text: str) -> str:
    """Escape text so that roff finds no request or escape in it."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti")
    for letter, name in (("`", r"\(ga"), ("^", r"\(ha"), ("'", r"\(aq"), ('"', r"\(dq")):
        escaped = escaped.replace(letter, name)
    return rf"\&{escaped}" if escaped.startswith(".") else escaped
