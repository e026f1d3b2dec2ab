"""Envoy's config dump → what of it is asked: the proxy itself, its listeners, route tables, clusters and endpoints.

The form is that of Envoy's admin interface, `/config_dump` with or without `?include_eds`, which is also what
`istioctl proxy-config all POD -o json` prints (envoy/admin/v3/config_dump.proto). It is read one top-level piece after
the other and only what is wanted is kept. Secrets are never kept, and no message shows a part of the dump.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from krm_fn.verify.actions import config_of
from krm_fn.verify.asked import MALFORMED
from krm_fn.verify.pieces import FETCH, DumpUnreadable, pieces

Config = Mapping[str, Any]

_PIECES = (
    "BootstrapConfigDump",
    "ListenersConfigDump",
    "RoutesConfigDump",
    "ClustersConfigDump",
    "EndpointsConfigDump",
)
_UNUSABLE = ("UNHEALTHY", "DRAINING", "TIMEOUT")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that answers for a cluster.

    Attributes:
        address: IP and port, or whatever else the dump has.
        workload: name of the workload whose pod it is, as Istio says it; empty where it does not.
        namespace: of the workload.
        usable: whether Envoy takes it for healthy.
        priority: 0 is asked first.
    """

    address: str
    workload: str = ""
    namespace: str = ""
    usable: bool = True
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, as far as it matters who stands behind it.

    Attributes:
        name: its name.
        passes_on: whether connections go to where they were going anyway.
        config: the DestinationRule that it comes from.
        subset: of that DestinationRule; empty where it is none.
        tls: who ends TLS that the proxy begins: `istio` (its mutual TLS), `other`, or nobody.
        endpoints: its name in the endpoints' part.
        strange: why nobody outside of the proxy can say who is asked.
    """

    name: str
    passes_on: bool = False
    config: str = ""
    subset: str = ""
    tls: str = ""
    endpoints: str = ""
    strange: str = ""


@dataclass(slots=True)
class Dump:
    """What a proxy says of itself. `endpoints` is None where the dump has none."""

    kind: str = ""
    pod: str = ""
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    listeners: list[Config] = field(default_factory=list)
    routes: dict[str, Config] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    endpoints: dict[str, tuple[Endpoint, ...]] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """NAMESPACE/POD."""
        return f"{self.namespace}/{self.pod}"


def read(raw: bytes) -> Dump:
    """Read a config dump.

    Raises:
        DumpUnreadable: if it is none, or not whole.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise DumpUnreadable("is no text in UTF-8, so no config dump") from error
    dump = Dump()
    found: set[str] = set()
    for piece in pieces(text):
        kind = str(piece.get("@type", "")).rpartition(".")[2]
        if kind in _PIECES:
            found.add(kind)
            try:
                _READERS[kind](piece, dump)
            except MALFORMED as error:
                raise DumpUnreadable(f"has a {kind} of another form than Envoy writes: {FETCH}") from error
    _check(found, dump)
    return dump


def _check(found: set[str], dump: Dump) -> None:
    if "BootstrapConfigDump" not in found or not dump.kind:
        raise DumpUnreadable(f"does not say whose proxy it is (no bootstrap of an Istio proxy in it): {FETCH}")
    if dump.kind not in ("sidecar", "router"):
        raise DumpUnreadable(f"is of a {dump.kind}; what can be asked are sidecars and gateways")
    wanted = ["ListenersConfigDump", "ClustersConfigDump"]
    wanted += ["RoutesConfigDump"] if any(map(_asks_for_routes, dump.listeners)) else []
    for kind in wanted:
        if kind not in found:
            raise DumpUnreadable(f"has no {kind}: {FETCH}")


def _asks_for_routes(listener: Config) -> bool:
    """Tell whether a listener needs the part with route tables."""
    try:
        chains = listener.get("filter_chains", ())
        return any("rds" in one.get("typed_config", {}) for chain in chains for one in chain["filters"])
    except MALFORMED:
        return False  # told where that listener is asked


def _bootstrap(piece: Config, dump: Dump) -> None:
    node = piece.get("bootstrap", {}).get("node", {})
    kind, _, rest = str(node.get("id", "")).partition("~")
    if not rest:
        return
    pod = rest.split("~")[1] if rest.count("~") else ""
    metadata = node.get("metadata", {})
    labels = metadata.get("LABELS")
    dump.kind = kind
    dump.pod = str(metadata.get("NAME") or pod.partition(".")[0])
    dump.namespace = str(metadata.get("NAMESPACE") or pod.partition(".")[2])
    dump.labels = labels if isinstance(labels, dict) else {}
    dump.version = str(metadata.get("ISTIO_VERSION", ""))


