"""Queues of clusters, through stand-ins of the commands of Slurm."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from controller.errors import QueueBusyError, RemoteError
from controller.hosts import LocalHost
from controller.hosts.ownership import refusal_lines
from controller.operations.cleanup import remove_run_dirs
from controller.schedulers import Queue, QueuedJob, Submission

SBATCH = """
echo "$@" >> {ledger}
echo "Submitted batch job $((100 + $(wc -l < {ledger})))"
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a stand-in of a command on the PATH; {ledger} is a file of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def install(name: str, body: str) -> Path:
        ledger = tmp_path / f"{name}.ledger"
        path = folder / name
        path.write_text("#!/bin/bash\n" + body.replace("{ledger}", str(ledger)))
        path.chmod(0o755)
        return ledger

    return install


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    path = tmp_path / "work dir" / "run"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def queue() -> Queue:
    return Queue("slurm", LocalHost(30))


def test_a_job_is_submitted_once(commands, queue, run_dir):
    ledger = commands("sbatch", SBATCH)
    assert queue.submit(run_dir, "#!/bin/bash\n") == "101"
    assert queue.submit(run_dir, "#!/bin/bash\n") == "101"
    assert len(ledger.read_text().splitlines()) == 1


def test_a_lost_answer_of_the_queue_is_found_again(commands, queue, run_dir):
    ledger = commands("sbatch", SBATCH)

    class Deaf(LocalHost):
        def execute(self, command: str, workdir: Path | None = None):
            super().execute(command, workdir)
            raise RemoteError("the connection was lost")

    with pytest.raises(RemoteError):
        Queue("slurm", Deaf(30)).submit(run_dir, "#!/bin/bash\n")
    assert queue.submit(run_dir, "#!/bin/bash\n") == "101"
    assert len(ledger.read_text().splitlines()) == 1


def test_an_upload_that_comes_after_the_removal(commands, queue, run_dir):
    """Its runner was stopped while the job was deleted with its files: it makes nothing again."""
    ledger, host = commands("sbatch", SBATCH), LocalHost(30)
    one, two, folder = "1" * 32, "2" * 32, run_dir / "of the job"
    late = (folder, one, {"input": b"x"}, None, "#!/bin/bash\n")
    assert queue.withdraw(folder, one, before_removal=True)
    assert remove_run_dirs(host, [(folder, one)]) == [True]
    assert queue.send_many([late]) == [None]
    assert not folder.exists()
    assert not ledger.exists()
    assert queue.send_many([(*late[:1], two, *late[2:])]) == [("101", None)]


def test_a_shell_that_is_stopped_between_its_look_and_the_submission(
    commands, queue, run_dir, monkeypatch
):
    """It has found the folder its own; the next attempt takes it, and nothing else is put there."""
    ledger = commands("sbatch", SBATCH)
    one, two = "1" * 32, "2" * 32
    assert queue.begin_attempt(run_dir, one) is None
    held, go = run_dir.parent / "held", run_dir.parent / "go"
    look = refusal_lines
    wait = f"touch '{held}'; while [ ! -e '{go}' ]; do sleep 0.02; done\n"
    monkeypatch.setattr(
        "controller.schedulers.queue.refusal_lines",
        lambda *given, **more: look(*given, **more) + wait,
    )
    errors = []

    def submit():
        try:
            queue.submit(run_dir, "#!/bin/bash\n# one\n", one)
        except RemoteError as error:
            errors.append(error)

    thread = threading.Thread(target=submit)
    thread.start()
    deadline = time.monotonic() + 30
    while not held.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    monkeypatch.undo()
    assert queue.begin_attempt(run_dir, two, before=one) is None
    go.touch()
    thread.join(30)
    assert len(errors) == 1
    assert not ledger.exists()
    assert not (run_dir / "submit.sh").exists()


def test_a_job_that_has_started_is_found_by_its_start(commands, queue, run_dir):
    ledger = commands("sbatch", SBATCH)
    (run_dir / "jfr_started").write_text("55 123\n")
    assert queue.submit(run_dir, "#!/bin/bash\n") == "55"
    assert not ledger.exists()


