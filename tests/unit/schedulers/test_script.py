"""The submission script, as text and as what bash makes of it."""

from __future__ import annotations

import shutil
import subprocess
import time
from copy import deepcopy
from pathlib import Path

import pytest
from qtoolkit.core.data_objects import QResources

from controller.errors import ConfigError
from controller.execution.files import exit_status, pre_run_status, read_output
from controller.identity import described
from controller.schedulers import ScriptSpec, render_script
from controller.schedulers.building import build_scheduler
from controller.schedulers.dialects import dialect_of
from controller.schedulers.resources import stored_resources
from controller.schedulers.script import body_lines, quote_export
from controller.schedulers.start import Start, parse_start

SHELLS = [s for s in ("bash", "dash", "busybox sh", "ksh") if shutil.which(s.split()[0])]
ODD_NAMES = [
    "two words",
    "it's",
    'say "hi"',
    "one;>hacked",
    "$(>hacked)",
    "`>hacked`",
    "line\nbreak",
    "\N{GREEK SMALL LETTER ALPHA} und \N{LATIN SMALL LETTER U WITH DIAERESIS}",
    "(x)",
    "a & b",
    "100%",
    "",
]


def test_the_order_of_the_lines():
    lines = body_lines(
        ScriptSpec(
            "/run dir",
            "jf execution run '/run dir'",
            "job",
            worker_pre_run="worker before",
            pre_run="config before",
            export={"A": 1},
            modules=["m/1", "n"],
            worker_post_run="worker after",
            post_run="config after",
        )
    )
    assert lines[0].startswith("cd '/run dir'")
    assert lines[2].startswith("jfr_begun=; trap ")
    assert [line for line in lines[3:] if line] == [
        "worker before",
        "config before",
        "export A=1",
        "module load m/1",
        "module load n",
        "jfr_begun=1; rm -f jfr_exit",
        "jf execution run '/run dir'",
        "jfr_status=$?",
        'echo "$jfr_status" > jfr_exit',
        "worker after",
        "config after",
        'exit "$jfr_status"',
    ]


@pytest.mark.parametrize(
    ("pre_run", "status"), [("exit 7", 7), ("set -e\nfalse\necho on", 1), ("kill -TERM $$", 143)]
)
def test_a_script_says_that_it_ended_in_pre_run(tmp_path, pre_run, status):
    spec = ScriptSpec(str(tmp_path), "touch ran", "job", pre_run=pre_run)
    done, _ = run_shell_script(tmp_path, spec)
    assert done.returncode in (status, 128 - status if status < 128 else -15)
    assert not (tmp_path / "ran").exists()
    said = read_output(tmp_path)
    assert (
        said.error == f"pre_run ended with status {pre_run_status(tmp_path)} before the job started"
    )
    assert status == 143 or pre_run_status(tmp_path) == status
    assert exit_status(tmp_path) is None


@pytest.mark.parametrize("pre_run", ["trap 'touch mine' EXIT", "true"])
def test_a_pre_run_that_goes_on_says_nothing(tmp_path, pre_run):
    spec = ScriptSpec(str(tmp_path), "(exit 3)", "job", pre_run=pre_run, post_run="true")
    done, _ = run_shell_script(tmp_path, spec)
    assert (done.returncode, exit_status(tmp_path), pre_run_status(tmp_path)) == (3, 3, None)
    assert (tmp_path / "mine").exists() == ("mine" in pre_run)


