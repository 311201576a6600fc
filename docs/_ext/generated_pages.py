"""Pages that are made from the program at every build: the commands and the data that they print.

They are written to ``reference/commands`` and ``reference/schemas.md``, which Git ignores.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from jfr_cli.generate.files import jf_tree
from jfr_cli.generate.tree import Command, Parameter


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the pages before Sphinx looks for its sources."""
    app.add_lexer("crontab", TextLexer)
    app.connect("config-inited", lambda app, config: write_pages(Path(app.srcdir)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(docs: Path) -> None:
    """Write all pages; those that are as before keep their times, so that builds stay short."""
    pages = {
        **{f"reference/commands/{name}.md": text for name, text in command_pages(jf_tree())},
        "reference/schemas.md": schemas_page(docs / "schemas"),
    }
    for old in (docs / "reference/commands").glob("*.md"):
        if f"reference/commands/{old.name}" not in pages:
            old.unlink()
    for name, text in pages.items():
        place = docs / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")


# ------------------------------------------------------------------ commands


def command_pages(root: Command) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of an overview and of a page for each group or command below `jf`."""
    shown = [command for command in root.commands if not command.hidden]
    rows = [f"| [jf {c.words[0]}]({c.words[0]}.md) | {_text(c.summary)} |" for c in shown]
    lines = [
        "# Commands",
        "",
        _text(" ".join(root.paragraphs)),
        "",
        "These pages say what `jf COMMAND --help` and the manual pages say.",
        "",
        "| command | what |",
        "|---|---|",
        *rows,
        "",
        "## Options for all commands",
        "",
        "They stand between `jf` and the command: `jf -p other job list`.",
        "",
        *_parameters(root),
        "```{toctree}",
        ":hidden:",
        "",
        *(command.words[0] for command in shown),
        "```",
    ]
    yield "index", "\n".join(lines) + "\n"
    for command in shown:
        yield command.words[0], "\n".join(_command_page(command)) + "\n"


def _command_page(command: Command) -> Iterator[str]:
    yield from _command(command, "#")
    for leaf in command.walk():
        if leaf is not command and not leaf.hidden and not leaf.is_group:
            yield from _command(leaf, "##")


def _command(command: Command, heading: str) -> Iterator[str]:
    words = " ".join(("jf", *command.words))
    yield from (f"{heading} {words}", "")
    for paragraph in command.paragraphs:
        yield from (_text(paragraph), "")
    yield from ("```text", _usage(command), "```", "")
    yield from _parameters(command)
    if command.examples:
        title = "Example:" if len(command.examples) == 1 else "Examples:"
        yield from (title, "", "```text", *command.examples, "```", "")


def _usage(command: Command) -> str:
    parts = [" ".join(("jf", *command.words))]
    if command.options:
        parts.append("[OPTIONS]")
    for argument in command.arguments:
        name = argument.names[0].upper() if argument.value == "VALUE" else argument.value
        dotted = f"{name}..." if argument.repeatable else name
        parts.append(dotted if argument.required else f"[{dotted}]")
    if command.is_group:
        parts.append("COMMAND")
    return " ".join(parts)


def _parameters(command: Command) -> Iterator[str]:
    for parameter in (*command.arguments, *command.options):
        if parameter.is_option:
            names = ", ".join(f"`{name}`" for name in parameter.names)
            yield f"{names} `{parameter.value}`" if parameter.value else names
        else:
            name = parameter.names[0].upper() if parameter.value == "VALUE" else parameter.value
            yield f"`{name}`"
        yield from (f": {_described(parameter)}", "")


def _described(parameter: Parameter) -> str:
    more = ["may be repeated"] if parameter.repeatable else []
    if parameter.default:
        more.append(f"default: `{parameter.default}`")
    text = _text(parameter.text.strip() or "No description.")
    return f"{text} ({'; '.join(more)})" if more else text


def _text(text: str) -> str:
    """Escape what Markdown would interpret; words in backticks stay."""
    parts = text.split("`")
    for number in range(0, len(parts), 2 if len(parts) % 2 else 1):
        plain = html.escape(parts[number], quote=False)
        for letter in r"\*_[]|{}$~":
            plain = plain.replace(letter, f"\\{letter}")
        parts[number] = plain
    return "`".join(parts)


# ------------------------------------------------------------------ schemas


def schemas_page(folder: Path) -> str:
    """Return a page with the keys of each schema."""
    lines = [
        "# Data that commands print",
        "",
        "What `--json` and the other formats for programs contain. Which command prints which of "
        "these, and the rules that hold for all, are in [](../output.md). The JSON Schema files "
        "themselves are in `docs/schemas` of the source code.",
        "",
    ]
    for file in sorted(folder.glob("*.json")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        lines += [f"## {file.stem}", "", _text(schema.get("description", "")), ""]
        rows = list(_rows(schema, ""))
        if rows:
            lines += ["| key | type | |", "|---|---|---|", *rows, ""]
    return "\n".join(lines) + "\n"


def _rows(schema: dict[str, Any], before: str) -> Iterator[str]:
    for name, found in schema.get("properties", {}).items():
        key = f"{before}{name}"
        yield f"| `{key}` | {_type(found)} | {_text(found.get('description', ''))} |"
        if "properties" in found:
            yield from _rows(found, f"{key}.")
        if "properties" in (items := found.get("items") or {}):
            yield from _rows(items, f"{key}[].")


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        shown = [f"`{value}`" for value in schema["enum"]]
        return " ".join(shown) if len(shown) < 15 else "one of fixed words"
    found = schema.get("type", "anything")
    types = found if isinstance(found, list) else [found]
    text = " or ".join(types)
    if "items" in schema and "array" in types:
        text = text.replace("array", f"array of {_type(schema['items'])}")
    return f"{text}, {schema['format']}" if "format" in schema else text
