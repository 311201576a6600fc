"""Make texts chosen by other users harmless for the place where they are shown.

Names of jobs and files, errors and messages of queues are chosen by the users who submit jobs or
own a machine. Terminals interpret control characters, readers are deceived by marks that change
the direction of writing, logs by line breaks that look like new entries, and spreadsheets take
texts for formulas. Every place that shows such a text uses one of these functions; so does a web
page, whose template engine then escapes HTML.

Data formats with escapes (JSON, YAML) keep the text and escape it; the others cannot, and get a
question mark for each such character.
"""

from __future__ import annotations

import re

# Control characters but tab and line feed; separators that count as line breaks; marks that change
# the direction of what follows; invisible letters of tags; halves of characters, and no characters.
_BEYOND_ASCII = (
    r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\uffff"
    r"\ud800-\udfff\U000e0000-\U000e007f"
)
_HARMFUL = re.compile(rf"[\x00-\x08\x0b-\x1f{_BEYOND_ASCII}]")
_UNESCAPED = re.compile(f"[{_BEYOND_ASCII}]")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters with which a formula begins, also in full width."""
_INDENT = "\n    "


def is_harmless(text: str) -> bool:
    """Whether a text has nothing that a terminal would interpret or that deceives its reader."""
    if text.isascii() and text.isprintable():
        return True
    return _HARMFUL.search(text) is None


def harmless(text: str, instead: str = "?") -> str:
    """Return a text without harmful characters; tabs and line breaks stay.

    Parameters
    ----------
    instead
        The replacement for each of them.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(instead, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a text in one line, without harmful characters: for an error, a name, a question."""
    if text.isascii() and text.isprintable():
        return text
    return harmless(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def log_text(text: str) -> str:
    """Return a text for a log: its further lines are indented, so as not to look like entries."""
    return harmless(text).replace("\n", _INDENT)


def table_cell(text: str) -> str:
    """Return a text for a cell of CSV or TSV: no spreadsheet takes it for a formula.

    One that begins like a formula gets an apostrophe in front, unless it is a number.
    """
    if text.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    return harmless(text)


def escaped_json(text: str) -> str:
    """Return JSON in which harmful characters are escaped; its meaning stays the same.

    Parameters
    ----------
    text
        JSON whose ASCII control characters are escapes already, as every writer makes it.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNESCAPED.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
