"""Real programs as pods of a mesh: each listens where its pod does, and what it asks goes through its own sidecar.

In a cluster a program asks a Service by its name, DNS gives it the cluster IP, and iptables leads the connection to
the sidecar. Here its hosts file, mounted for it alone, gives it an address of loopback for each Service, on which a
relay of this pod's leads to the sidecar.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from .backends import cancel_all
from .envoy import GUARDED
from .network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .asking import Line
    from .mesh import Mesh
    from .model import Pod, Service

_START_SECONDS = 120.0  # a Java with an agent, on a busy machine
_OWN_HOSTS = 'mount --bind "$0" /etc/hosts && exec "$@"'


@dataclass(frozen=True, slots=True)
class Program:
    """What a pod runs: a command, and variables beside those of this process."""

    command: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)


class Processes:
    """The programs of some pods of a mesh, which were left out of it by `elsewhere`. Use it in a `with`.

    Each gets its address in HOST and its name in POD. RuntimeError: one ended, or does not listen in time.
    """

    def __init__(self, mesh: Mesh, programs: Mapping[str, Program], directory: Path) -> None:
        self._mesh, self._programs, self._directory = mesh, programs, directory
        self._network = Network()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mesh-relays", daemon=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            first = self._network.claim().removesuffix("0.0")
            for number, (name, program) in enumerate(self._programs.items(), 1):
                self._start(self._mesh.pod(name), program, f"{first}{number}")
            for name in self._programs:
                self._wait(self._mesh.pod(name))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.stdin.close()  # the guard's sign to end it
            process.wait(10)
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(cancel_all(), self._loop).result(5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        self._loop.close()
        self._network.release()

    def log(self, name: str) -> str:
        """Return what a pod's program has printed, its end."""
        return (self._directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def _start(self, pod: Pod, program: Program, network: str) -> None:
        """Start a pod's program; `network` is a /24 of loopback for what it knows of Services."""
        lines = ["127.0.0.1 localhost"]
        sidecar = self._mesh.sidecar(pod.namespace, pod=pod.name)
        for number, service in enumerate(self._mesh.cluster.services.values(), 1):
            address = f"{network}.{number}"
            lines.append(f"{address} {' '.join(_names(service, pod.namespace))}")
            for port in service.ports:
                self._relay(address, port.number, sidecar.line(service, port.number))
        hosts = self._directory / f"{pod.name}.hosts"
        hosts.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        rights = [] if os.geteuid() == 0 else ["--map-root-user"]
        own = ["unshare", "--mount", *rights, "/bin/sh", "-c", _OWN_HOSTS, str(hosts)]
        with (self._directory / f"{pod.name}.log").open("wb") as log:
            self._running[pod.name] = subprocess.Popen(
                ["/bin/sh", "-c", GUARDED, "sh", *own, *map(str, program.command)],
                env={**os.environ, **program.env, "HOST": pod.address, "POD": pod.name},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _relay(self, address: str, port: int, line: Line) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = await asyncio.open_unix_connection(str(line.listener))
            there[1].write(line.greeting())
            await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))

        made = asyncio.run_coroutine_threadsafe(asyncio.start_server(connected, address, port), self._loop)
        made.result(10)

    def _wait(self, pod: Pod) -> None:
        """Wait until a pod's program listens on its ports."""
        until = time.monotonic() + _START_SECONDS
        for address, port in [place for place, one in self._mesh.cluster.listening.items() if one is pod]:
            while not asyncio.run_coroutine_threadsafe(_listens(address, port), self._loop).result(10):
                if self._running[pod.name].poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the program of {pod.name} does not listen: {self.log(pod.name)}")
                time.sleep(0.1)


def _names(service: Service, namespace: str) -> list[str]:
    """Return the names by which the DNS of a pod's namespace knows a Service."""
    long = f"{service.name}.{service.namespace}"
    return [*([service.name] if service.namespace == namespace else []), long, f"{long}.svc.cluster.local"]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # the other side went away
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _listens(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.close()
    return True
