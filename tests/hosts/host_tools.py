"""What the tests of the hosts share: finding a real part, running it, reading what came out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
GENERATED_KINDS = {"VirtualService", "DestinationRule"}
OWNER = "virtual-env-fn.dev/owner"
TIMEOUT = 300  # seconds; a host that hangs must not hang the suite

# The command of the environment that runs the tests comes first, then the parts that .ci/parts installed.
SEARCH_PATH = os.pathsep.join([str(Path(sys.executable).parent), str(TOOLS / "bin"), os.environ.get("PATH", "")])


def part(name: str) -> str:
    """Return the path of a real host; without it the test is skipped, or fails in CI, as `missing` says."""
    found = shutil.which(name, path=SEARCH_PATH)
    return found or missing(name, f"{name} is not installed; .ci/parts/{name} says how to get it")


def missing(name: str, reason: str) -> NoReturn:
    """Skip the test for want of a part, or fail it where CI should have that part.

    CI=true demands every part but those named in VENV_FN_MISSING, which .ci/run fills after it has printed
    why each could not be installed.
    """
    if os.environ.get("CI") == "true" and name not in os.environ.get("VENV_FN_MISSING", "").split():
        pytest.fail(reason)
    pytest.skip(reason)


def environment(home: Path, **extra: str) -> dict[str, str]:
    """Return this process' environment with the parts on PATH and a home folder of the test's own."""
    env = dict(os.environ) | {"PATH": SEARCH_PATH, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    conf = TOOLS / "containers.conf"
    if conf.exists():
        env["CONTAINERS_CONF"] = str(conf)
    return env | extra


def run(
    *argv: str | Path, cwd: Path, env: dict[str, str], stdin: str = "", code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return it; its own words are the message when the exit code is another."""
    done = subprocess.run(
        [str(arg) for arg in argv],
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == code, f"{argv} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def documents(text: str) -> list[dict[str, Any]]:
    """Return the objects of a stream of YAML documents, or the items of the ResourceList that it is."""
    found = [doc for doc in yaml.load_all(text, yaml.CSafeLoader) if doc]
    if len(found) == 1 and found[0]["kind"] == "ResourceList":
        return found[0]["items"]
    return found


def routes(text: str) -> dict[tuple[str, str], Any]:
    """Return the spec of each VirtualService and DestinationRule, by kind and name."""
    return {
        (doc["kind"], doc["metadata"]["name"]): doc["spec"] for doc in documents(text) if doc["kind"] in GENERATED_KINDS
    }


def package_text(package: Path) -> str:
    """Return the manifests of a kpt package as one stream; what .krmignore names stays out."""
    ignored = {line for line in (package / ".krmignore").read_text().splitlines() if not line.startswith("#")}
    files = sorted(path for path in package.rglob("*.yaml") if path.name not in {*ignored, "kustomization.yaml"})
    return "\n---\n".join(path.read_text() for path in files)


def package_bytes(package: Path) -> dict[str, bytes]:
    """Return every file of a folder, by its path in it."""
    return {str(path.relative_to(package)): path.read_bytes() for path in sorted(package.rglob("*")) if path.is_file()}
