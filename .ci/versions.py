"""Pass the unit tests with the lowest declared versions of the dependencies, and with the newest, side by side.

The lowest must pass. The newest need not: what fails with them is printed, so that a release of somebody else is
known early and turns no change red. Each line of output says whose it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "requirements"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import lock

import bootstrap

ROOT = bootstrap.ROOT
LOGS = ROOT / ".tools" / "log"
SECONDS = 1800
PYTEST = ("-m", "pytest", "--unit", "-q", "-p", "no:cacheprovider")
INSTALLED = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"


def main() -> int:
    """Make both environments, then run both; return 1 if the tests fail with the lowest."""
    started = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    lowest = _lowest()
    runs = {"lowest": _start("lowest", lowest)}
    newest = _newest()
    if newest:
        runs["newest"] = _start("newest", newest)
    codes = {name: _end(name, run, started) for name, run in runs.items()}
    if newest:
        _say("newest", _unlike_the_lock(newest))
    if codes.get("newest"):
        _say("newest", ["!! the tests fail with the newest versions; the locked ones are what counts"])
    return int(codes["lowest"] != 0)


def _lowest() -> Path:
    return bootstrap.filled(ROOT / ".tools" / "venv-lowest", "--require-hashes", "-r", lock.HERE / "lowest.txt")


def _newest() -> Path | None:
    """Return the commands of an environment made anew with all that the index has today; None if that fails."""
    venv = ROOT / ".tools" / "venv-newest"
    shutil.rmtree(venv, ignore_errors=True)
    try:
        return bootstrap.filled(venv, "--upgrade", *lock.FILES["lowest"])
    except SystemExit as error:
        _say("newest", [f"!! not tried: {error}"])
        return None


def _start(name: str, commands: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PATH": os.pathsep.join([str(commands), os.environ.get("PATH", "")])}
    with (LOGS / name).open("wb") as log:
        return subprocess.Popen([commands / "python", *PYTEST], cwd=ROOT, env=environment, stdout=log, stderr=log)


def _end(name: str, run: subprocess.Popen[bytes], started: float) -> int:
    """Wait for a run and print its last line, and all that failed; return its exit code."""
    try:
        code = run.wait(timeout=max(1, SECONDS - (time.monotonic() - started)))
    except subprocess.TimeoutExpired:
        run.kill()
        code = run.wait()
        _say(name, [f"!! stopped after {SECONDS} s"])
    lines = (LOGS / name).read_text(errors="replace").splitlines()
    _say(name, lines[-60:] if code else lines[-1:])
    return code


def _unlike_the_lock(commands: Path) -> list[str]:
    """Return a line for each package that is newer than the locked one."""
    done = subprocess.run([commands / "python", "-c", INSTALLED], capture_output=True, text=True, check=True)
    here = {re.sub("[-_.]+", "-", name).lower(): version for name, version in map(str.split, done.stdout.splitlines())}
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (lock.HERE / "test.txt").read_text(), re.MULTILINE))
    return [
        f"{name} {here[name]}, locked is {version}"
        for name, version in locked.items()
        if here.get(name, version) != version
    ]


def _say(name: str, lines: list[str]) -> None:
    for line in lines:
        print(f"   {name} | {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