@pytest.mark.parametrize(
    ("command", "status"), [("true", 0), ("(exit 3)", 3), ("bash -c 'kill -9 $$'", 137)]
)
def test_the_status_of_the_command_is_kept(tmp_path, command, status):
    done, _ = run_shell_script(tmp_path, ScriptSpec(str(tmp_path), command, "job", post_run="true"))
    assert done.returncode == status
    assert (tmp_path / "jfr_exit").read_text() == f"{status}\n"


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("plain", "plain"),
        (3, "3"),
        ("", ""),
        ("$HOME/x", "$HOME/x"),
        ("/x/bin:$PATH", "/x/bin:$PATH"),
        ("two words", '"two words"'),
        ("$HOME/my dir", '"$HOME/my dir"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a `date`", '"a \\`date\\`"'),
        ("a;b", '"a;b"'),
        ("a & b", '"a & b"'),
        (r"cost \$5 each", r'"cost \$5 each"'),
        ("'two words'", "'two words'"),
        ('"$A b"', '"$A b"'),
        ("${A}/x", "${A}/x"),
        ("{a,b}", '"{a,b}"'),
        ("ends with \\", '"ends with \\\\"'),
        ("~/x", "~/x"),
        ("*", '"*"'),
    ],
)
def test_quoting_of_exports(value, quoted):
    assert quote_export(value) == quoted


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("$BASE/x", "/base/x"),
        ("$BASE and more", "/base and more"),
        ('with "quotes"', 'with "quotes"'),
        ("a; touch hacked", "a; touch hacked"),
        ("a `touch hacked`", "a `touch hacked`"),
        ("tab\there", "tab\there"),
    ],
)
def test_what_bash_sees_of_an_export(tmp_path, value, seen):
    done = bash(f'export K={quote_export(value)}; printf "%s" "$K"', tmp_path)
    assert done.stdout == seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_never_becomes_code(tmp_path, name):
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    done, out = run_shell_script(run_dir, ScriptSpec(str(run_dir), "echo did run", name, {}))
    assert done.returncode == 0, done.stderr
    assert "did run" in out
    assert not list(tmp_path.rglob("hacked*"))


@pytest.mark.parametrize("folder", ["plain", "two words", "it's; $HOME", "a`date`b", 'q"q'])
def test_a_run_directory_of_any_name(tmp_path, folder):
    run_dir = tmp_path / folder
    run_dir.mkdir()
    done, out = run_shell_script(run_dir, ScriptSpec(str(run_dir), "pwd", "job", {}))
    assert done.returncode == 0, done.stderr
    assert out.splitlines()[-1] == str(run_dir)


def test_only_the_job_speaks(tmp_path):
    _, out = run_shell_script(tmp_path, ScriptSpec(str(tmp_path), "echo did run", "my job", {}))
    assert out == "did run\n"


def test_user_code_is_shell(tmp_path):
    spec = ScriptSpec(
        str(tmp_path), "echo $A $B", "job", {}, worker_pre_run="A=1", pre_run='B="$A$A"'
    )
    assert run_shell_script(tmp_path, spec)[1].splitlines()[-1] == "1 11"


def test_a_second_start_does_nothing(tmp_path):
    spec = ScriptSpec(str(tmp_path), "echo run >> ledger; echo said", "job", {})
    run_shell_script(tmp_path, spec)
    done, out = run_shell_script(tmp_path, spec)
    assert done.returncode == 0
    assert (tmp_path / "ledger").read_text() == "run\n"
    assert "said" in out, "the second start emptied the log of the first"


def test_a_job_that_was_withdrawn_does_nothing(tmp_path):
    (tmp_path / "jfr_withdrawn").touch()
    done, _ = run_shell_script(tmp_path, ScriptSpec(str(tmp_path), "touch ran", "job", {}))
    assert done.returncode == 0
    assert not (tmp_path / "ran").exists()


def test_the_queue_may_restart_its_own_job(tmp_path):
    """A requeue of Slurm keeps the id; the start file then tells of the new process."""
    spec = ScriptSpec(str(tmp_path), "echo run >> ledger", "job", {}, token="t1")
    starts = []
    for _ in range(2):
        run_script(tmp_path, spec, "slurm", SLURM_JOB_ID="77")
        starts.append(start_file(tmp_path))
    run_script(tmp_path, spec, "slurm", SLURM_JOB_ID="78")
    assert (tmp_path / "ledger").read_text() == "run\nrun\n"
    assert [start.process_id for start in starts] == ["77", "77"]
    assert starts[0].pid != starts[1].pid
    assert start_file(tmp_path) == starts[1]


IDS_OF_OTHERS = {"SLURM_JOB_ID": "12345", "PBS_JOBID": "6.server", "JOB_ID": "7"}
"""Of an allocation that the runner runs in, or of a CI that exports JOB_ID."""


def test_a_job_of_the_shell_is_known_by_its_process_wherever_the_runner_runs(tmp_path):
    spec = ScriptSpec(str(tmp_path), "echo $$ > pid", "job", {})
    run_shell_script(tmp_path, spec, **IDS_OF_OTHERS)
    assert start_file(tmp_path).process_id == (tmp_path / "pid").read_text().strip()


