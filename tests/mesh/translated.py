"""Other implementations of the Gateway API: what their own translators make of a list, in a real Envoy.

The translators (`translators/`) are built by optional parts. What they say is put into an Envoy as it is, but that
listeners are unix sockets, routes stand inside of their listener, and endpoints are those of the cluster of the
tests: what the implementations' own servers would send.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import threading
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from . import asking, cluster, istiod, parts
from .backends import Backends
from .envoy import Envoy, Identity
from .istiod import MeshRejected
from .mesh import Caller, Mesh
from .model import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .model import Cluster, Manifest, Service

Config = dict[str, Any]
_HCM = "envoy.filters.network.http_connection_manager"
_KINDS = {
    "Service",
    "EndpointSlice",
    "Namespace",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "GRPCRoute",
    "ReferenceGrant",
}
_EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"


class Translator:
    """A running translator: a file of manifests in, Envoy's configuration out."""

    def __init__(self, part: str) -> None:
        self._process = subprocess.Popen(
            [parts.translator(part)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._lock = threading.Lock()

    def translate(self, manifests: Iterable[Manifest], directory: Path) -> Config:
        """Return what it says. MeshRejected: with its reason, also where it does not take a route."""
        world = directory / "world.yaml"
        kept = [one for one in manifests if one["kind"] in _KINDS]
        world.write_text(yaml.safe_dump_all(kept), encoding="utf-8")
        requests, answers = self._process.stdin, self._process.stdout
        assert requests
        assert answers
        with self._lock:
            requests.write(f"{world}\n")
            requests.flush()
            said: Config = json.loads(answers.readline() or '{"error": "it ended"}')
        # That a Service has no pods is said as a condition of its route, which is taken all the same.
        refused = [one for one in said["refused"] or () if ": EndpointsNotFound: " not in one]
        if said["error"] or refused:
            raise MeshRejected("\n".join([said["error"], *refused]))
        return said

    def stop(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()


@cache
def translator(part: str) -> Translator:
    """Return the process that all tests of this run share."""
    found = Translator(part)
    atexit.register(found.stop)
    return found


class TranslatedMesh(Mesh):
    """A mesh of one Envoy with what a translator made; what follows no route goes as kube-proxy passes it on."""

    def _start(self) -> None:
        parts.check()
        self.cluster = cluster.build(self._manifests, self._network.claim())
        listeners, clusters = self._translated()
        bare = [_passing(one, number) for one in self.cluster.services.values() for number in _numbers(one)]
        directory = self._directory / "envoy"
        directory.mkdir()
        bootstrap = {
            "admin": {"address": {"pipe": {"path": str(directory / "admin")}}},
            "layered_runtime": {"layers": [{"name": "stock", "static_layer": self.runtime}]},
            "static_resources": {
                "listeners": [_reachable(one, directory) for one in [*listeners, *bare]],
                "clusters": [*clusters, *self._pods()],
            },
        }
        self._backends = Backends(self._label, istiod.shared().certificate(self._directory))
        self._backends.start(self.cluster.listening)
        identity = Identity("translated", "default", {}, "127.0.0.1")
        self._proxies[identity.key()] = self.envoy = Envoy.run(identity, bootstrap, directory)

    runtime: ClassVar[Config] = {}  # Envoy's own limits

    def _translated(self) -> tuple[list[Config], list[Config]]:
        raise NotImplementedError

    def _pods(self) -> Iterator[Config]:
        for service in self.cluster.services.values():
            for number in _numbers(service):
                yield {
                    "name": _cluster_of(service, number),
                    "type": "STATIC",
                    "connect_timeout": "5s",
                    "load_assignment": assignment(self.cluster, service, number),
                }

    def sidecar(self, namespace: str = NAMESPACE, *_: Any, **__: Any) -> Caller:
        """Return a client of a namespace: who it is makes no difference."""
        identity = replace(self.envoy.identity, namespace=namespace)
        return _Client(replace(self.envoy, identity=identity), self.cluster, self)

    def listener(self, service: Service, number: int) -> str:
        """Return the listener of a Service's port."""
        return _cluster_of(service, number)


class _Client(Caller):
    def __init__(self, envoy: Envoy, cluster_: Cluster, mesh: TranslatedMesh) -> None:
        super().__init__(envoy, cluster_)
        self.mesh = mesh

    def ask(self, *args: Any, **request: Any) -> asking.Answer:
        """Ask; where a proxy waits for HTTP that does not come, the connection is as good as closed."""
        try:
            return super().ask(*args, **request)
        except TimeoutError:
            return asking.Answer(closed=True, body="timed out")

    def _line(self, service: Service, address: str, number: int) -> asking.Line:
        name = self.mesh.listener(service, number)
        return asking.Line(self.envoy.socket_of(name), "127.0.0.1", address, number)


class CiliumMesh(TranslatedMesh):
    """Services with the routes that Cilium makes for its Envoy; Envoy's own limit of expressions holds."""

    def _translated(self) -> tuple[list[Config], list[Config]]:
        said = translator("cilium").translate(self.cluster.documents, self._directory)
        self._taken = {(key, port) for key, one in said["services"].items() for port in one["ports"]}
        listeners, clusters = [], {}
        for key, one in said["services"].items():
            by_type: dict[str, list[Config]] = {}
            for resource in one["resources"]:
                kind = resource.pop("@type").rpartition(".")[2]
                by_type.setdefault(kind, []).append(resource)
            (listener,) = by_type["Listener"]
            tables = {table["name"]: table for table in by_type["RouteConfiguration"]}
            listeners.append(_with_routes({**listener, "name": f"cilium {key.replace('/', ' ')}"}, tables))
            for made in by_type.get("Cluster", ()):
                namespace, _, rest = made["eds_cluster_config"]["service_name"].partition("/")
                name, _, port = rest.rpartition(":")
                found = self.cluster.services.get((namespace, name))
                pods = assignment(self.cluster, found, int(port)) if found else {"cluster_name": made["name"]}
                clusters[made["name"]] = _static(made, pods)
        return listeners, list(clusters.values())

    def listener(self, service: Service, number: int) -> str:
        key = f"{service.namespace}/{service.name}"
        return (
            f"cilium {service.namespace} {service.name}"
            if (key, number) in self._taken
            else _cluster_of(service, number)
        )


class EnvoyGatewayMesh(TranslatedMesh):
    """Gateways as Envoy Gateway configures their Envoys; its bootstrap lifts Envoy's limit of expressions."""

    runtime: ClassVar[Config] = {"re2.max_program_size.error_level": 4294967295}

    def _translated(self) -> tuple[list[Config], list[Config]]:
        gateway_class = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "eg"},
            "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
        }
        documents = [*self.cluster.documents, gateway_class]
        said = translator("envoygateway").translate(documents, self._directory)
        tables = {table["name"]: table for table in said["routes"]}
        pods = {one["cluster_name"]: one for one in said["endpoints"]}
        self._ports = {
            (*one["name"].split("/")[:2], one["address"]["socket_address"]["port_value"]): one["name"].replace("/", " ")
            for one in said["listeners"]
            if one["name"].count("/") >= 2
        }
        listeners = [
            _with_routes({**one, "name": one["name"].replace("/", " ")}, tables)
            for one in said["listeners"]
            if one["name"].count("/") >= 2
        ]
        clusters = [_static(one, pods[_service_name(one)]) for one in said["clusters"] if _service_name(one) in pods]
        return listeners, clusters

    def gateway(self, name: str, namespace: str = "default") -> Any:
        """Return the proxy of a gateway."""
        return _Gateway(self, name, namespace)


class _Gateway:
    def __init__(self, mesh: EnvoyGatewayMesh, name: str, namespace: str) -> None:
        self.mesh, self.name, self.namespace = mesh, name, namespace

    def ask(self, host: str, port: int = 80, *, protocol: str = "http1", **request: Any) -> asking.Answer:
        """Ask for a host. FileNotFoundError: the gateway has no listener for that port."""
        bound = port + 10000 if port < 1024 else port  # Envoy Gateway's own rule: no privileged ports
        name = self.mesh._ports.get((self.namespace, self.name, bound))  # noqa: SLF001 - its own mesh
        if name is None:
            raise FileNotFoundError(f"no listener for {port}")
        line = asking.Line(self.mesh.envoy.socket_of(name), "203.0.113.7", "127.0.0.1", port)
        headers, path = asking.pairs(request.get("headers")), request.get("path", "/")
        return asking.send(protocol, line, asking.Request(host, path, request.get("method", "GET"), headers))


def assignment(found: Cluster, service: Service, number: int) -> Config:
    """Return the endpoints of a Service's port, by its EndpointSlices."""
    named = {port.name for port in service.ports if port.number == number}
    endpoints = [
        _endpoint(pod["addresses"][0], port["port"])
        for one in found.documents
        if one["kind"] == "EndpointSlice"
        and (one["metadata"]["namespace"], one["metadata"]["labels"]["kubernetes.io/service-name"])
        == (service.namespace, service.name)
        for port in one["ports"]
        if port["name"] in named
        for pod in one["endpoints"]
    ]
    return {"cluster_name": _cluster_of(service, number), "endpoints": [{"lb_endpoints": endpoints}]}


def _endpoint(address: str, port: int) -> Config:
    return {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}


def _numbers(service: Service) -> list[int]:
    return [port.number for port in service.ports if port.protocol == "TCP"]


def _cluster_of(service: Service, number: int) -> str:
    return f"{service.namespace} {service.name} {number}"


def _service_name(made: Config) -> str:
    return str(made.get("eds_cluster_config", {}).get("service_name") or made["name"])


def _static(made: Config, pods: Config) -> Config:
    """Return a cluster with its endpoints in it."""
    rest = {key: value for key, value in made.items() if key != "eds_cluster_config"}
    return {**rest, "type": "STATIC", "load_assignment": {**pods, "cluster_name": made["name"]}}


def _with_routes(listener: Config, tables: Mapping[str, Config]) -> Config:
    """Return a listener with its tables of routes in it, and without logs of requests."""

    def filled(one: Config) -> Config:
        if one["name"] != _HCM:
            return one
        config = {key: value for key, value in one["typed_config"].items() if key not in ("rds", "access_log")}
        table = tables[one["typed_config"]["rds"]["route_config_name"]]
        return {**one, "typed_config": {**config, "route_config": table}}

    def chain(one: Config) -> Config:
        return {**one, "filters": [filled(each) for each in one["filters"]]}

    made = {key: value for key, value in listener.items() if key != "access_log"}
    if "filter_chains" in made:
        made["filter_chains"] = [chain(one) for one in made["filter_chains"]]
    if "default_filter_chain" in made:
        made["default_filter_chain"] = chain(made["default_filter_chain"])
    return made


def _passing(service: Service, number: int) -> Config:
    """Return a listener that passes connections to a Service's port on to any of its pods."""
    name = _cluster_of(service, number)
    proxy = {
        "@type": f"{_EXTENSIONS}.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "passed",
        "cluster": name,
    }
    return {
        "name": name,
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
    }


def _reachable(listener: Config, directory: Path) -> Config:
    """Return a listener on a unix socket that reads a PROXY protocol header: `server/listeners.go` does the same."""
    header = {
        "name": "envoy.filters.listener.proxy_protocol",
        "typed_config": {"@type": f"{_EXTENSIONS}.listener.proxy_protocol.v3.ProxyProtocol"},
    }
    rest = {
        key: value
        for key, value in listener.items()
        if key not in ("address", "additional_addresses", "socket_options", "enable_reuse_port", "traffic_direction")
    }
    filters = [header, *listener.get("listener_filters", ())]
    return {**rest, "address": {"pipe": {"path": str(directory / listener["name"])}}, "listener_filters": filters}
