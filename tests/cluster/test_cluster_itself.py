"""The cluster of the tests: it ends with whoever started it, and a part that is missing is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from . import parts

START = "from cluster import Cluster; c = Cluster(); print(*(s.process.pid for s in c._servers), flush=True); input()"


def test_servers_die_with_whoever_started_them():
    """After SIGKILL, which nobody can handle, neither etcd nor the API server nor the controllers run on."""
    parts.program("cluster")
    parts.definitions()
    started = subprocess.Popen(
        [sys.executable, "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{parts.ROOT / 'tests'}:{parts.ROOT}"},
    )
    servers = [int(word) for word in started.stdout.readline().split()]
    assert len(servers) == 3
    assert all(map(runs, servers))
    started.send_signal(signal.SIGKILL)
    started.wait()
    until = time.monotonic() + 30
    while any(map(runs, servers)):
        assert time.monotonic() < until, servers
        time.sleep(0.1)


def test_a_part_that_is_missing(monkeypatch):
    """Without a part a test skips and names the script that brings it; in CI it fails, unless CI said why."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"run \.ci/parts/argocd"):
        parts.program("no-such-program", "argocd")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("VENV_FN_MISSING", "")
    with pytest.raises(pytest.fail.Exception, match=r"run \.ci/parts/argocd"):
        parts.program("no-such-program", "argocd")
    monkeypatch.setenv("VENV_FN_MISSING", "mesh argocd")
    with pytest.raises(pytest.skip.Exception):
        parts.program("no-such-program", "argocd")


def runs(pid):
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
