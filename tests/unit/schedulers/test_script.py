"""The submission script, as text and as what bash makes of it."""

from __future__ import annotations

import subprocess
from copy import deepcopy
from pathlib import Path

import pytest
from qtoolkit.core.data_objects import QResources

from controller.errors import ConfigError
from controller.schedulers import ScriptSpec, render_script
from controller.schedulers.queue import build_scheduler
from controller.schedulers.resources import stored_resources
from controller.schedulers.script import body_lines, quote_export

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
    assert [line for line in lines[2:] if line] == [
        "worker before",
        "config before",
        "export A=1",
        "module load m/1",
        "module load n",
        "jf execution run '/run dir'",
        "jfr_status=$?",
        'echo "$jfr_status" > jfr_exit',
        "worker after",
        "config after",
        'exit "$jfr_status"',
    ]


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
    spec = ScriptSpec(str(tmp_path), "echo run >> ledger", "job", {})
    for _ in range(2):
        run_shell_script(tmp_path, spec, SLURM_JOB_ID="77")
    run_shell_script(tmp_path, spec, SLURM_JOB_ID="78")
    assert (tmp_path / "ledger").read_text() == "run\nrun\n"


def test_the_start_tells_who_runs(tmp_path):
    run_shell_script(tmp_path, ScriptSpec(str(tmp_path), "echo $$ > pid", "job", {}))
    pid, start = (tmp_path / "jfr_started").read_text().split()
    assert pid == (tmp_path / "pid").read_text().strip()
    assert start.isdigit()


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
    (run_dir / "submit.sh").write_text(render_script(build_scheduler("shell"), spec))
    done = bash("bash ./submit.sh", run_dir, **env)
    log = run_dir / "queue.out"
    return done, log.read_text() if log.exists() else ""
