"""Who may ask, and what they get: tables of requests and answers."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from web_site import EVIL, Browser, TestClient

from controller.errors import ArgumentError, StorageError
from jfr_web.app import create_app
from jfr_web.security import (
    Tokens,
    _address,
    host_name,
    is_loopback,
    is_same_origin,
    may_ask_as,
    names_of_this_host,
)
from jfr_web.serve import Place, _announce, addresses, listen
from jfr_web.site import Site


@pytest.fixture
def stranger(browser: Browser) -> TestClient:
    """Somebody without a session."""
    app = create_app(browser.site, names=names_of_this_host("127.0.0.1"))
    return TestClient(app, base_url="http://127.0.0.1:5001", follow_redirects=False)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:5001", 403),
        ("localhost:8080", 403),  # through a tunnel
        ("[::1]:5001", 403),
        ("LOCALHOST.", 403),
        ("evil.example", 421),
        ("evil.example:5001", 421),
        ("127.0.0.1.evil.example", 421),
        ("10.1.2.3:5001", 421),
        ("", 421),
    ],
)
def test_names_other_than_this_host_get_nothing(
    stranger: TestClient, host: str, status: int
) -> None:
    answer = stranger.get("/jobs", headers={"host": host})
    assert answer.status_code == status
    assert "silicon" not in answer.text


def test_without_a_link_there_is_nothing_to_see(stranger: TestClient) -> None:
    for path in ("/", "/jobs", "/job/1", "/live", "/jobs.csv", "/no/such/page"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "silicon" not in answer.text
        assert "Open the link that jf gui printed" in answer.text
    assert stranger.post("/actions/plan").status_code == 403


def test_a_link_works_once(browser: Browser, stranger: TestClient) -> None:
    token = browser.site.tokens.new_link()
    answer = stranger.get(f"/jobs?state=FAILED&token={token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?state=FAILED")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert stranger.get("/jobs").status_code == 200
    other = TestClient(stranger.app, base_url="http://127.0.0.1:5001", follow_redirects=False)
    replayed = other.get(f"/?token={token}")
    assert replayed.status_code == 403
    assert "was used before" in replayed.text
    assert "not valid" in other.get("/?token=guessed").text
    # Who has a session and reloads the link stays in.
    assert stranger.get(f"/?token={token}").status_code == 303


def test_a_link_leads_nowhere_else() -> None:
    assert _address({"path": "//evil.example/"}, {}) == "/evil.example/"
    assert _address({"path": "/jobs"}, {"a": "b c"}) == "/jobs?a=b+c"


def test_after_a_link_was_used_another_one_is_told() -> None:
    told: list[str] = []
    tokens = Tokens(told.append)
    session = tokens.exchange(tokens.new_link())
    assert tokens.knows(session)
    assert len(told) == 1
    assert tokens.exchange(told[0]) != session
    assert not tokens.is_form_token(None, "")
    assert session
    assert tokens.is_form_token(session, tokens.form_token(session))
    assert not tokens.is_form_token(session, tokens.form_token("other"))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Localhost:80", "localhost"),
        ("[::1]:5001", "::1"),
        ("a.example.", "a.example"),
        ("", ""),
    ],
)
def test_names_in_headers(header: str, name: str) -> None:
    assert host_name(header) == name


def test_addresses_in_figures_only_where_others_may_ask() -> None:
    names = names_of_this_host("0.0.0.0")
    assert may_ask_as("10.1.2.3:80", names, open_to_others=True)
    assert not may_ask_as("10.1.2.3:80", names, open_to_others=False)
    assert not may_ask_as("evil.example", names, open_to_others=True)


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        ("http://localhost:5001", True),
        ("http://localhost:5002", False),
        ("http://evil.example", False),
        ("null", False),
        (None, False),
    ],
)
def test_origins(origin: str | None, same: bool) -> None:
    assert is_same_origin(origin, "localhost:5001") is same


def test_every_answer_has_a_strict_policy(browser: Browser) -> None:
    for path in ("/", "/jobs", "/static/style.css", "/nothing"):
        headers = browser.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_files_of_the_server_are_no_pages(browser: Browser) -> None:
    assert browser.get("/static/../app.py").status_code == 404
    assert browser.get("/static/%2e%2e/app.py").status_code == 404


def test_nothing_is_inline_and_nothing_is_from_elsewhere() -> None:
    folder = Path(__file__).parents[2] / "jfr_web"
    for path in [*folder.glob("templates/*.html"), *folder.glob("static/*")]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?! src=)|javascript:", text), (
                path
            )
            assert "| safe" not in text, path
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path


def test_reading_needs_no_database_that_can_be_written(browser: Browser) -> None:
    for queue in (browser.site.reader.queue, browser.site.controller.queue):
        with pytest.raises(StorageError, match="only reads"):
            queue.jobs.update_one({"db_id": "1"}, {"$set": {"state": "READY"}})
        with pytest.raises(StorageError, match="only reads"):
            queue.flows.delete_many({})


def test_a_socket_is_private(tmp_path: Path) -> None:
    place = Place(socket=tmp_path / "gui.sock")
    with listen(place):
        assert stat.S_IMODE(place.socket.stat().st_mode) == 0o600  # type: ignore[union-attr]
        with pytest.raises(ArgumentError, match="another server listens"):
            listen(place)
    with listen(place):  # what was left behind is replaced
        pass


def test_a_port_in_use_is_said() -> None:
    with listen(Place(port=0)) as first:
        port = first.getsockname()[1]
        assert addresses(Place(port=0), first, "t") == f"http://127.0.0.1:{port}/?token=t"
        with pytest.raises(ArgumentError, match="cannot listen on"):
            listen(Place(port=port))


def test_what_is_loopback() -> None:
    assert [is_loopback(a) for a in ("127.0.0.2", "::1", "localhost", "0.0.0.0", "x")] == [
        *(True, True, True),
        *(False, False),
    ]
    assert Place(host="0.0.0.0").open_to_others


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place(), ["open LINK", "the link works once"]),
        (Place(host="0.0.0.0"), ["warning: other machines can reach 0.0.0.0", "ssh -L"]),
        (Place(port=0, socket=Path("/run/jf.sock")), ["ssh -L 5001:/run/jf.sock", "open LINK"]),
    ],
    ids=lambda value: value.host if isinstance(value, Place) else None,
)
def test_what_is_told_at_the_start(place: Place, said: list[str]) -> None:
    told: list[str] = []
    _announce(place, "LINK", told.append)
    assert [text for text in said if text not in "\n".join(told)] == []
    assert any(line.startswith("warning:") for line in told) is place.open_to_others


def test_who_is_let_in_from_elsewhere_needs_the_link_as_well(browser: Browser) -> None:
    app = create_app(browser.site, names=names_of_this_host("0.0.0.0"), open_to_others=True)
    other = TestClient(app, base_url="http://10.1.2.3:5001", follow_redirects=False)
    assert other.get("/jobs").status_code == 403
    assert other.get(f"/?token={browser.site.tokens.new_link()}").status_code == 303
    assert other.get("/jobs").status_code == 200


def test_two_projects_do_not_share_sessions(browser: Browser) -> None:
    other = Site(browser.site.project)
    session = browser.site.tokens.exchange(browser.site.tokens.new_link())
    assert not other.tokens.knows(session)
    other.close()


def test_a_job_called_like_a_script_is_text(browser: Browser) -> None:
    for path in ("/", "/jobs", "/flows"):
        text = browser.get(path).text
        assert EVIL not in text
        assert "&lt;script&gt;" in text
