"""Preview hosts of a user's own VirtualService on a gateway: one more VirtualService for each environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krm_fn.exposure import MESH, dns_name_problem
from krm_fn.objects import Object
from krm_fn.parts import strings
from krm_fn.plan import ServicePlan
from krm_fn.previews import host_of
from krm_fn.results import Code, Result
from krm_fn.weave_http import HttpRoutes

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
            results += _about(one, host, environment, taken)
        label = environment.replace(".", "-").replace("_", "-").lower()
        metadata = {"name": f"{one.ref.name}-preview-{label}"}
        if one.ref.namespace:
            metadata["namespace"] = one.ref.namespace
        http = routes.preview(environment, config.env_header.name.lower())
        body = {"hosts": previews, "gateways": gateways, "http": http}
        version = config.istio.api_version
        made.append({"apiVersion": version, "kind": "VirtualService", "metadata": metadata, "spec": body})
    return made, results


def _about(one: Object, host: str, environment: str, taken: dict[str, str]) -> Iterator[Result]:
    if problem := dns_name_problem(host):
        message = f"the preview host {host!r} of environment {environment!r} is no DNS name: {problem}"
        yield Result(Code.PREVIEW_INVALID, message, one.ref, "spec.hosts")
    said = f"environment {environment!r}"
    if (other := taken.setdefault(host, said)) != said:
        message = f"the preview host {host!r} would stand for {said}, and for {other}; rename one of them"
        yield Result(Code.PREVIEW_TAKEN, message, one.ref, "spec.hosts")