def _listeners(piece: Config, dump: Dump) -> None:
    for one in piece.get("static_listeners", ()):
        dump.listeners.append(one.get("listener", {}))
    for one in piece.get("dynamic_listeners", ()):
        if "active_state" in one:
            dump.listeners.append(one["active_state"].get("listener", {}))
        if "error_state" in one:
            dump.notes.append(f"listener {one.get('name', '')}: the proxy refused its last update")
        if "warming_state" in one:
            dump.notes.append(f"listener {one.get('name', '')}: a newer one is on its way")


def _routes(piece: Config, dump: Dump) -> None:
    for one in piece.get("dynamic_route_configs", ()):
        table = one.get("route_config", {})
        if "error_state" in one:
            dump.notes.append(f"routes {table.get('name', '')}: the proxy refused their last update")
        dump.routes[table.get("name", "")] = table


def _clusters(piece: Config, dump: Dump) -> None:
    for key in ("static_clusters", "dynamic_active_clusters"):
        for one in piece.get(key, ()):
            cluster = _cluster(one.get("cluster", {}))
            dump.clusters[cluster.name] = cluster
            if "error_state" in one:
                dump.notes.append(f"cluster {cluster.name}: the proxy refused its last update")
    for one in piece.get("dynamic_warming_clusters", ()):
        dump.notes.append(f"cluster {one.get('cluster', {}).get('name', '')}: it is not ready yet")


def _cluster(config: Config) -> Cluster:
    name, metadata = config.get("name", ""), config.get("metadata")
    kind = config.get("type", "")
    strange = ""
    if "cluster_type" in config:
        strange = f"its endpoints are found by {config['cluster_type'].get('name', 'an extension')}"
    elif "lb_subset_config" in config:
        strange = "it chooses among its endpoints by their metadata"
    subset = (metadata or {}).get("filter_metadata", {}).get("istio", {}).get("subset", "")
    alias = config.get("eds_cluster_config", {}).get("service_name") or name
    return Cluster(name, kind == "ORIGINAL_DST", config_of(metadata), subset, _tls(config), alias, strange)


def _tls(config: Config) -> str:
    sockets = [config.get("transport_socket", {})]
    sockets += [one.get("transport_socket", {}) for one in config.get("transport_socket_matches", ())]
    text = ""
    for one in sockets:
        if not one.get("name", "").endswith("tls"):
            continue
        context = one.get("typed_config", {}).get("common_tls_context", {})
        secrets = [secret.get("name", "") for secret in context.get("tls_certificate_sds_secret_configs", ())]
        text = "istio" if secrets == ["default"] else "other"
        if text == "other":
            break
    return text


def _endpoints(piece: Config, dump: Dump) -> None:
    dump.endpoints = dump.endpoints or {}
    for key in ("static_endpoint_configs", "dynamic_endpoint_configs"):
        for one in piece.get(key, ()):
            assignment = one.get("endpoint_config", {})
            found = tuple(
                _endpoint(endpoint, group.get("priority", 0))
                for group in assignment.get("endpoints", ())
                for endpoint in group.get("lb_endpoints", ())
            )
            dump.endpoints[assignment.get("cluster_name", "")] = found


def _endpoint(config: Config, priority: int) -> Endpoint:
    address = config.get("endpoint", {}).get("address", {})
    socket, internal = address.get("socket_address", {}), address.get("envoy_internal_address", {})
    place = f"{socket.get('address', '')}:{socket.get('port_value', '')}" if socket else internal.get("endpoint_id", "")
    told = config.get("metadata", {}).get("filter_metadata", {}).get("istio", {}).get("workload", "")
    name, _, rest = told.partition(";") if isinstance(told, str) else ("", "", "")
    usable = config.get("health_status", "UNKNOWN") not in _UNUSABLE
    return Endpoint(place, name, rest.partition(";")[0], usable, priority)


_READERS = {
    "BootstrapConfigDump": _bootstrap,
    "ListenersConfigDump": _listeners,
    "RoutesConfigDump": _routes,
    "ClustersConfigDump": _clusters,
    "EndpointsConfigDump": _endpoints,
}
