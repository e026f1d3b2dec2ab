"""Build the wheel, and pass the source archive's unit tests with it: on every Python of this machine that it is for.

The lowest declared versions of the dependencies go with the lowest Python, the locked ones with every other, and the
newest with the newest Python. All must pass but the last: what fails with the newest versions is printed, so that a
release of somebody else is known early and turns no change red. Each line of output says whose it is.
"""

from __future__ import annotations

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "requirements"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import lock

import bootstrap

ROOT = bootstrap.ROOT
WORK = ROOT / ".tools" / "wheel"
LOGS = ROOT / ".tools" / "log"
SECONDS = 3000  # for all of them: four runs share two cores
PYTEST = ("-m", "pytest", "--unit", "-q", "-p", "no:cacheprovider")
VERSION = "import sys; print(*sys.version_info[:3])"
INSTALLED = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"


class Run(NamedTuple):
    """One environment: its name, the words for pip that fill it, the Python it is made with, and if it must pass."""

    name: str
    packages: tuple[str | Path, ...]
    python: Path
    must: bool = True


def main() -> int:
    """Make every environment, then run two at a time; return 1 if the tests fail where they must pass."""
    started = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(WORK, ignore_errors=True)
    wheel, sources = _distribution()
    runs = list(_runs(_pythons()))
    environments = {run: commands for run in runs if (commands := _filled(run, wheel))}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:  # as many as CI has processors
        ended = pool.map(lambda run: _tests(run, environments[run], sources), environments)
        codes = dict(zip(environments, ended, strict=True))
    for run, code in codes.items():
        if run.name == "newest":
            _say(run.name, _unlike_the_lock(environments[run]))
        if code and not run.must:
            _say(run.name, ["!! the tests fail with the newest versions; the locked ones are what counts"])
    print(f"   wheel | {wheel.name} on {len(codes)} environments in {time.monotonic() - started:.0f} s")
    return int(any(code for run, code in codes.items() if run.must))


def _distribution() -> tuple[Path, Path]:
    """Build with the project's own Python; return the wheel, and the archive unpacked without the package itself."""
    command = [bootstrap.environment() / "python", ROOT / ".ci" / "distribution.py", "-o", WORK]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    archive, wheel = map(Path, done.stdout.split())
    with tarfile.open(archive) as opened:
        opened.extractall(WORK, filter="data")
    sources = WORK / archive.name.removesuffix(".tar.gz")
    shutil.move(sources / "krm_fn", WORK / "not-imported")  # the tests must find the wheel's
    return wheel, sources


def _pythons() -> list[Path]:
    """Return the newest Python of each minor version that the project is for, oldest first: this one's among them."""
    folders = [Path(one) for one in os.environ.get("PATH", "").split(os.pathsep) if one]
    folders += Path.home().glob(".pyenv/versions/*/bin")
    found = [path for folder in folders for path in folder.glob("python3*") if re.fullmatch(r"python3\.\d+", path.name)]
    newest: dict[tuple[int, int], tuple[int, Path]] = {}
    for path in [Path(sys.executable), *found]:
        done = subprocess.run([path, "-c", VERSION], capture_output=True, text=True, check=False)
        if done.returncode == 0:  # a shim of pyenv without its version ends with another
            major, minor, micro = map(int, done.stdout.split())
            if (major, minor) >= bootstrap.NEEDED and micro > newest.get((major, minor), (-1, path))[0]:
                newest[major, minor] = (micro, path)
    return [newest[version][1] for version in sorted(newest)]


def _runs(pythons: list[Path]) -> Iterator[Run]:
    locked = ("--require-hashes", "--requirement", lock.HERE / "test.txt")
    yield Run("lowest", ("--require-hashes", "--requirement", lock.HERE / "lowest.txt"), pythons[0])
    for python in pythons[1:]:
        yield Run(_named(python), locked, python)
    yield Run("newest", ("--upgrade", *lock.FILES["lowest"]), pythons[-1], must=False)


def _named(python: Path) -> str:
    done = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=True)
    return "python" + ".".join(done.stdout.split())


def _filled(run: Run, wheel: Path) -> Path | None:
    """Return the commands of an environment with the wheel in it; None where one that need not be cannot be made."""
    venv = ROOT / ".tools" / f"venv-{run.name}"
    shutil.rmtree(venv, ignore_errors=True)
    try:
        return bootstrap.filled(venv, *run.packages, python=run.python, project=("--no-deps", wheel))
    except SystemExit as error:
        if run.must:
            raise
        _say(run.name, [f"!! not tried: {error}"])
        return None


def _tests(run: Run, commands: Path, sources: Path) -> int:
    """Pass the tests; print the last line, and all that failed; return the exit code."""
    environment = {**os.environ, "PATH": os.pathsep.join([str(commands), os.environ.get("PATH", "")])}
    environment.pop("CI", None)  # the parts are not there: what needs one skips here, and runs among all tests
    environment["VENV_FN_DERANDOMIZE"] = "yes"  # as CI does otherwise
    copy = Path(shutil.copytree(sources, WORK / run.name))
    with (LOGS / run.name).open("wb") as log:
        command = [commands / "python", *PYTEST]
        try:
            done = subprocess.run(
                command, cwd=copy, env=environment, stdout=log, stderr=log, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            _say(run.name, [f"!! stopped after {SECONDS} s"])
            return 1
    lines = (LOGS / run.name).read_text(errors="replace").splitlines()
    _say(run.name, lines[-60:] if done.returncode else lines[-1:])
    return done.returncode


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
