"""The servers of a cluster: one set for the whole test run. They end when this process does, however it ends."""

from __future__ import annotations

import atexit
import http.client
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import yaml

from . import parts
from .api import Api, Refused

_TOKEN = "test"  # noqa: S105 - of a server on loopback that lives as long as the tests
_START = 60  # seconds
_TRIES = 3  # a free port may be taken by somebody else before it is ours
_TAIL = 3000  # characters of a log that a failure shows


class Server:
    """A process that ends when its stdin does."""

    def __init__(self, folder: Path, name: str, *command: str, env: dict[str, str] | None = None) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | (env or {}),
                start_new_session=True,  # Ctrl-C is for us: we end it in order
            )

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-_TAIL:]


class Cluster:
    """A running API server with its store, garbage collector and the controller of namespaces. No pod ever runs.

    Attributes:
        api: a client.
        kubeconfig: the file by which other programs reach it.
        env: the environment for such programs, with a home folder of its own.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="virtual-env-fn-cluster-"))
        self._servers: list[Server] = []
        self._numbers = itertools.count(1)
        program = parts.program("cluster")
        definitions = parts.definitions()
        for left in reversed(range(_TRIES)):
            try:
                self._start(program)
                break
            except RuntimeError:
                self._end()
                if not left:
                    raise
        self.env = os.environ | {
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        found = [one for path in definitions for one in yaml.load_all(path.read_bytes(), yaml.CSafeLoader) if one]
        self.define([one for one in found if one["kind"] == "CustomResourceDefinition"])

    def namespace(self, prefix: str = "test") -> str:
        """Make a namespace of its own for a test and return its name."""
        name = f"{prefix}-{next(self._numbers)}"
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def define(self, definitions: list) -> None:
        """Add CustomResourceDefinitions and wait until their kinds are served."""
        for one in definitions:
            self.api.create(one)
        until = time.monotonic() + _START
        waiting = {one["metadata"]["name"] for one in definitions}
        while waiting:
            if time.monotonic() > until:
                raise RuntimeError(f"not served: {waiting}")
            found, _ = self.api.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            waiting -= {one["metadata"]["name"] for one in found if _established(one)}
            time.sleep(0.05)

    def run(self, *command: str | Path, cwd: Path | None = None, stdin: str = "", code: int | None = 0, **env: str):
        """Run a program against the cluster to its end; its own words are the message when it ends otherwise.

        `code` None takes any exit code.
        """
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=self.env | env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, said
        return done

    def stop(self) -> None:
        """End the servers and forget all that they kept."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, program: str) -> None:
        client, peer, secure = free_ports(3)
        store, certificates, key = self.folder / "etcd", self.folder / "certificates", self.folder / "key.pem"
        tokens = self.folder / "tokens.csv"
        tokens.write_text(f"{_TOKEN},admin,1,system:masters\n")
        subprocess.run([program, "key", str(key)], check=True)
        here, there = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        self._serve(
            "etcd",
            *(program, "etcd", "--data-dir", str(store), "--unsafe-no-fsync", "--log-level", "error"),
            *("--listen-client-urls", here, "--advertise-client-urls", here),
            *("--listen-peer-urls", there, "--initial-advertise-peer-urls", there),
            *("--initial-cluster", f"default={there}"),
        )
        self._serve(
            "apiserver",
            *(program, "apiserver", "--etcd-servers", here, "--cert-dir", str(certificates)),
            *("--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", str(secure)),
            *("--token-auth-file", str(tokens), "--authorization-mode", "AlwaysAllow"),
            *("--disable-admission-plugins", "ServiceAccount", "--endpoint-reconciler-type", "none"),
            *("--feature-gates", "HPAScaleToZero=true"),  # of examples/scaled-to-zero
            *(
                "--service-account-issuer",
                "https://kubernetes.default.svc",
                "--service-cluster-ip-range",
                "10.0.0.0/16",
            ),
            *("--service-account-key-file", str(key), "--service-account-signing-key-file", str(key)),
        )
        authority = certificates / "apiserver.crt"
        self.api = Api(secure, _TOKEN, authority)
        self._wait_until_ready(authority)
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(_kubeconfig(secure, authority))
        self._serve(
            "controllers",
            *(program, "controllers", "--kubeconfig", str(self.kubeconfig), "--leader-elect=false"),
            *("--controllers", "garbage-collector-controller,namespace-controller", "--secure-port", "0"),
        )

    def _serve(self, name: str, *command: str) -> None:
        self._servers.append(Server(self.folder, name, *command))

    def _wait_until_ready(self, authority: Path) -> None:
        until = time.monotonic() + _START
        while True:
            for server in self._servers:
                if server.process.poll() is not None:
                    raise RuntimeError(f"{server.log.stem} ended:\n{server.tail()}")
            if authority.exists():
                try:
                    self.api.ask("GET", "/api/v1/namespaces/default")
                except (OSError, Refused, http.client.HTTPException):
                    pass
                else:
                    return
            if time.monotonic() > until:
                raise RuntimeError(f"the API server is not ready:\n{self._servers[-1].tail()}")
            time.sleep(0.1)

    def _end(self) -> None:
        for server in reversed(self._servers):
            server.stop()
        self._servers.clear()


@cache
def shared() -> Cluster:
    """Return the cluster that all tests of this run share."""
    cluster = Cluster()
    atexit.register(cluster.stop)
    return cluster


def _established(definition: dict) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody has, at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _kubeconfig(port: int, authority: Path) -> str:
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(authority)}
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": _TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    return yaml.safe_dump(value)
