"""A real Envoy, as the proxy of one pod, with istiod's configuration."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import parts
from .istiod import MeshRejected

if TYPE_CHECKING:
    from collections.abc import Mapping

# A program that is started by it ends when this shell's stdin does: with us, however we end.
GUARDED = 'exec 3<&0; "$@" </dev/null 3<&- & p=$!; (read -r _; kill -9 $p 2>/dev/null) <&3 & wait $p'
_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose proxy it is: what istiod knows of it, and what the proxy knows of itself."""

    pod: str
    namespace: str
    labels: Mapping[str, str]
    address: str
    kind: str = "sidecar"  # or router: a gateway
    version: str = "1.30.0"  # Istio's, for EnvoyFilters that ask
    steady: bool = False  # pods are asked in turn, and a request's x-dice decides weights (server/steady.go)

    def key(self) -> tuple[object, ...]:
        """Return what makes two identities the same."""
        labels = frozenset(self.labels.items())
        return (self.kind, self.namespace, self.pod, self.address, self.version, self.steady, labels)

    def node(self, sockets: Path) -> dict[str, Any]:
        """Return the node of its bootstrap, as istio-agent writes it; MESH_… is ours (server/)."""
        return {
            "id": f"{self.kind}~{self.address}~{self.pod}.{self.namespace}~{self.namespace}.svc.cluster.local",
            "cluster": f"{self.pod}.{self.namespace}",
            "metadata": {
                "NAME": self.pod,
                "NAMESPACE": self.namespace,
                "LABELS": dict(self.labels),
                "INSTANCE_IPS": self.address,
                "ISTIO_VERSION": self.version,
                "CLUSTER_ID": "Kubernetes",
                "MESH_ID": "cluster.local",
                "INTERCEPTION_MODE": "REDIRECT",
                "MESH_SOCKETS": str(sockets),
                **({"MESH_STEADY": "true"} if self.steady else {}),
            },
        }


@dataclass(slots=True)
class Envoy:
    """A running Envoy. Its listeners are unix sockets in its directory, named as istiod names them."""

    identity: Identity
    directory: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(cls, identity: Identity, xds: Path, directory: Path) -> Envoy:
        """Start one and wait until it is live with everything that istiod sent. MeshRejected: it is not."""
        directory.mkdir()
        return cls.run(identity, _bootstrap(identity.node(directory), xds, directory), directory)

    @classmethod
    def run(cls, identity: Identity, configuration: Mapping[str, Any], directory: Path) -> Envoy:
        """Start one with this bootstrap in a directory that is there. MeshRejected: it does not take it."""
        bootstrap = directory / "bootstrap.json"
        bootstrap.write_text(json.dumps(configuration), encoding="utf-8")
        command = [str(parts.envoy()), "-c", str(bootstrap), "--concurrency", "1", "--disable-hot-restart"]
        command += ["--log-level", "warning"]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", GUARDED, "sh", *command],
                stdin=subprocess.PIPE,
                stderr=log,
                stdout=log,
                start_new_session=True,  # Ctrl-C is for us: we end it in order
            )
        envoy = cls(identity, directory, process)
        try:
            envoy._wait()
        except BaseException:
            envoy.stop()
            raise
        return envoy

    def socket_of(self, listener: str) -> Path:
        return self.directory / listener

    def admin(self, path: str) -> str:
        """Return what Envoy's admin interface answers, e.g. to `/config_dump`."""
        connection = http.client.HTTPConnection("envoy", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.directory / "admin"))
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def log(self) -> str:
        """Return the end of its own log."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")[-8000:]

    def rejections(self) -> list[str]:
        """Return the names of the resource types of which it refused an update."""
        stats = json.loads(self.admin("/stats?format=json&usedonly&filter=update_rejected$"))["stats"]
        return [stat["name"] for stat in stats if stat.get("value")]

    def end(self) -> None:
        """Have it end."""
        if self.process.stdin:
            self.process.stdin.close()

    def stop(self) -> None:
        """End it and wait for it."""
        self.end()
        self.process.wait(10)

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise MeshRejected(f"Envoy of {self.identity.pod} ended; its log:\n{self.log()}")
            try:
                live = self.admin("/ready").strip() == "LIVE"
                rejected = self.rejections()
            except OSError:  # not up yet
                live, rejected = False, []
            if rejected:
                reasons = re.findall(r"^.*rejected:.*$", self.log(), re.MULTILINE) or [self.log()]
                raise MeshRejected(f"Envoy of {self.identity.pod} refuses ({rejected}):\n" + "\n".join(reasons))
            if live:
                return
            time.sleep(0.02)
        raise MeshRejected(f"Envoy of {self.identity.pod} is not live in {_START_SECONDS} s:\n{self.log()}")


def _bootstrap(node: Mapping[str, Any], xds: Path, directory: Path) -> dict[str, Any]:
    source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    http2 = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }
    }
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(xds)}}}}
    return {
        "node": node,
        "admin": {"address": {"pipe": {"path": str(directory / "admin")}}},
        # Of istio-agent's own runtime flags (istio/istio, pkg/bootstrap/config.go): how large an expression may be.
        "layered_runtime": {
            "layers": [{"name": "global config", "static_layer": {"re2.max_program_size.error_level": "32768"}}]
        },
        # As istio-agent has it: in ambient mode a gateway has a listener inside of its Envoy.
        "bootstrap_extensions": [
            {
                "name": "envoy.bootstrap.internal_listener",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener"
                },
            }
        ],
        "dynamic_resources": {
            "lds_config": source,
            "cds_config": source,
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}],
            },
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds-grpc",
                    "type": "STATIC",
                    "connect_timeout": "5s",
                    "typed_extension_protocol_options": http2,
                    "load_assignment": {"cluster_name": "xds-grpc", "endpoints": [{"lb_endpoints": [endpoint]}]},
                }
            ]
        },
    }
