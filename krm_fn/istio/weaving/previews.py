"""Preview hosts of a user's own VirtualService on a gateway: one more VirtualService for each environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from krm_fn.istio.weaving.http import HttpRoutes
from krm_fn.objects import Object
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.environments import dashed
from krm_fn.plan.exposure import MESH
from krm_fn.plan.previews import about, host_of
from krm_fn.results import Result
from krm_fn.values import strings

Value = Mapping[str, Any]


def previews_of_routes(
    one: Object, spec: Value, routes: HttpRoutes, plans: Sequence[ServicePlan]
) -> tuple[list[Value], list[Result]]:
    """Return the VirtualServices for the preview hosts of a user's, and what is wrong with those hosts.

    Args:
        one: the user's VirtualService.
        spec: its spec, without this function's additions.
        routes: its HTTP routes.
        plans: the Services of several environments that it routes to.
    """
    config = plans[0].config
    gateways = [name for name in strings(spec.get("gateways")) if name != MESH]
    hosts = [host for host in strings(spec.get("hosts")) if "." in host and not host.startswith("*")]
    if not config.preview_hosts or not gateways or not hosts:
        return [], []
    made: list[Value] = []
    taken = {host.lower(): "the VirtualService itself" for host in strings(spec.get("hosts"))}
    results: list[Result] = []
    for environment in sorted({name for plan in plans for name in plan.known}):
        previews = [host_of(config.preview_hosts, environment, host) for host in hosts]
        for host in previews:
            results += about(
                one.ref, "spec.hosts", pattern=config.preview_hosts, environment=environment, host=host, taken=taken
            )
        metadata = {"name": f"{one.ref.name}-preview-{dashed(environment).lower()}"}
        if one.ref.namespace:
            metadata["namespace"] = one.ref.namespace
        http = routes.preview(environment, config.env_header.name.lower())
        body = {"hosts": previews, "gateways": gateways, "http": http}
        version = config.istio.api_version
        made.append({"apiVersion": version, "kind": "VirtualService", "metadata": metadata, "spec": body})
    return made, results
