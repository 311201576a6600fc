"""What listings of Slurm say, as tables."""

from __future__ import annotations

import pytest

from controller.schedulers.listings import (
    GRACE,
    Listed,
    Listing,
    Missing,
    read_accounting,
    read_slurm,
    slurm_command,
    slurm_state,
)

END = "jfr-end-of-listing\n"
TEXT = f"""\
7|PENDING|Priority|(null)|jfr:t7
8|RUNNING|None|n[1-2]|a comment | of the user
9_[2-4]|PENDING|JobArrayTaskLimit|(null)|(null)
9_1|RUNNING|None|n1|(null)
10|OUT_OF_MEMORY|OutOfMemory|n1|jfr:t10
{END}"""


def test_a_listing_is_read() -> None:
    listing = Listing(read_slurm(TEXT))
    assert listing.find("7") == Listed("7", "QUEUED", "PENDING", "Priority", "t7")
    assert listing.find("8") == Listed("8", "RUNNING", "RUNNING")
    array = listing.find("9")
    assert array is not None
    assert (array.process_id, array.state) == ("9", "RUNNING"), "as long as one task runs"
    ended = listing.find("10")
    assert ended is not None
    assert (ended.state, ended.word) == ("FAILED", "OUT_OF_MEMORY")
    assert listing.find("11") is None


def test_of_two_submissions_of_an_attempt_the_one_that_lives_counts() -> None:
    listing = Listing(
        [
            Listed("101", "RUNNING", "RUNNING", None, "t1"),
            Listed("102", "DONE", "COMPLETED", None, "t1"),
        ]
    )
    for recorded in ("101", "102", "103"):
        found = listing.find(recorded, "t1")
        assert found is not None
        assert found.process_id == "101"
    assert listing.find("103", "t2") is None


def test_an_empty_queue_is_a_listing() -> None:
    assert read_slurm(END) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.removesuffix(END),
        f"<html>502 Bad Gateway</html>\n{END}",
        f"squeue: error: x\n{TEXT}",
        f"7|PENDING\n{END}",
        TEXT[:-5],
    ],
)
def test_what_is_no_listing_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is empty|it ends with|none of its lines"):
        read_slurm(text)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", "QUEUED"),
        ("CONFIGURING", "QUEUED"),
        ("REQUEUED", "QUEUED"),
        ("SPECIAL_EXIT", "QUEUED"),
        ("RUNNING", "RUNNING"),
        ("SUSPENDED", "RUNNING"),
        ("COMPLETING", "RUNNING"),
        ("A_STATE_OF_A_LATER_VERSION", "RUNNING"),
        ("COMPLETED", "DONE"),
        ("CANCELLED", "FAILED"),
        ("TIMEOUT", "FAILED"),
        ("PREEMPTED", "FAILED"),
        ("NODE_FAIL", "FAILED"),
        ("DEADLINE", "FAILED"),
    ],
)
def test_what_the_words_mean(word: str, state: str) -> None:
    assert slurm_state(word) == state


def test_the_accounting_is_read() -> None:
    said = "7|CANCELLED by 1000\n8|COMPLETED\nsacct: garbage\n9|RUNNING\n"
    found = read_accounting(said)
    assert {k: (v.state, v.word) for k, v in found.items()} == {
        "7": ("FAILED", "CANCELLED"),
        "8": ("DONE", "COMPLETED"),
        "9": ("RUNNING", "RUNNING"),
    }


def test_a_name_of_a_user_never_becomes_code() -> None:
    assert "'a; rm -rf ~'" in slurm_command("a; rm -rf ~")
    assert '"$(id -un)"' in slurm_command(None)


def test_a_job_is_missing_for_a_while_before_it_has_ended() -> None:
    now = [0.0]
    missing = Missing(clock=lambda: now[0])
    assert missing.settle({"7": True, "8": False}) == set()
    now[0] = GRACE - 1
    assert missing.settle({"8": True}) == set(), "others are asked about in between"
    assert missing.settle({"7": True}) == set()
    now[0] = GRACE
    assert missing.settle({"7": True}) == {"7"}
    missing.settle({"7": False})
    assert missing.settle({"7": True}) == set()
