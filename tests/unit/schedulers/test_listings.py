"""What listings of Slurm say, as tables."""

from __future__ import annotations

import pytest

from controller.schedulers.listings import (
    GRACE,
    Listed,
    Listing,
    Missing,
    qacct_command,
    qstat_command,
    read_accounting,
    read_qacct,
    read_qstat,
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


def test_an_id_that_the_queue_gave_out_again_is_another_job() -> None:
    listing = Listing([Listed("5", "RUNNING", "RUNNING", None, "t2"), Listed("6", "RUNNING")])
    assert listing.find("5", "t1") is None
    assert listing.find("5", "t2") is not None
    assert listing.find("5") is not None, "an attempt without a token"
    assert listing.find("6", "t1") is not None, "a comment of the user's own tells no token"


# Recorded from Grid Engine 8.1.9: over its time, deleted with qdel, ended with status 3.
QACCT = """\
==============================================================
hostname     gehost
owner        root
jobnumber    3
failed       37  : qmaster enforced h_rt, h_cpu, or h_vmem limit
exit_status  137                  (Killed)
ru_wallclock 4s
ru_maxrss    4.383KB
cpu          0.012s
maxvmem      4.906MB
category     -l h_rt=3
==============================================================
hostname     gehost
owner        root
jobnumber    4
failed       100 : assumedly after job
exit_status  137                  (Killed)
ru_wallclock 8s
ru_maxrss    4.508KB
cpu          0.012s
maxvmem      4.883MB
category     NONE
==============================================================
hostname     gehost
owner        root
jobnumber    2
failed       0
exit_status  3
ru_wallclock 0s
ru_maxrss    4.535KB
cpu          0.012s
maxvmem      0.000B
category     NONE
"""


def test_the_accounting_of_grid_engine() -> None:
    assert {job: (found.state, found.word) for job, found in read_qacct(QACCT).items()} == {
        "3": ("FAILED", "TIMEOUT"),
        "4": ("FAILED", "FAILED"),
        "2": ("FAILED", "FAILED"),
    }
    assert read_qacct("error: job id 9 not found\n") == {}
    assert qacct_command(["3", "4; rm"]).startswith("for jfr_j in 3 '4; rm'; do qacct -j")


@pytest.mark.parametrize(
    ("failed", "status", "category", "used", "word"),
    [
        ("0", "0", "NONE", "", "COMPLETED"),
        ("100 : assumedly after job", "152", "-l s_cpu=0:1:0", "cpu 61.2s", "TIMEOUT"),
        ("37  : qmaster enforced", "137", "-l h_vmem=1.5G", "maxvmem 1.490GB", "OUT_OF_MEMORY"),
        ("37  : qmaster enforced", "137", "-l h_vmem=100M,h_rt=60", "ru_wallclock 61s", "TIMEOUT"),
        ("100 : assumedly after job", "137", "-l h_vmem=2G", "maxvmem 1.000MB", "FAILED"),
        ("37  : qmaster enforced", "137", "-l h_rt=INFINITY", "ru_wallclock 5s", "FAILED"),
        ("1   : before job", "0", "NONE", "", "FAILED"),
    ],
)
def test_which_limit_grid_engine_has_enforced(
    failed: str, status: str, category: str, used: str, word: str
) -> None:
    facts = [f"failed {failed}", f"exit_status {status}", f"category {category}", used]
    text = "\n".join(["=" * 62, "jobnumber 7", *facts])
    assert read_qacct(text)["7"].word == word


# As PBS Professional prints it (`qstat -x -f`), wrapped, and Torque (`qstat -f`, state C).
QSTAT = """\
Job Id: 12.head
    Job_Name = add
    Job_Owner = me@head
    job_state = F
    Exit_status = {status}
    Variable_List = PBS_O_HOME=/home/me,JFR_TOKEN=00
\t11,PBS_O_LANG=C
    comment = Job run at Mon on (n1:ncpus=1) and finished

Job Id: 13.head
    job_state = R
"""


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("0", "COMPLETED"),
        ("3", "FAILED"),
        ("271", "FAILED"),
        ("-29", "TIMEOUT"),
        ("-27", "OUT_OF_MEMORY"),
    ],
)
def test_the_accounting_of_pbs(status: str, word: str) -> None:
    (found,) = read_qstat(QSTAT.format(status=status)).values()
    assert (found.process_id, found.word) == ("12.head", word)
    assert read_qstat("") == {}
    assert "qstat -x -f 12.head" in qstat_command(["12.head"])


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
