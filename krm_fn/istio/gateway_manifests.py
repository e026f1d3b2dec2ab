"""Plan → VirtualServices for gateways: the hosts of a Service, and a preview host for each environment.

They stand beside the one for the mesh, because a gateway's port says nothing about the Service's: Istio reads
`match.port` as the listener's (istio/istio, pilot/pkg/networking/core/route).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krm_fn.istio.manifests import ServiceRoutes, Theirs
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.environments import dashed
from krm_fn.plan.exposure import MESH
from krm_fn.plan.previews import previews_of

Manifest = dict[str, Any]


def manifests(plan: Plan, theirs: Mapping[tuple[str, str], Theirs] | None = None) -> list[Manifest]:
    """Return a VirtualService for each Service with hosts, and one for each of its preview environments.

    `theirs` is by namespace and name of the Service, as for its own routes.
    """
    names = _Names(plan)
    made: list[Manifest] = []
    for service in plan.services:
        their = (theirs or {}).get(service.key, Theirs())
        made += _of_service(service, their, names)
    return made


def virtual_service(
    metadata: Mapping[str, Any], hosts: Sequence[str], gateways: Sequence[str], http: Sequence[Manifest]
) -> Manifest:
    """Return a VirtualService that serves `hosts` on `gateways`; the API version is the caller's."""
    spec = {"hosts": list(hosts), "gateways": list(gateways), "http": list(http)}
    return {"kind": "VirtualService", "metadata": dict(metadata), "spec": spec}


def _of_service(plan: ServicePlan, theirs: Theirs, names: _Names) -> Iterator[Manifest]:
    port, exposure = plan.front, plan.exposure
    if not exposure.hosts or port is None:
        return
    gateways = exposure.gateways or (MESH,)
    routes = ServiceRoutes(plan, theirs.names, gateways)
    version = {"apiVersion": plan.config.istio.api_version}
    metadata = names.take(plan, "gateway")
    yield version | virtual_service(metadata, exposure.hosts, gateways, routes.http([port]))
    for preview in previews_of(plan):
        label = dashed(preview.environment).lower()
        metadata = names.take(plan, f"preview-{label}")
        yield version | virtual_service(metadata, preview.hosts, gateways, routes.preview(preview.environment, port))


class _Names:
    """Names of VirtualServices that no Service's own has."""

    def __init__(self, plan: Plan) -> None:
        self.taken = {one.key for one in plan.services}

    def take(self, plan: ServicePlan, suffix: str) -> Manifest:
        ref = plan.service.ref
        name = f"{ref.name}-{suffix}"
        while (ref.namespace, name) in self.taken:
            name += "-virtual-env"
        self.taken.add((ref.namespace, name))
        return {"name": name} | ({"namespace": ref.namespace} if ref.namespace else {})
