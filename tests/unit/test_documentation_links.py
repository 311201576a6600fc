"""Links between the pages of the documentation, the README and the like lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import controller

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = ("reference/commands/", "reference/schemas.md")
"""Pages that only a build of the documentation makes."""
PAGES = sorted({*ROOT.glob("*.md"), *DOCS.glob("**/*.md")})
PAGES = [p for p in PAGES if not re.search("/(_build|reference/commands)/|/schemas.md$", str(p))]
_LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub and MyST make of the headings."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links(page: Path) -> None:
    broken = []
    for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = (page.parent / name).resolve() if name else page
        if place.is_relative_to(DOCS) and str(place.relative_to(DOCS)).startswith(GENERATED):
            continue
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


def test_the_python_reference_names_everything_public() -> None:
    text = (DOCS / "reference/api.md").read_text(encoding="utf-8")
    text += (DOCS / "reference/errors.md").read_text(encoding="utf-8")
    errors = {name for name in controller.__all__ if name.endswith("Error")}
    named = set(re.findall(r"^\.\. auto\w+:: controller\.(\w+)$", text, re.MULTILINE))
    assert set(controller.__all__) - named - errors == {"__version__"}


def test_every_page_has_a_place_in_the_contents() -> None:
    contents = (DOCS / "index.md").read_text(encoding="utf-8")
    placed = {
        line
        for block in re.findall(r"```{toctree}(.*?)```", contents, re.DOTALL)
        for line in block.split()
    }
    pages = {p.relative_to(DOCS).with_suffix("").as_posix() for p in PAGES if DOCS in p.parents}
    assert pages - placed == {"index"}
