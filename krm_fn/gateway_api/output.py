"""Plan → what a mesh needs for it that reads the Gateway API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.config.reader import Configs
from krm_fn.gateway_api import routes, theirs
from krm_fn.gateway_api.backends import backends, grants
from krm_fn.gateway_api.checks import gateways, hosts, meshes, namespaces, policies, ways
from krm_fn.gateway_api.order import ordered
from krm_fn.gateway_api.theirs import Theirs
from krm_fn.gateway_api.weaving.woven import weave
from krm_fn.objects import Object
from krm_fn.output import Output
from krm_fn.plan import previews
from krm_fn.plan.answers import Plan
from krm_fn.results import Result
from krm_fn.values import Value


def output(objects: Sequence[Object], plan: Plan, configs: Configs) -> Output:
    """Return the Services and routes that make the plan true, those beside the user's own routes among them."""
    own = theirs.read(objects)
    needed = [one for one in plan.services if one.needs_routes or (one.exposure.is_exposed and one.front)]
    made = backends(needed, objects, configs.owner)
    woven = weave(own, plan, made)
    wanted = [
        *(route for one in needed for route in routes.of_mesh(one, made, woven.covered.get(one.key, ()))),
        *(route for one in needed for route in routes.of_gateways(one, made)),
        *woven.routes,
    ]
    listed = routes.manifests(wanted)
    manifests = [*made.manifests, *grants(listed), *listed]
    said = (
        *woven.results,
        *_checked(own, objects, plan, configs, listed),
        *policies.find(objects, plan, made, woven.routes),
    )
    return Output(tuple(ordered(manifests, configs)), (), said)


def _checked(
    own: Theirs, objects: Sequence[Object], plan: Plan, configs: Configs, made: Sequence[Value]
) -> Iterator[Result]:
    yield from gateways.find(own, plan)
    yield from hosts.find(own, plan)
    yield from namespaces.find(own, objects, plan)
    yield from previews.find(plan)
    yield from ways.find(own, objects, plan, configs.cluster_domain)
    yield from meshes.find(plan, made)
