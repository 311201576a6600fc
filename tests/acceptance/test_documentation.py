"""The commands on the pages of the documentation, run as `documented_pages` describes."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from documented_pages import blocks_of, run_page
from installed_jf import JF
from servers import mongo_client
from warm_jf import WarmJf

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if not p.relative_to(DOCS).parts[0].startswith("_"))
SERVER = "mongodb://localhost:27017/lab"
TRIED = [
    pytest.param(
        page,
        id=page.relative_to(DOCS).as_posix(),
        marks=[pytest.mark.mongo] if SERVER in text else [],
    )
    for page, text in ((page, page.read_text(encoding="utf-8")) for page in PAGES)
    if page.name == "tutorial.md" or os.environ.get("JFR_TESTS_THOROUGH")
    if any(block.language == "console" and not block.left_out for block in blocks_of(text))
]
CALCULATORS = ("ase.build", "ase.calculators.emt", "ase.eos")
VENV = "jfr-venv"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home folder with a path as long as /home/me, so that lines break at the same words."""
    while True:
        folder = Path("/tmp") / secrets.token_hex(2)[:3]
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        break
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def reader(home: Path) -> Iterator[dict[str, str]]:
    """The variables of a reader who has installed jfr in an environment below the home folder.

    It is this environment, but for a `jf` that is forked, for jobs, too.
    """
    venv, here = home / VENV, Path(sys.prefix)
    (venv / "bin").mkdir(parents=True)
    shutil.copy(here / "pyvenv.cfg", venv)
    (venv / "lib").symlink_to(here / "lib")
    (venv / "bin/python").symlink_to(Path(sys.executable).resolve())
    warm = WarmJf(JF, python=str(venv / "bin/python"), modules=CALCULATORS)
    shutil.copy(warm.shim() / "jf", venv / "bin")
    assert warm.run(("--version",), {**os.environ}, None, 120).returncode == 0  # it is there now
    yield {
        **{k: v for k, v in os.environ.items() if not k.startswith(("JFR", "COLUMNS", "LINES"))},
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "USER": "me",
        "LOGNAME": "me",
        "JF_PAGER": "",
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
    }
    warm.close()


@pytest.fixture
def others(page: Path) -> Iterator[dict[str, str]]:
    """What the address of a server on a page stands for: a fresh database."""
    if SERVER not in page.read_text(encoding="utf-8"):
        yield {}
        return
    uri, name = os.environ["JFR_TEST_MONGO_URI"].rstrip("/"), f"docs_{secrets.token_hex(4)}"
    with mongo_client(uri) as client:
        yield {
            SERVER: f"{uri}/{name}",
            "lab at localhost:27017": f"{name} at {uri.partition('//')[2]}",
        }
        client.drop_database(name)


@pytest.mark.parametrize("page", TRIED)
def test_what_a_page_shows_is_what_happens(
    page: Path, home: Path, reader: dict[str, str], others: dict[str, str]
) -> None:
    for left in home.iterdir():
        if left.name != VENV:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    faults = run_page(page, home, reader, others)
    assert not faults, "\n\n".join(faults)