@pytest.mark.parametrize(
    ("scheduler", "expected"), [("slurm", "12345"), ("pbs", "6.server"), ("sge", "7")]
)
def test_a_job_of_a_queue_is_known_by_the_id_that_this_queue_gave(tmp_path, scheduler, expected):
    run_script(tmp_path, ScriptSpec(str(tmp_path), "true", "job", {}), scheduler, **IDS_OF_OTHERS)
    assert start_file(tmp_path).process_id == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_the_start_tells_who_runs(tmp_path, shell):
    spec = ScriptSpec(str(tmp_path), "until [ -e go ]; do sleep 0.02; done", "job", {}, token="t1")
    (tmp_path / "submit.sh").write_text(render_script(build_scheduler("shell"), spec))
    process = subprocess.Popen([*shell.split(), "submit.sh"], cwd=tmp_path)
    wait_for_file(tmp_path / "queue.out")
    start, seen = start_file(tmp_path), described(process.pid)
    (tmp_path / "go").touch()
    process.wait()
    assert start.token == "t1"
    assert start.process_id == start.pid == str(process.pid)
    for name in ("start_time", "boot_id", "pid_namespace"):
        assert getattr(start, name) == seen[name]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("scheduler", ["shell", "slurm"])
def test_any_shell_runs_the_script_once(tmp_path, shell, scheduler):
    spec = ScriptSpec(str(tmp_path), "echo run >> ledger", "job", {}, token="t1")
    (tmp_path / "submit.sh").write_text(render_script(build_scheduler(scheduler), spec))
    for number in ("1", "2"):
        env = {"PATH": "/usr/bin:/bin", "SLURM_JOB_ID": number}
        subprocess.run([*shell.split(), "submit.sh"], cwd=tmp_path, env=env, timeout=20, check=True)
    assert (tmp_path / "ledger").read_text() == "run\n"


def test_an_earlier_attempt_that_starts_late_does_nothing(tmp_path):
    """A second submission that waited in the queue while the job was begun anew."""
    spec = ScriptSpec(str(tmp_path), "touch ran", "job", {}, token="old")
    (tmp_path / "jfr_attempt").write_text("new\n")
    done, _ = run_shell_script(tmp_path, spec)
    assert done.returncode == 0
    assert "earlier attempt" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "jfr_started").exists()


def test_an_old_copy_of_the_attempt_file_is_waited_out(tmp_path):
    """A node may see the file of a network file system as it was a minute ago."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sleep").write_text("#!/bin/sh\necho new > jfr_attempt\n")
    (folder / "sleep").chmod(0o755)
    (tmp_path / "jfr_attempt").write_text("old\n")
    spec = ScriptSpec(str(tmp_path), "touch ran", "job", {}, token="new")
    run_script(tmp_path, spec, "slurm", SLURM_JOB_ID="1", PATH=f"{folder}:/usr/bin:/bin")
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("\n", None),
        ("55", Start("55")),
        ("55 123\n", Start("55", "123")),
        ("7 - t1 55 b n\n", Start("7", "", "t1", "55", "b", "n")),
        ("7 1 - 55 - - n03 more\n", Start("7", "1", "", "55", node="n03")),
    ],
)
def test_start_files_of_this_and_of_earlier_versions(text, expected):
    assert parse_start(text) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [("a", "a", True), ("a", "b", False), ("a", "", True), ("", "b", True), (None, "b", True)],
)
def test_a_start_is_of_an_attempt_as_far_as_both_are_known(ours, theirs, same):
    assert Start("1", token=theirs).is_of(ours) is same


@pytest.mark.parametrize(
    ("scheduler", "line"),
    [
        ("slurm", "#SBATCH --comment=jfr:t1"),
        ("sge", "#$ -ac jfr_token=t1"),
        ("pbs", "#PBS -v JFR_TOKEN=t1"),
    ],
)
def test_the_queue_is_told_the_token(scheduler, line):
    spec = ScriptSpec("/run", "x", "job", {"qverbatim": "# of the user"}, token="t1")
    lines = render_script(build_scheduler(scheduler), spec).splitlines()
    assert lines[0].startswith("#!")
    assert lines[1] == line, "first of all: a directive of the user's with the same name wins"


def test_variables_that_the_user_hands_on_are_not_replaced():
    spec = ScriptSpec("/run", "x", "job", {"qverbatim": "#PBS -v A=1"}, token="t1")
    assert "JFR_TOKEN" not in render_script(build_scheduler("pbs"), spec)


SGE_JOBS = """\
==============================================================
job_number:                 4
job_name:                   a
context:                    jfr_token=t1,other=2
==============================================================
job_number:                 5
context:                    jfr_token=t12
"""
PBS_JOBS = """\
Job Id: 4.server
    Job_Name = a
    Variable_List = PBS_O_HOME=/home/me,PBS_O_PATH=/bin,