def test_a_refusal_is_an_error_with_its_text_and_may_be_repeated(commands, queue, run_dir):
    commands("sbatch", "echo 'sbatch: error: invalid partition specified: nowhere' >&2; exit 1")
    with pytest.raises(RemoteError, match="nowhere") as caught:
        queue.submit(run_dir, "#!/bin/bash\n")
    assert not caught.value.no_retry
    assert not isinstance(caught.value, QueueBusyError)
    commands("sbatch", SBATCH)
    assert queue.submit(run_dir, "#!/bin/bash\n") == "101"


def test_a_full_queue_is_busy_in_its_own_words(commands, queue, run_dir):
    """A limit is no failure of the job, so no attempt of it may be counted."""
    commands("sbatch", "echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1")
    with pytest.raises(QueueBusyError) as caught:
        queue.submit(run_dir, "#!/bin/bash\n")
    assert caught.value.reason == "QOSMaxSubmitJobPerUserLimit"
    commands("sbatch", SBATCH)
    assert queue.submit(run_dir, "#!/bin/bash\n") == "101"


def test_nothing_is_submitted_that_was_withdrawn(commands, queue, run_dir):
    ledger = commands("sbatch", SBATCH)
    assert queue.withdraw(run_dir)
    with pytest.raises(RemoteError, match="withdrawn") as caught:
        queue.submit(run_dir, "#!/bin/bash\n")
    assert caught.value.no_retry
    assert not ledger.exists()
    assert queue.withdraw(run_dir), "the submission has ended"
    queue.begin_attempt(run_dir, "again")
    assert queue.submit(run_dir, "#!/bin/bash\n") == "101"


def test_a_submission_under_way_is_waited_for(commands, queue, run_dir):
    commands("sbatch", SBATCH + "[ -e jfr_submitting ] && touch seen")
    (run_dir / "jfr_submitting").touch()
    assert not queue.withdraw(run_dir)
    (run_dir / "jfr_withdrawn").unlink()
    assert queue.submit(run_dir, "#!/bin/bash\n") == "101"
    assert (run_dir / "seen").exists()
    assert queue.withdraw(run_dir)
    assert queue.earlier_submission(run_dir) == "101"


def test_nothing_can_be_submitted_from_a_folder_that_is_gone(queue, tmp_path):
    assert queue.withdraw(tmp_path / "gone")


def test_an_answer_without_an_id_is_not_repeated(commands, queue, run_dir):
    commands("sbatch", "echo hm")
    with pytest.raises(RemoteError) as caught:
        queue.submit(run_dir, "#!/bin/bash\n")
    assert caught.value.no_retry


def test_an_id_that_the_queue_does_not_list_has_no_state(commands, queue):
    commands("squeue", "exit 0")
    assert queue.poll([("7", None)])[0].state is None


def test_a_listing_that_fails_says_nothing_of_any_job(commands, queue):
    commands(
        "squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"
    )
    with pytest.raises(RemoteError, match="Unable to contact"):
        queue.poll([("7", None)])


def test_polling_nothing_asks_nobody(commands, queue):
    ledger = commands("squeue", "echo asked >> {ledger}")
    assert queue.poll([]) == []
    assert not ledger.exists()


def test_cancelling_what_has_ended(commands, queue):
    commands(
        "scancel",
        "echo 'scancel: error: Kill job error on job id 7: Invalid job id specified' >&2; exit 1",
    )
    commands("squeue", "exit 0")
    queue.cancel("7")


def test_a_cancellation_that_is_refused_is_an_error(commands, queue):
    commands("scancel", "echo 'scancel: error: Access/permission denied' >&2; exit 1")
    with pytest.raises(RemoteError, match="denied"):
        queue.cancel("7")


LOST = """
echo "$@" >> {ledger}
n=$((100 + $(wc -l < {ledger})))
echo "$n $(sed -n 's/#SBATCH --comment=//p' "$1")" >> {ledger}.held
[ $n != 101 ] || { echo 'Socket timed out on send/recv operation' >&2; exit 1; }
echo "Submitted batch job $n"
"""
"""The first job is taken, and the answer of the queue is lost."""
LISTING = """
case "$*" in
  *"%i %k"*) cat {held}; exit ;;
esac
for n in {listed}; do
  echo "$n|{state}|{reason}|(null)|(null)"
done
"""


def listing(
    held: Path | str = "/dev/null", listed: str = "", state: str = "RUNNING", reason: str = "None"
) -> str:
    words = {"{held}": str(held), "{listed}": listed, "{state}": state, "{reason}": reason}
    text = LISTING
    for name, value in words.items():
        text = text.replace(name, value)
    return text


