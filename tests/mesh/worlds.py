"""Made manifests for the mesh's own tests: short enough to read, and written without the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .model import Manifest

HEADER = "ali-env-mark"
LABEL = "virtual-env"


def service(name: str, *ports: Mapping[str, Any], namespace: str = "", **spec: Any) -> Manifest:
    """Return a Service that selects `app: NAME`; without ports it has one, `http` 8080."""
    ports = ports or ({"name": "http", "port": 8080},)
    spec = {"selector": {"app": name}, "ports": list(ports), **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _named(name, namespace), "spec": spec}


def workload(app: str, environment: str = "", *, namespace: str = "", **spec: Any) -> Manifest:
    """Return a Deployment named `APP-ENVIRONMENT` whose pods carry both as labels."""
    labels = {"app": app, LABEL: environment} if environment else {"app": app}
    name = f"{app}-{environment}".strip("-").replace(".", "-")
    container = {"name": "app", "ports": spec.pop("ports", [])}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    metadata = _named(name, namespace)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template, **spec}}


def subsets(host: str, *environments: str, namespace: str = "", **spec: Any) -> Manifest:
    """Return a DestinationRule with a subset for each environment."""
    listed = [{"name": subset(one), "labels": {LABEL: one}} for one in environments]
    return istio("DestinationRule", host, namespace, host=host, subsets=listed, **spec)


def routes(host: str, *environments: str, base: str = "dev", **spec: Any) -> Manifest:
    """Return a VirtualService: a route for each environment, in this order, and then the base."""
    http = [
        {
            "match": [{"headers": {HEADER: {"exact": one}}}, {"headers": {HEADER: {"prefix": f"{one}."}}}],
            "route": to(host, one),
        }
        for one in environments
    ]
    return istio("VirtualService", host, hosts=[host], http=[*http, {"route": to(host, base)}], **spec)


def to(host: str, environment: str) -> list[Manifest]:
    return [{"destination": {"host": host, "subset": subset(environment)}}]


def subset(environment: str) -> str:
    return environment.replace(".", "-")


def istio(kind: str, name: str, namespace: str = "", **spec: Any) -> Manifest:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": _named(name, namespace),
        "spec": spec,
    }


def app(name: str, *environments: str, ports: Sequence[Mapping[str, Any]] = ()) -> list[Manifest]:
    """Return a Service, and a workload and a subset for each environment."""
    return [service(name, *ports), *(workload(name, one) for one in environments), subsets(name, *environments)]


def demo() -> list[Manifest]:
    """Return the operator's demo: three services that call each other, js → go → java."""
    return [
        *app("app-js", "dev", "dev.proj1"),
        *app("app-go", "dev", "dev.proj2"),
        *app("app-java", "dev", "dev.proj1", "dev.proj1.feature1"),
    ]


def demo_routes() -> list[Manifest]:
    """Return the routes that answer as the operator's documentation says."""
    return [
        routes("app-js", "dev.proj1"),
        routes("app-go", "dev.proj2"),
        routes("app-java", "dev.proj1.feature1", "dev.proj1"),
    ]


def _named(name: str, namespace: str) -> Manifest:
    return {"name": name, **({"namespace": namespace} if namespace else {})}