\tJFR_TO
\tKEN=t1
Job Id: 5.server
    Variable_List = A=1
"""


@pytest.mark.parametrize(
    ("scheduler", "text", "expected"),
    [
        ("slurm", "4 jfr:t1\n5 (null)\n6 jfr:t12\n7\n8 jfr:t1 \n", ["4", "8"]),
        ("sge", SGE_JOBS, ["4"]),
        ("pbs", PBS_JOBS, ["4.server"]),
        ("shell", "", []),
        ("slurm", "", []),
    ],
)
def test_the_token_is_found_in_what_a_queue_says(scheduler, text, expected):
    assert dialect_of(build_scheduler(scheduler)).find(text, "t1") == expected


def test_nothing_runs_outside_of_the_run_directory(tmp_path):
    gone = tmp_path / "gone"
    script = "\n".join(body_lines(ScriptSpec(str(gone), "touch ran", "job")))
    assert bash(script, tmp_path).returncode != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("resources", [None, {}])
def test_no_resources_are_fine(resources):
    script = render_script(build_scheduler("slurm"), ScriptSpec("/run", "x", "job", resources))
    assert "#SBATCH --job-name=job" in script
    assert "#SBATCH --output=/run/queue.out" in script
    assert "#SBATCH --error=/run/queue.err" in script


def test_keywords_of_the_scheduler():
    spec = ScriptSpec("/run", "x", "two words", {"nodes": 1, "ntasks": 4, "partition": "main"})
    lines = render_script(build_scheduler("slurm"), spec).splitlines()
    for line in ("nodes=1", "ntasks=4", "partition=main", "job-name=two_words"):
        assert f"#SBATCH --{line}" in lines


@pytest.mark.parametrize("serialised", [False, True])
def test_resources_as_an_object(serialised):
    resources = QResources(processes=2, time_limit=3600)
    given = stored_resources(resources.as_dict()) if serialised else resources
    script = render_script(build_scheduler("slurm"), ScriptSpec("/run", "x", "job", given))
    assert "#SBATCH --ntasks=2" in script
    assert "#SBATCH --output=/run/queue.out" in script


@pytest.mark.parametrize(
    "resources", [{"nodes": 2}, QResources(processes=2)], ids=["keywords", "object"]
)
def test_the_configuration_is_left_alone(resources):
    before = deepcopy(resources)
    render_script(build_scheduler("slurm"), ScriptSpec("/run", "x", "job", resources))
    assert resources == before


@pytest.mark.parametrize(
    ("scheduler", "resources", "words"),
    [
        ("slurm", {"ntask": 4}, "ntasks"),
        ("slurm", {"qout_pathh": "x"}, "qout_path"),
        ("shell", {"nodes": 1}, "nodes"),
        ("pbs", {"wall_time": 1}, "walltime"),
        ("shell", QResources(processes=2), "processes"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(scheduler, resources, words):
    with pytest.raises(ConfigError, match=words):
        render_script(build_scheduler(scheduler), ScriptSpec("/run", "x", "job", resources))


def test_slurm_directives_with_a_space_are_one_argument():
    spec = ScriptSpec("/work dir/run", "x", "job", {})
    script = render_script(build_scheduler("slurm"), spec)
    (line,) = [line for line in script.splitlines() if "--output" in line]
    assert line in (
        '#SBATCH --output="/work dir/run/queue.out"',
        "#SBATCH --output='/work dir/run/queue.out'",
        "#SBATCH --output=queue.out",
    )


def test_an_unknown_scheduler_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="slurm"):
        build_scheduler("slrum")


def bash(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=20,
        env={"PATH": "/usr/bin:/bin", "BASE": "/base", "HOME": "/home/somebody", **env},
        check=False,
    )


def run_shell_script(
    run_dir: Path, spec: ScriptSpec, **env: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run a script of the shell scheduler; (the process, what is in queue.out)."""
    done = run_script(run_dir, spec, "shell", **env)
    log = run_dir / "queue.out"
    return done, log.read_text() if log.exists() else ""


def run_script(
    run_dir: Path, spec: ScriptSpec, scheduler: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as a queue would."""
    (run_dir / "submit.sh").write_text(render_script(build_scheduler(scheduler), spec))
    return bash("bash ./submit.sh", run_dir, **env)


def start_file(run_dir: Path) -> Start:
    start = parse_start((run_dir / "jfr_started").read_text())
    assert start is not None
    return start


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
