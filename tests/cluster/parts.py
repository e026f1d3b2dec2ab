"""The parts that the tests of this folder need: where they are, and what to do when one is missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from mesh.parts import may_skip

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"


def program(name: str, part: str = "") -> str:
    """Return the path of a program; without it the test is skipped or, in CI, fails."""
    return shutil.which(name) or _missing(part or name)


def definitions() -> list[Path]:
    """Return the files with the CustomResourceDefinitions of Istio and of the Gateway API."""
    return [file("mesh", TOOLS / "crds" / name) for name in ("istio.yaml", "gateway-api.yaml")]


def file(part: str, path: Path) -> Path:
    """Return a file that a part brings; without it the test is skipped or, in CI, fails."""
    return path if path.is_file() else _missing(part)


def _missing(part: str) -> NoReturn:
    message = f"{part} is missing: run .ci/parts/{part}"
    if may_skip(part):
        pytest.skip(message)
    pytest.fail(message)
