"""The control plane: one process of `server/` for the whole test run, and the worlds that it serves."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from . import parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .model import Manifest

_TAIL = 4000  # bytes of the log that a failure shows


class MeshRejected(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """Istio or Envoy does not take a configuration; the message is its own reason."""


class Istiod:
    """A running server. It ends when its stdin does: with this process, however that ends."""

    def __init__(self, settings: Mapping[str, str] | None = None, schemas: Iterable[Path] = ()) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long; no name, so nobody can remove it
        self._process = subprocess.Popen(
            [parts.server(), "-crds", ",".join(map(str, tuple(schemas) or parts.schemas()))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: we end it in order
            env={**os.environ, **(settings or {})},
        )
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def open(self, documents: Iterable[Manifest], directory: Path) -> tuple[Path, list[str]]:
        """Serve these documents; return the socket, and Istio's warnings. MeshRejected: with its reasons."""
        world, socket = directory / "world.json", directory / "xds.sock"
        world.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
        said = self._ask(f"open {world} {socket}")
        if said.get("rejected"):
            raise MeshRejected("\n".join(said["rejected"]))
        return socket, said.get("warnings") or []

    def shut(self, socket: Path) -> None:
        """Stop serving a world."""
        if self.running:
            self._ask(f"close {socket}")

    def certificate(self, directory: Path) -> tuple[Path, Path]:
        """Have a self-signed certificate and its key written into a directory."""
        self._ask(f"certificate {directory}")
        return directory / "certificate.pem", directory / "key.pem"

    def stop(self) -> None:
        """End the process and wait for it; one that has ended already is fine."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()

    def _ask(self, request: str) -> dict[str, list[str]]:
        with self._lock:
            requests, answers = self._process.stdin, self._process.stdout
            assert requests
            assert answers
            try:
                requests.write(request + "\n")
                requests.flush()
                # Istio's packages log to stdout before main() can tell them not to: those lines are no answers.
                line = next((line for line in answers if line.startswith("{")), "")
            except BrokenPipeError:
                line = ""
        if not line:
            raise MeshRejected(f"the control plane ended at {request!r}; its log:\n{self._tail()}")
        said: dict[str, list[str]] = json.loads(line)
        return said

    def _tail(self) -> str:
        log = self._log.fileno()
        # At a place of its own: the server writes on from where the file's position stands.
        said = os.pread(log, _TAIL, max(0, os.fstat(log).st_size - _TAIL))
        return said.decode("utf-8", errors="replace")


@cache
def shared() -> Istiod:
    """Return the process that all meshes of this run share."""
    istiod = Istiod()
    atexit.register(istiod.stop)
    return istiod
