"""Build the wheels and the sdist, and try them in clean environments: ``make test-packages``.

What an archive has to hold is compared with the repository; then each Python that can be found
gets an environment without extras, one for each extra, and one with the lowest dependencies, and
the installed `jf` runs a job there. Environments are made by uv.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))
IMPORTS = {
    "demo": "jfr_cli.demo_jobs",
    "ssh": "controller.hosts.ssh",
    "msgspec": "msgspec",
    "metrics": "prometheus_client",
    "notify": "apprise",
    "gui": "jfr_web.app",
}
"""{extra: a module that needs it}."""
FLOW = "from jobflow import job\n\n@job\ndef add(a, b):\n    return a + b\n"


def run(*words: str, env: Mapping[str, str] | None = None, code: int = 0) -> str:
    """Run a program outside the repository and return what it writes."""
    done = subprocess.run(
        words, env=env, capture_output=True, text=True, cwd=tempfile.gettempdir(), check=False
    )
    if done.returncode != code:
        raise SystemExit(f"{' '.join(words)} exits {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> tuple[Path, Path, Path]:
    """Build wheel, sdist and the wheel of the second distribution."""
    for source, kinds in ((ROOT, ("--wheel", "--sdist")), (ROOT / "compat", ("--wheel",))):
        run(
            sys.executable,
            "-m",
            "build",
            *kinds,
            "--no-isolation",
            "--outdir",
            str(folder),
            str(source),
        )
    (wheel,) = folder.glob("jfr-*.whl")
    (sdist,) = folder.glob("jfr-*.tar.gz")
    (compat,) = folder.glob("jfr_jobflow_remote-*.whl")
    return wheel, sdist, compat


def check_content(wheel: Path, sdist: Path) -> None:
    """Compare what the archives hold with what the repository has."""
    kept = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packages = [n for n in kept if n.partition("/")[0] in ("controller", "jfr_cli", "jfr_web")]
    missing = [n for n in packages if n not in names]
    shared = [n.partition(".data/data/")[2] for n in names if ".data/data/" in n]
    wanted = {"share/bash-completion/completions/jf", "share/zsh/site-functions/_jf"}
    wanted |= {"share/fish/vendor_completions.d/jf.fish"}
    wanted |= {f"share/man/man1/{Path(n).name}" for n in kept if n.startswith("docs/man/")}
    missing += sorted(wanted - set(shared))
    with tarfile.open(sdist) as archive:
        inside = {n.partition("/")[2] for n in archive.getnames()}
    missing += [n for n in kept if not n.startswith((".ci", "compat", ".git")) and n not in inside]
    if missing:
        raise SystemExit(f"not in the archives: {missing}")
    print(f"{wheel.name}: {len(names)} files; {sdist.name}: {len(inside)}")


def environment(folder: Path, python: str, *packages: str, lowest: bool = False) -> Path:
    """Make a clean environment, and return its folder of programs."""
    run(UV, "venv", "--quiet", "--python", python, str(folder))
    resolution = ("--resolution", "lowest-direct") if lowest else ()
    run(UV, "pip", "install", "--quiet", "--python", str(folder), *resolution, *packages)
    return folder / "bin"


def try_it(binaries: Path, folder: Path, extra: str | None) -> str:
    """Let an installed `jf` run a job; returns the first line of its version."""
    folder.mkdir()
    (folder / "flows.py").write_text(FLOW)
    (folder / "settings.yaml").touch()
    env = {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "JFREMOTE_PROJECTS_FOLDER": str(folder / "projects"),
        "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
        "PYTHONPATH": str(folder),
    }
    jf = str(binaries / "jf")
    facts = json.loads(run(jf, "--version", "--json", env=env))
    installed = [name for name, is_there in facts["extras"].items() if is_there]
    if extra is not None:
        run(str(binaries / "python"), "-c", f"import {IMPORTS[extra]}", env=env)
        if extra not in installed:
            raise SystemExit(
                f"{extra} is installed, and `jf --version` does not say so: {installed}"
            )
        return f"Python {facts['python']}"
    run(jf, "quickstart", env=env)
    run(jf, "flow", "submit", f"{folder}/flows.py:add", "a=1", "b=2", env=env)
    run(jf, "runner", "run", "--until-idle", env=env)
    if run(jf, "job", "output", "1", env=env).strip() != "3":
        raise SystemExit("the job did not give 3")
    run(jf, "top", env=env)
    run(jf, "admin", "doctor", env=env)
    return f"Python {facts['python']}, extras {installed}"


def main() -> int:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    with tempfile.TemporaryDirectory(prefix="jfr-packages-") as name:
        folder = Path(name)
        wheel, sdist, compat = build(folder)
        check_content(wheel, sdist)
        for wanted in sys.argv[1:] or ["3.11"]:
            try:
                python = run(UV, "python", "find", "--no-project", wanted).strip()
            except SystemExit:
                print(f"Python {wanted}: not here, left out")
                continue
            cases: list[tuple[str, tuple[str, ...], bool, str | None]] = [
                ("plain", (str(wheel),), False, None),
                ("from the sdist", (str(sdist),), False, None),
                ("lowest", (str(wheel),), True, None),
                *((x, (f"{wheel}[{x}]",), False, x) for x in extras if x in IMPORTS),
            ]
            for what, packages, lowest, extra in cases:
                place = folder / "environment"
                binaries = environment(place, python, *packages, lowest=lowest)
                said = try_it(binaries, folder / "home", extra)
                print(f"{what}: {said}", flush=True)
                shutil.rmtree(place)
                shutil.rmtree(folder / "home")
        binaries = environment(folder / "environment", sys.executable, str(wheel), str(compat))
        code = (
            "import jobflow_remote; from jobflow_remote.jobs.data import JobInfo; "
            "print(jobflow_remote.submit_flow)"
        )
        print("jfr-jobflow-remote:", run(str(binaries / "python"), "-c", code).strip())
        tools = {**os.environ, "UV_TOOL_DIR": f"{folder}/tools", "UV_TOOL_BIN_DIR": f"{folder}/bin"}
        run(UV, "tool", "install", "--quiet", "--python", sys.executable, str(wheel), env=tools)
        print("uv tool:", run(f"{folder}/bin/jf", "--version").splitlines()[0])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
