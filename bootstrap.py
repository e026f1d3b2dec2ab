"""Make `.venv` with the project in it, on a machine that has only git and Python.

The packages are the exact ones of `requirements/test.txt`, each held against its hash. `tests/run.py` and
`examples/run.py` start here; `python3 bootstrap.py` does nothing else. Only the standard library, and nothing
newer than Python 3.8 reads, so that an old Python gets the message rather than a SyntaxError.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements" / "test.txt"
NEEDED = (3, 11)
EDITABLE = ("--no-deps", "--no-build-isolation", "--editable", ROOT)


def environment() -> Path:
    """Return the folder of commands of `.venv`, made and filled where it is not up to date.

    Exits with a message that says what to install where Python is too old, cannot make a virtual environment,
    or pip cannot fetch the dependencies.
    """
    return filled(VENV, "--require-hashes", "--requirement", LOCK)


def filled(
    venv: Path,
    *packages: str | Path,
    python: str | Path = sys.executable,
    project: tuple[str | Path, ...] = EDITABLE,
) -> Path:
    """Return the folder of commands of an environment that holds `packages`, words for pip, and the project itself.

    `python` makes the environment; `project` are the words for pip that put the project into it: as it stands here,
    for which the build backend must be among the packages, or a wheel. Exits as `environment` does.
    """
    if sys.version_info < NEEDED:
        sys.exit("Python {}.{} or newer is needed; this is {}".format(*NEEDED, sys.version.split()[0]))
    commands = venv / ("Scripts" if os.name == "nt" else "bin")
    stamp = venv / "installed-from"  # what the environment was last filled from
    wanted = _fingerprint((*packages, *project), python)
    if stamp.exists() and stamp.read_text() == wanted:
        return commands
    install = _pip(venv, commands / "python", python)
    print(f"installing the project into {venv.relative_to(ROOT)} ...", file=sys.stderr)
    if subprocess.run([*install, *packages], check=False).returncode:
        sys.exit("pip could not install the project's dependencies; see above. Is a package index reachable?")
    if subprocess.run([*install, *project], check=False).returncode:
        sys.exit(f"pip could not install the project itself into {venv.relative_to(ROOT)}; see above")
    stamp.write_text(wanted)
    return commands


def run(*command: str | Path) -> int:
    """Run a command of the environment from the project's folder and return its exit code."""
    commands = environment()
    path = os.pathsep.join([str(commands), os.environ.get("PATH", "")])
    executable = commands / command[0]
    done = subprocess.run([executable, *command[1:]], cwd=ROOT, env={**os.environ, "PATH": path}, check=False)
    return done.returncode


def _fingerprint(packages: tuple[str | Path, ...], base: str | Path) -> str:
    """Return what an environment depends on: the project, its lock file, its Python, and where the code is."""
    files = [ROOT / "pyproject.toml", *(one for one in packages if isinstance(one, Path) and one.is_file())]
    declared = b"".join(file.read_bytes() for file in files)
    version = subprocess.run([base, "-c", "import sys; print(sys.version)"], stdout=subprocess.PIPE, check=True).stdout
    return hashlib.sha256(declared + version + str(ROOT).encode()).hexdigest()


def _pip(venv: Path, python: Path, base: str | Path) -> list[str | Path]:
    """Return the start of a pip command that installs into an environment, which `base` makes where it is missing."""
    if python.exists() and _answers(python, "-m", "pip"):
        return [python, "-m", "pip", "install", "--quiet"]
    # Debian keeps the pip that `venv` would copy (ensurepip) in a package of its own.
    if _answers(base, "-m", "ensurepip"):
        subprocess.run([base, "-m", "venv", venv], check=True)
        return [python, "-m", "pip", "install", "--quiet"]
    if _answers(base, "-m", "pip"):  # the machine's own pip can install into it as well
        subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True)
        return [base, "-m", "pip", "--python", python, "install", "--quiet"]
    sys.exit("this Python has no pip; on Debian and Ubuntu: apt-get install python3-venv, then run this again")


def _answers(*command: str | Path) -> bool:
    return subprocess.run([*command, "--version"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    environment()
