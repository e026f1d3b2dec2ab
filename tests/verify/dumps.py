"""Config dumps of a small proxy, made by hand: what a test changes is what it is about."""

from __future__ import annotations

import copy
import json

TYPE = "type.googleapis.com/envoy"
HOST = "app.shop.svc.cluster.local"
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="  # noqa: S105 - what must never be printed
ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": f"{TYPE}.extensions.filters.http.router.v3.Router"},
}
NAMED = "virtual-service/app"


def config_of(kind_name):
    return {"filter_metadata": {"istio": {"config": f"/apis/networking.istio.io/v1/namespaces/shop/{kind_name}"}}}


def route(name, cluster, *headers, **more):
    match = {"prefix": "/", "case_sensitive": True, **({"headers": list(headers)} if headers else {})}
    return {"match": match, "route": {"cluster": cluster}, "metadata": config_of(NAMED), "name": name, **more}


def header(text, how="exact", name="x-virtual-env"):
    return {"name": name, "string_match": {how: text}}


def cluster_name(subset, port=8080):
    return f"outbound|{port}|{subset}|{HOST}"


def manager(*filters, **more):
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "rds": {"route_config_name": "8080"},
            "http_filters": [*filters, ROUTER],
            **more,
        },
    }


def listener(*filters):
    inspector = f"{TYPE}.extensions.filters.listener.http_inspector.v3.HttpInspector"
    proxy = {"@type": f"{TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy", "cluster": "PassthroughCluster"}
    match = {"transport_protocol": "raw_buffer", "application_protocols": ["http/1.1", "h2c"]}
    return {
        "name": "0.0.0.0_8080",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8080}},  # noqa: S104 - binds nothing
        "filter_chains": [{"filter_chain_match": match, "filters": list(filters or [manager()])}],
        "default_filter_chain": {"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]},
        "listener_filters": [{"name": "http_inspector", "typed_config": {"@type": inspector}}],
        "traffic_direction": "OUTBOUND",
    }


def endpoint(workload, address):
    place = {"socket_address": {"address": address, "port_value": 8080}}
    told = {"filter_metadata": {"istio": {"workload": f"{workload};shop;app;;Kubernetes"}}}
    return {"endpoint": {"address": place}, "health_status": "HEALTHY", "metadata": told}


class Dump:
    """The dump of a sidecar of namespace shop that knows Service app, its environments dev and dev.a, right routes."""

    def __init__(self):
        self.node = {
            "id": "sidecar~10.0.0.9~client.shop~shop.svc.cluster.local",
            "metadata": {"NAME": "client", "NAMESPACE": "shop", "LABELS": {}, "ISTIO_VERSION": "1.30.0"},
        }
        self.listeners = [listener()]
        self.routes = [
            route("dev.a", cluster_name("dev-a"), header("dev.a")),
            route("dev.a", cluster_name("dev-a"), header("dev.a.", "prefix")),
            route("dev", cluster_name("dev")),
        ]
        self.table = {"ignore_port_in_host_matching": True}
        self.clusters = {cluster_name(one): {} for one in ("dev", "dev-a", "")}
        self.endpoints = {
            cluster_name("dev"): [endpoint("app-dev", "10.0.0.1")],
            cluster_name("dev-a"): [endpoint("app-a", "10.0.0.2")],
            cluster_name(""): [endpoint("app-dev", "10.0.0.1"), endpoint("app-a", "10.0.0.2")],
        }

    def _cluster(self, name, more):
        subset = name.split("|")[2]
        told = config_of("destination-rule/app")
        told["filter_metadata"]["istio"] |= {"subset": subset} if subset else {}
        return {"cluster": {"name": name, "type": "EDS", "metadata": told, **more}}

    def value(self):
        passing = {"cluster": {"name": "PassthroughCluster", "type": "ORIGINAL_DST"}}
        clusters = [passing, *(self._cluster(name, more) for name, more in self.clusters.items())]
        host = {"name": f"{HOST}:8080", "domains": [HOST, "app", "app.shop"], "routes": self.routes}
        table = {"name": "8080", "virtual_hosts": [host], **self.table}
        assignments = [
            {"endpoint_config": {"cluster_name": name, "endpoints": [{"lb_endpoints": found}]}}
            for name, found in (self.endpoints or {}).items()
        ]
        kind = f"{TYPE}.admin.v3."
        secret = {"name": "default", "secret": {"tls_certificate": {"private_key": {"inline_bytes": SECRET}}}}
        parts = [
            {"@type": f"{kind}BootstrapConfigDump", "bootstrap": {"node": self.node}},
            {"@type": f"{kind}ClustersConfigDump", "dynamic_active_clusters": clusters},
            {"@type": f"{kind}EndpointsConfigDump", "dynamic_endpoint_configs": assignments},
            {
                "@type": f"{kind}ListenersConfigDump",
                "dynamic_listeners": [
                    {"name": one["name"], "active_state": {"listener": one}} for one in self.listeners
                ],
            },
            {"@type": f"{kind}RoutesConfigDump", "dynamic_route_configs": [{"route_config": table}]},
            {"@type": f"{kind}SecretsConfigDump", "dynamic_active_secrets": [secret]},
        ]
        parts = parts if self.endpoints is not None else [one for one in parts if "Endpoints" not in one["@type"]]
        return copy.deepcopy({"configs": parts})

    def raw(self):
        return json.dumps(self.value(), indent=1).encode()


LIST = """\
apiVersion: v1
kind: Service
metadata: {name: app, namespace: shop}
spec: {selector: {app: app}, ports: [{port: 8080, name: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-dev, namespace: shop}
spec: {template: {metadata: {labels: {app: app, virtual-env: dev}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-a, namespace: shop}
spec: {template: {metadata: {labels: {app: app, virtual-env: dev.a}}}}
"""
