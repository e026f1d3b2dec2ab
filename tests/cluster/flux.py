"""Flux on loopback: its source-controller and kustomize-controller, its command, and a registry of OCI artifacts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import yaml

from . import parts
from .servers import Server, free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from .servers import Cluster

HOSTS = parts.ROOT / "hosts" / "flux"
_NAMESPACE = "flux-system"
_SECONDS = 120


class Flux:
    """Flux that serves a cluster. `stop` ends it."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        programs = parts.program("flux-servers", "flux")
        self.cluster = cluster
        registry, storage, *others = free_ports(6)
        self._registry, address = f"127.0.0.1:{registry}", f"127.0.0.1:{storage}"
        definitions = parts.file("flux", parts.TOOLS / "crds" / "flux.yaml").read_bytes()
        cluster.define([one for one in yaml.load_all(definitions, yaml.CSafeLoader) if one])
        cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}})
        env = {**cluster.env, "RUNTIME_NAMESPACE": _NAMESPACE, "TMPDIR": str(folder)}
        store = ("--storage-path", str(folder), "--storage-addr", address, "--storage-adv-addr", address)
        self._servers = [Server(folder, "registry", programs, "registry", self._registry)]
        for name, options in (("source-controller", store), ("kustomize-controller", ())):
            metrics, health = others.pop(), others.pop()
            command = (programs, "run", parts.program(name, "flux"), *options, "--enable-leader-election=false")
            addresses = ("--metrics-addr", f"127.0.0.1:{metrics}", "--health-addr", f"127.0.0.1:{health}")
            self._servers.append(Server(folder, name, *command, *addresses, env=env))

    def registry(self, namespace: str) -> str:
        """Return the address for the artifacts of a namespace."""
        return f"{self._registry}/{namespace}"

    def follow(self, namespace: str) -> None:
        """Have Flux apply the artifact of a namespace to it: by hosts/flux/demo.yaml."""
        text = (HOSTS / "demo.yaml").read_text().replace("registry.example.com", self.registry(namespace))
        for one in yaml.safe_load_all(text.replace("namespace: demo", f"namespace: {namespace}")):
            self.cluster.api.apply(one)

    def reconcile(self, namespace: str) -> None:
        """Have Flux look at the registry now, and wait until all that it found is applied and ready."""
        command = ("flux", "reconcile", "kustomization", "demo", "--with-source", "-n", namespace, "--timeout", "2m")
        done = self.cluster.run(*command, code=None)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self._tails()}"

    def refused(self, namespace: str) -> str:
        """Return why an artifact cannot be applied, once Flux says so."""
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            for one in self.cluster.api.list("kustomize.toolkit.fluxcd.io/v1", "Kustomization", namespace)[0]:
                for condition in one.get("status", {}).get("conditions", ()):
                    if condition["type"] == "Ready" and condition["reason"] == "BuildFailed":
                        return str(condition["message"])
            time.sleep(0.2)
        raise AssertionError(self._tails())

    def stop(self) -> None:
        """End the servers."""
        for one in reversed(self._servers):
            one.stop()

    def _tails(self) -> str:
        return "".join(f"\n{one.log.stem}:\n{one.tail()}" for one in self._servers)
