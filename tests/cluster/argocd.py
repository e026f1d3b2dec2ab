"""Argo CD on loopback: its controller, repo-server, and the sidecar of a config management plugin."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from . import parts
from .api import Refused
from .servers import Server, free_ports

if TYPE_CHECKING:
    from .servers import Cluster

HOSTS = parts.ROOT / "hosts" / "argocd"
NAMESPACE = "argocd"
_API = "argoproj.io/v1alpha1"
_SECONDS = 120


class ArgoCd:
    """Argo CD that serves a cluster, with the plugins of hosts/argocd. `stop` ends it.

    The servers are Argo CD's own. Their cache is a stand-in, and the controller's metrics are on loopback only.
    """

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        program = parts.program("argocd-servers", "argocd")
        parts.program("kustomize")
        self.cluster, self.folder = cluster, folder
        self._servers: list[Server] = []
        self._define()
        sockets, work = folder / "sockets", folder / "work"
        for one in (sockets, work):
            one.mkdir()
        redis, repository, metrics, controller, *sets = free_ports(7)
        env = {
            **cluster.env,
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_PLUGINSOCKFILEPATH": str(sockets),
            "ARGOCD_CMP_WORKDIR": str(work),
            "ARGOCD_SYNC_WAVE_DELAY": "1",  # seconds; 2 unless it is said
            "TMPDIR": str(folder),
            "PATH": os.environ["PATH"],
        }
        cache = ("--redis", f"127.0.0.1:{redis}")
        self._serve("redis", env, program, "redis", f"127.0.0.1:{redis}")
        for plugin in ("plugin", "routes-plugin"):
            config = folder / plugin
            config.mkdir()
            (config / "plugin.yaml").write_bytes((HOSTS / f"{plugin}.yaml").read_bytes())
            self._serve(f"sidecar-{plugin}", env, program, "cmp-server", "--config-dir-path", str(config))
        self._serve(
            "repo-server",
            env,
            *(program, "repo-server", *cache, "--disable-tls", "--address", "127.0.0.1", "--port", str(repository)),
            *("--metrics-address", "127.0.0.1", "--metrics-port", str(metrics)),
        )
        self._serve(
            "controller",
            env,
            *(program, "controller", *cache, "--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE),
            *("--repo-server", f"127.0.0.1:{repository}", "--repo-server-plaintext"),
            *("--metrics-port", str(controller), "--app-resync", "3600"),
        )
        addresses = zip(("--metrics-addr", "--probe-addr", "--webhook-addr"), sets, strict=True)
        self._serve(
            "applicationsets",
            env,
            *(program, "applicationsets", "--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE),
            *("--argocd-repo-server", f"127.0.0.1:{repository}", "--repo-server-plaintext"),
            *(word for option, port in addresses for word in (option, f"127.0.0.1:{port}")),
        )

    def application(self, name: str, **spec: Any) -> None:
        """Make an Application: that of hosts/argocd with parts of its spec replaced."""
        value = yaml.safe_load((HOSTS / "application.yaml").read_text())
        value["metadata"] = {"name": name, "namespace": NAMESPACE}
        value["spec"] |= spec
        self.cluster.api.apply(value)

    def generated(self, name: str, applications: set[str]) -> None:
        """Have an ApplicationSet look at its repository, and wait until these are its Applications."""
        path = f"/apis/{_API}/namespaces/{NAMESPACE}/applicationsets/{name}"
        patch = '{"metadata": {"annotations": {"argocd.argoproj.io/application-set-refresh": "true"}}}'
        self.cluster.api.ask("PATCH", path, patch, "application/merge-patch+json")
        until = time.monotonic() + _SECONDS
        while True:
            listed = self.cluster.api.list(_API, "Application", NAMESPACE)[0]
            owners = {one["metadata"]["name"]: one["metadata"].get("ownerReferences", ()) for one in listed}
            found = {one for one, by in owners.items() if any(owner["name"] == name for owner in by)}
            if found == applications:
                return
            if time.monotonic() > until:
                raise AssertionError(f"{found} {self._tails()}")
            time.sleep(0.2)

    def synced(self, name: str, revision: str) -> dict[str, Any]:
        """Have an Application look at its repository, wait until it is synced to a revision, and return it."""
        path = f"/apis/{_API}/namespaces/{NAMESPACE}/applications/{name}"
        patch = '{"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}}'
        until = time.monotonic() + _SECONDS
        self.cluster.api.ask("PATCH", path, patch, "application/merge-patch+json")
        while True:
            value = self.cluster.api.ask("GET", path)[0]
            status = value.get("status", {})
            operation = status.get("operationState", {})
            sync = status.get("sync", {})
            done = operation.get("phase") == "Succeeded" and sync.get("status") == "Synced"
            if done and sync.get("revision") == revision and operation["syncResult"]["revision"] == revision:
                return value
            if time.monotonic() > until:
                raise AssertionError(f"{sync} {operation.get('phase')} {operation.get('message')} {self._tails()}")
            time.sleep(0.2)

    def refused(self, name: str) -> str:
        """Return why an Application cannot be compared, once it says so."""
        path = f"/apis/{_API}/namespaces/{NAMESPACE}/applications/{name}"
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            conditions = self.cluster.api.ask("GET", path)[0].get("status", {}).get("conditions", ())
            for one in conditions:
                if one["type"] == "ComparisonError":
                    return str(one["message"])
            time.sleep(0.2)
        raise AssertionError(self._tails())

    def stop(self) -> None:
        for server in reversed(self._servers):
            server.stop()

    def _serve(self, name: str, env: dict[str, str], *command: str) -> None:
        self._servers.append(Server(self.folder, name, *command, env=env))

    def _tails(self) -> str:
        return "\n".join(f"== {server.log.stem}\n{server.tail()}" for server in self._servers)

    def _define(self) -> None:
        """Make what Argo CD's installation makes, as far as delivering needs it."""
        definitions = parts.file("argocd", parts.TOOLS / "crds" / "argocd.yaml")
        with contextlib.suppress(Refused):
            self.cluster.api.path(_API, "Application")
            return
        found = yaml.load_all(definitions.read_bytes(), yaml.CSafeLoader)
        self.cluster.define([one for one in found if one])
        self._create("v1", "Namespace", NAMESPACE)
        for name in ("argocd-cm", "argocd-rbac-cm", "argocd-gpg-keys-cm", "argocd-cmd-params-cm"):
            labels = {"app.kubernetes.io/part-of": "argocd"}
            self._create("v1", "ConfigMap", name, labels=labels, data={})
        self._create("v1", "Secret", "argocd-secret", stringData={"server.secretkey": "test"})
        everything = {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}]}
        wide = {"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}
        self._create(_API, "AppProject", "default", spec={**everything, **wide})

    def _create(
        self, api_version: str, kind: str, name: str, labels: dict[str, str] | None = None, **rest: Any
    ) -> None:
        metadata = {"name": name, "namespace": NAMESPACE} if kind != "Namespace" else {"name": name}
        value = {"apiVersion": api_version, "kind": kind, "metadata": {**metadata, "labels": labels or {}}, **rest}
        try:
            self.cluster.api.create(value)
        except Refused as error:
            if error.code != http.client.CONFLICT:
                raise


class Repository:
    """A git repository in a folder; `commit` takes all of it and returns the revision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def commit(self, message: str) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "-m", message)
        return self._git("rev-parse", "HEAD")

    def _git(self, *words: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        done = subprocess.run(["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()
