"""EnvoyFilters that name a route or a cluster which requests pass by, once there are routes of environments.

Istio compares these names as they are (istio/istio, pilot/pkg/networking/core/envoyfilter); a copy has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from krm_fn.istio.hosts import Hosts
from krm_fn.istio.theirs import Theirs, VirtualService
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings

_DEFAULT = "default"  # the route of a Service for which there is no VirtualService
_INBOUND = "SIDECAR_INBOUND"
_ROUTE = "routeConfiguration.vhost.route.name"
_ADVICE = "match the routes by their virtual host (vhost.name), without a route's name"


def find(theirs: Theirs, objects: Sequence[Object], plan: Plan, domain: str) -> Iterator[Result]:
    """Yield a finding for each patch by a name that the requests which it was for do not meet any more."""
    filters = [one for one in objects if one.ref.kind == "EnvoyFilter" and one.is_source]
    split = {one.key: one for one in plan.services if one.needs_routes and one.needs_subsets} if filters else {}
    if not split:
        return
    hosts = Hosts(split.keys(), {one.ref.namespace for one in objects if one.is_source}, domain)
    copied, unrouted = _copied(theirs, hosts), _unrouted(theirs, hosts, split)
    for one in filters:
        for place, patch in enumerate(mappings(mapping(one.value, "spec").get("configPatches"))):
            match = mapping(patch, "match")
            field = f"spec.configPatches[{place}].match"
            if match.get("context") == _INBOUND:
                continue
            yield from _of_copied(one, match, field, copied)
            yield from _of_default(one, match, field, unrouted, hosts)
            yield from _of_cluster(one, match, field, split, hosts)


def _copied(theirs: Theirs, hosts: Hosts) -> Mapping[str, VirtualService]:
    """Return the VirtualServices that have a route of each name which has copies."""
    return {
        str(route["name"]): one
        for one in theirs.routes
        for place, route in enumerate(one.routes("http"))
        if route.get("name")
        and any(each.route == ("http", place) and hosts.find(each.host, one.namespace) for each in one.destinations())
    }


def _unrouted(theirs: Theirs, hosts: Hosts, split: Mapping[Key, ServicePlan]) -> Mapping[Key, ServicePlan]:
    """Return the Services that have no VirtualService of the user's in the mesh."""
    served = {
        key for one in theirs.routes if one.on_mesh for host in one.hosts for key in hosts.covered(host, one.namespace)
    }
    return {key: plan for key, plan in split.items() if key not in served}


def _of_copied(one: Object, match: Value, field: str, copied: Mapping[str, VirtualService]) -> Iterator[Result]:
    name = _route_name(match)
    if named := copied.get(name) or copied.get(name.rpartition(".")[0]):
        message = (
            f"patches the route {name!r} of {named.object.ref}, which has copies of other names for environments, and "
            f"for requests that name none: the patch holds for none of them; {_ADVICE}"
        )
        yield Result(Code.FILTER_BY_NAME, message, one.ref, f"{field}.{_ROUTE}")


def _of_default(
    one: Object, match: Value, field: str, unrouted: Mapping[Key, ServicePlan], hosts: Hosts
) -> Iterator[Result]:
    if _route_name(match) != _DEFAULT:
        return
    host = str(mapping(mapping(match, "routeConfiguration"), "vhost").get("name") or "").partition(":")[0]
    refs = tuple(plan.service.ref for key, plan in unrouted.items() if not host or hosts.find(host, "") == key)
    if refs:
        message = (
            f"patches Istio's own route {_DEFAULT!r}, and {', '.join(map(str, refs))} gets routes of other names: the "
            f"patch holds for them no more; {_ADVICE}"
        )
        yield Result(Code.FILTER_BY_NAME, message, one.ref, f"{field}.{_ROUTE}", refs)


def _route_name(match: Value) -> str:
    vhost = mapping(mapping(match, "routeConfiguration"), "vhost")
    return str(mapping(vhost, "route").get("name") or "")


def _of_cluster(
    one: Object, match: Value, field: str, split: Mapping[Key, ServicePlan], hosts: Hosts
) -> Iterator[Result]:
    name = str(mapping(match, "cluster").get("name") or "")
    _, _, rest = name.partition("|")
    _, _, rest = rest.partition("|")
    subset, _, host = rest.partition("|")
    key = hosts.find(host, "") if host else None
    if key and not subset:
        plan = split[key]
        message = (
            f"patches the cluster {name!r}, and requests to {plan.service.ref} go to those of its subsets now: the "
            "patch holds for none of them; match clusters by service and portNumber, which takes them all"
        )
        yield Result(Code.FILTER_BY_NAME, message, one.ref, f"{field}.cluster.name", (plan.service.ref,))
