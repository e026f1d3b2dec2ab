"""Preview hosts of a user's own VirtualService on a gateway: one more VirtualService for each environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from krm_fn.istio.manifests import PreviewRoutes
from krm_fn.istio.weaving.http import HttpRoutes
from krm_fn.istio.weaving.targets import Needed
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.exposure import MESH
from krm_fn.plan.previews import about, host_of
from krm_fn.results import Result


class Previews(NamedTuple):
    """The routes of preview hosts, the subsets that they lead to, and what is wrong with those hosts."""

    routes: tuple[PreviewRoutes, ...] = ()
    needed: tuple[Needed, ...] = ()
    results: tuple[Result, ...] = ()


def previews_of_routes(routes: HttpRoutes) -> Previews:
    """Return what the preview hosts of a user's VirtualService need, which routes to at least one Service."""
    theirs = routes.loomed.one
    services = [subsets.plan for subsets in routes.loomed.services.values()]
    config = services[0].config
    gateways = [name for name in theirs.gateways if name != MESH]
    hosts = [host for host in theirs.hosts if "." in host and not host.startswith("*")]
    if not config.preview_hosts or not gateways or not hosts or not theirs.routes("http"):
        return Previews()
    made: list[PreviewRoutes] = []
    needed: list[Needed] = []
    header, version = config.env_header.name.lower(), config.istio.api_version
    for environment in _environments(services):
        previews = [host_of(config.preview_hosts, environment, host) for host in hosts]
        http = routes.preview(environment, header)
        needed += [each for one in http for each in one.needed]
        values = [one.value for one in http]
        made.append(PreviewRoutes(theirs.object.ref, environment, previews, gateways, values, version))
    return Previews(tuple(made), tuple(needed), tuple(_findings(routes, services, hosts)))


def _environments(services: Sequence[ServicePlan]) -> list[str]:
    return sorted({name for plan in services for name in plan.known})


def _findings(routes: HttpRoutes, services: Sequence[ServicePlan], hosts: Sequence[str]) -> Iterator[Result]:
    theirs, pattern = routes.loomed.one, services[0].config.preview_hosts
    taken = {host.lower(): "the VirtualService itself" for host in theirs.hosts}
    for environment in _environments(services):
        for host in hosts:
            preview = host_of(pattern, environment, host)
            yield from about(
                theirs.object.ref, "spec.hosts", pattern=pattern, environment=environment, host=preview, taken=taken
            )
