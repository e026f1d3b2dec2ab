"""Write the lock files from what pyproject.toml declares: `python3 requirements/lock.py [--upgrade]`.

Each is a list of exact versions with hashes that any pip reads. A version stays where it still fits; `--upgrade` takes
the newest of everything. uv resolves, for every platform and Python at once; its own version is pinned here.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
UV = "uv==0.13.9"
TOOL = ROOT / ".tools" / "venv-uv"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BACKEND: list[str] = PROJECT["build-system"]["requires"]
RUN: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]

# For people at a desk: directories and colours. A host sends a list and reads text, so the image goes without them.
DESK = ("pathspec", "rich")

# What each file locks. `test` is what bootstrap.py installs; a file after it has the versions of those before it.
FILES = {
    "test": [*RUN, *EXTRAS["test"], *EXTRAS["style"], *BACKEND],
    "run": [one for one in RUN if not one.startswith(DESK)],
    "desk": RUN,
    "build": BACKEND,
    "page": EXTRAS["page"],
    "mesh": EXTRAS["mesh"],
    "otel": EXTRAS["otel"],
    "services": EXTRAS["services"],
    "release": EXTRAS["release"],
    "docs": EXTRAS["docs"],
    "lowest": [*RUN, *EXTRAS["test"], *BACKEND],
}
ALONE = ("test", "lowest")


def main() -> None:
    """Write every file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest of everything that is not bounded")
    options = ["--upgrade"] if parser.parse_args().upgrade else []
    uv = _uv()
    before: list[str] = []
    for name, needed in FILES.items():
        earlier = [] if name in ALONE else before
        _compile(uv, name, needed, [*options, *(f"--constraint={HERE / one}.txt" for one in earlier)])
        before.append(name)


def header(name: str) -> str:
    """Return a lock file's first line, which says what it was made for: a test holds it against pyproject.toml."""
    declared = hashlib.sha256("\n".join(FILES[name]).encode()).hexdigest()[:16]
    return f"# Written by requirements/lock.py: do not edit. Declared: {declared}"


def _uv() -> Path:
    python = TOOL / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(TOOL, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", UV], check=True)
    return python.with_name("uv")


def _compile(uv: Path, name: str, needed: list[str], options: list[str]) -> None:
    target = HERE / f"{name}.txt"
    python = PROJECT["project"]["requires-python"].removeprefix(">=")
    command: list[str | Path] = [uv, "pip", "compile", f"--python-version={python}", f"--output-file={target}"]
    command += ["--universal", "--generate-hashes", "--no-build", "--no-config", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
    if name == "lowest":  # what is declared goes to its bound, whatever fitted before; the rest stays
        command += ["--resolution=lowest-direct"]
        command += [f"--upgrade-package={re.split('[^A-Za-z0-9._-]', one)[0]}" for one in needed]
    subprocess.run([*command, *options, "-"], input="\n".join(needed), text=True, check=True, cwd=ROOT)
    target.write_text(f"{header(name)}\n{target.read_text()}")


if __name__ == "__main__":
    main()