def script(token: str) -> str:
    return f"#!/bin/bash\n#SBATCH --comment=jfr:{token}\n"


def test_a_lost_answer_of_the_queue_is_found_by_the_token(commands, queue, run_dir):
    ledger = commands("sbatch", LOST)
    commands("squeue", listing(f"{ledger}.held"))
    queue.begin_attempt(run_dir, "t1")
    assert queue.submit(run_dir, script("t1"), "t1") == "101"
    assert len(ledger.read_text().splitlines()) == 1


def test_a_job_that_shows_late_is_found_before_it_is_submitted_again(commands, queue, run_dir):
    ledger = commands("sbatch", LOST)
    commands("squeue", "echo 'Socket timed out' >&2; exit 1")
    queue.begin_attempt(run_dir, "t1")
    for _ in range(2):
        # Not knowing whether the queue holds it is no failure either.
        with pytest.raises(QueueBusyError, match="timed out"):
            queue.submit(run_dir, script("t1"), "t1")
    commands("squeue", listing(f"{ledger}.held"))
    assert queue.submit(run_dir, script("t1"), "t1") == "101"
    assert len(ledger.read_text().splitlines()) == 1, "while the queue says nothing, nothing is"


def test_a_queue_that_took_nothing_is_asked_again(commands, queue, run_dir):
    commands("sbatch", "echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1")
    commands("squeue", listing())
    queue.begin_attempt(run_dir, "t1")
    with pytest.raises(QueueBusyError, match="QOSMax"):
        queue.submit(run_dir, script("t1"), "t1")
    ledger = commands("sbatch", SBATCH)
    assert queue.submit(run_dir, script("t1"), "t1") == "101"
    assert len(ledger.read_text().splitlines()) == 1


def test_the_queue_is_not_asked_about_a_first_submission(commands, queue, run_dir):
    commands("sbatch", SBATCH)
    asked = commands("squeue", "echo asked >> {ledger}")
    queue.begin_attempt(run_dir, "t1")
    assert queue.submit(run_dir, script("t1"), "t1") == "101"
    assert not asked.exists()


@pytest.mark.parametrize("state", ["RUNNING", "QUEUED"])
def test_the_submission_that_runs_is_the_one(commands, queue, run_dir, state):
    """102 was recorded, and ended at its guard: 101 runs."""
    (run_dir / "jfr_started").write_text("101 - t1 55 - -\n")
    word = {"RUNNING": "RUNNING", "QUEUED": "PENDING"}[state]
    commands("squeue", listing(listed="101", state=word))
    queued = queue.poll([Submission("102", run_dir, "t1"), Submission("103", None, "t2")])
    assert queued == [QueuedJob("101", state, None, word), QueuedJob("103", None)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [("102 - t1 55 - -", "102"), ("101 - t0 55 - -", "102"), ("101 99", "101")],
)
def test_whose_start_a_start_file_tells_of(commands, queue, run_dir, said, expected):
    (run_dir / "jfr_started").write_text(f"{said}\n")
    commands("squeue", listing())
    assert queue.poll([Submission("102", run_dir, "t1")]) == [QueuedJob(expected, None)]


def test_what_a_job_left_running_is_cancelled_before_it_runs_again(commands, queue, run_dir):
    ledger = commands("scancel", "echo $* >> {ledger}")
    commands("squeue", listing(listed="101"))
    (run_dir / "jfr_started").write_text("101 - t1 55 - -\n")
    assert not queue.end_leftover(run_dir, lambda: None), "it is listed still"
    assert ledger.read_text().split()[-1] == "101"
    commands("squeue", listing())
    assert queue.end_leftover(run_dir, lambda: None)


def test_a_script_that_says_it_is_done_needs_no_question(commands, queue, run_dir):
    asked = commands("squeue", "echo asked >> {ledger}")
    (run_dir / "jfr_started").write_text("101 - t1 55 - -\n")
    (run_dir / "jfr_exit").write_text("1\n")
    assert queue.end_leftover(run_dir, lambda: None)
    assert not asked.exists()


