"""The end of a test run: one line per part that is missing."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_skips_are_a_line_per_part(tmp_path):
    """Tests in several places that want one part are one line with their number, each part once."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    for name, part in (("one", "kpt"), ("two", "kpt"), ("three", "podman")):
        lines = f"pytest.skip('{name}: {part} is not installed; .ci/parts/{part} says how to get it')"
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\ndef test_a():\n {lines}\ndef test_b():\n {lines}\n")
    env = {key: value for key, value in os.environ.items() if key != "CI"}
    command = [sys.executable, "-m", "pytest", "-rfExX", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)
    skips = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert [line.split(":")[0] for line in skips] == ["SKIPPED 4 tests", "SKIPPED 2 tests"]
    assert ".ci/parts/kpt" in skips[0]