def test_a_new_attempt_forgets_what_an_earlier_one_left(commands, queue, run_dir):
    commands("sbatch", SBATCH)
    queue.begin_attempt(run_dir, "t1")
    queue.submit(run_dir, script("t1"), "t1")
    (run_dir / "jfr_started").write_text("101 - t1 55 - -\n")
    queue.begin_attempt(run_dir, "t2", before="t1")
    assert queue.earlier_submissions(run_dir, "t2") == []
    assert (run_dir / "jfr_attempt").read_text() == "t2\n"


def test_both_submissions_of_an_attempt_are_known(queue, run_dir):
    (run_dir / "jfr_started").write_text("101 - t1 55 - -\n")
    (run_dir / "jfr_submitted").write_text("Submitted batch job 102\n")
    assert queue.earlier_submissions(run_dir, "t1") == ["101", "102"]


@pytest.mark.parametrize("kind", ["slurm", "pbs", "sge"])
@pytest.mark.parametrize("answer", ["", "a job wrote this", "two\nlines", "nothing", "\ufffd\0"])
def test_an_unreadable_answer_is_an_unknown_id(run_dir, kind, answer):
    (run_dir / "jfr_submitted").write_text(answer)
    queue = Queue(kind, LocalHost(30))
    assert queue.earlier_submissions(run_dir, "t1") == []
    (run_dir / "jfr_started").write_text("101 - t1 55 - -\n")
    assert queue.earlier_submissions(run_dir, "t1") == ["101"]


@pytest.mark.parametrize(
    ("kind", "answer", "process_id"),
    [
        ("pbs", "12.server-1.org\n", "12.server-1.org"),
        ("pbs", "12[].server\n", "12[].server"),
        ("sge", 'Your job 12 ("x") has been submitted\n', "12"),
        ("slurm", "Submitted batch job 12\n", "12"),
    ],
)
def test_the_id_of_every_queue_is_read(run_dir, kind, answer, process_id):
    (run_dir / "jfr_submitted").write_text(answer)
    assert Queue(kind, LocalHost(30)).earlier_submissions(run_dir) == [process_id]


@pytest.mark.parametrize("kind", ["pbs", "sge"])
def test_an_unreadable_answer_to_a_submission_says_that_the_job_may_run(commands, run_dir, kind):
    commands("qsub", "echo welcome to this machine")
    commands("qstat", "true")
    with pytest.raises(RemoteError, match="returned no id: welcome to this machine") as caught:
        Queue(kind, LocalHost(30)).submit(run_dir, script("t1"), "t1")
    assert caught.value.no_retry


def test_a_token_never_becomes_code(queue, run_dir):
    with pytest.raises(RemoteError):
        queue.begin_attempt(run_dir, "$(touch hacked)")


def test_why_a_job_waits_is_told(commands, queue):
    commands("squeue", listing(listed="7", state="PENDING", reason="QOSMaxJobsPerUserLimit"))
    (job,) = queue.poll([("7", None)])
    assert job == QueuedJob("7", "QUEUED", None, "PENDING", "QOSMaxJobsPerUserLimit")


@pytest.mark.parametrize("said", ["<html>", "7|RUNNING|None", "7|RUNNING|None|n1|(null)", ""])
def test_garbage_is_a_listing_that_failed(commands, queue, said):
    """The last is cut off: the shell that was to print the end was killed."""
    commands("squeue", f"echo '{said}'; kill -9 $PPID; sleep 1")
    with pytest.raises(RemoteError):
        queue.poll([("7", None)])


def test_a_job_that_a_listing_lacks_has_ended_by_a_witness_only(
    commands, queue, run_dir, monkeypatch
):
    commands("squeue", listing())
    commands("sacct", "exit 1")
    job = Submission("7", run_dir, "t1")

    def state() -> str | None:
        return queue.confirm_ends([job], queue.poll([job]))[0].state

    assert state() == "UNDETERMINED"
    commands("sacct", "echo '8|RUNNING'; echo '7|TIMEOUT'")
    assert queue.confirm_ends([job], queue.poll([job]))[0].word == "TIMEOUT"
    commands("sacct", "exit 1")
    assert state() == "UNDETERMINED"
    (run_dir / "jfr_exit").write_text("0\n")
    assert state() is None
    (run_dir / "jfr_exit").unlink()
    assert state() == "UNDETERMINED"
    monkeypatch.setattr("controller.schedulers.listings.GRACE", 0.0)
    assert state() is None
