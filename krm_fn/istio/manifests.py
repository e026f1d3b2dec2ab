"""Plan → every VirtualService and DestinationRule of the function's own, and the one place that names them.

Fields: https://istio.io/latest/docs/reference/config/networking/virtual-service/ and …/destination-rule/.

Those for gateways stand beside the one for the mesh, because a gateway's port says nothing about the Service's: Istio
reads `match.port` as the listener's (istio/istio, pilot/pkg/networking/core/route).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.routes import ServiceRoutes
from krm_fn.names import dashed, full_name
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import MESH
from krm_fn.plan.previews import previews_of
from krm_fn.plan.services import Key
from krm_fn.results import Ref, Result
from krm_fn.text.edits import Edit
from krm_fn.values import NOTHING, Manifest, Value


class Covered(NamedTuple):
    """What of a Service the user's own VirtualServices and DestinationRules take care of.

    Attributes:
        names: subset names by environment; None for the usual ones.
        has_routes: a VirtualService of theirs serves its host in the mesh.
        has_rule: a DestinationRule of theirs is for its host.
        traffic_policy: of a wildcard rule of theirs that a rule for the exact host would put out of force.
        subsets: what a generated DestinationRule must have; None for one for each environment.
        copies: further rules that clients of some namespaces need.
    """

    names: Mapping[str, str] | None = None
    has_routes: bool = False
    has_rule: bool = False
    traffic_policy: Value | None = None
    subsets: Sequence[Value] | None = None
    copies: Sequence[RuleCopy] = ()


class RuleCopy(NamedTuple):
    """A DestinationRule that the clients of a namespace need of their own, because they would read another's.

    Attributes:
        namespace: the clients'.
        traffic_policy: what they read before.
        selector: the labels of the client pods that it holds for; None for all.
        subsets: those that they read before.
    """

    namespace: str
    traffic_policy: Value
    selector: Mapping[str, str] | None = None
    subsets: Sequence[Value] = ()


class PreviewRoutes(NamedTuple):
    """The routes of an environment's preview hosts, made of a VirtualService of the user's, `of`."""

    of: Ref
    environment: str
    hosts: Sequence[str]
    gateways: Sequence[str]
    http: Sequence[Value]
    api_version: str


class Weaving(NamedTuple):
    """What the user's own objects need, and what of each Service they take care of; nothing where there are none."""

    edits: tuple[Edit, ...] = ()
    previews: tuple[PreviewRoutes, ...] = ()
    covered: Mapping[Key, Covered] = NOTHING
    results: tuple[Result, ...] = ()


_NOTHING = Covered()


def manifests(plan: Plan, weaving: Weaving) -> list[Manifest]:
    """Return the VirtualServices and DestinationRules that make the plan so, in a fixed order.

    Those of the mesh have the Service's name and namespace; owner, placement and clashes with names of the user's
    objects are the merge's.
    """
    names = _Names(plan)
    made: list[Manifest] = []
    for service in plan.services:
        made += _of_mesh(service, weaving.covered.get(service.key, _NOTHING))
    for service in plan.services:
        made += _of_gateways(service, weaving.covered.get(service.key, _NOTHING), names)
    made += [_of_preview(one, names) for one in weaving.previews]
    return made


def _of_mesh(plan: ServicePlan, covered: Covered) -> Iterator[Manifest]:
    routes = ServiceRoutes(plan, covered.names)
    spec = {"hosts": [routes.host], "http": routes.http(), "tcp": routes.tcp()}
    spec = {key: value for key, value in spec.items() if value}
    if not (spec.keys() - {"hosts"} or covered.names):
        return
    version = plan.config.istio.api_version
    metadata = _metadata(plan.service.ref.name, plan.service.ref.namespace)
    subsets = covered.subsets or routes.subsets()
    if (plan.needs_subsets or covered.names) and subsets and not covered.has_rule:
        policy = {"trafficPolicy": covered.traffic_policy} if covered.traffic_policy else {}
        rule = {"host": routes.host, **policy, "subsets": subsets}
        yield {"apiVersion": version, "kind": "DestinationRule", "metadata": metadata, "spec": rule}
    if (plan.needs_subsets or covered.names) and subsets:
        for number, copy in enumerate(covered.copies):
            yield _of_clients(plan, copy, subsets, number)
    if plan.needs_routes and not covered.has_routes and spec.keys() - {"hosts"}:
        yield {"apiVersion": version, "kind": "VirtualService", "metadata": dict(metadata), "spec": spec}


def _of_clients(plan: ServicePlan, copy: RuleCopy, subsets: Sequence[Value], number: int) -> Manifest:
    """Return a DestinationRule for the clients of a namespace; no Service has a dot in its name, so none has this."""
    ref = plan.service.ref
    name = f"{ref.name}.{ref.namespace}" if ref.namespace else f"{ref.name}.clients"
    if copy.selector is not None:
        name += f".{number}"
    spec: Manifest = {
        "host": full_name(ref.namespace, ref.name, plan.config.cluster_domain) if ref.namespace else ref.name
    }
    spec |= {"workloadSelector": {"matchLabels": copy.selector}} if copy.selector is not None else {}
    # By its name, a namespace is not "." to Istio, which would join such a rule with those that have a selector.
    spec |= {"exportTo": [copy.namespace or "."]}
    spec |= {"trafficPolicy": copy.traffic_policy} if copy.traffic_policy else {}
    there = {subset["name"] for subset in copy.subsets}
    spec |= {"subsets": [*copy.subsets, *(one for one in subsets if one["name"] not in there)]}
    metadata = _metadata(name, copy.namespace)
    return {"apiVersion": plan.config.istio.api_version, "kind": "DestinationRule", "metadata": metadata, "spec": spec}


def _of_gateways(plan: ServicePlan, covered: Covered, names: _Names) -> Iterator[Manifest]:
    """Yield a VirtualService for a Service with hosts, and one for each of its preview environments."""
    port, exposure = plan.front, plan.exposure
    if not exposure.hosts or port is None:
        return
    gateways = exposure.gateways or (MESH,)
    routes = ServiceRoutes(plan, covered.names, gateways)
    version, ref = plan.config.istio.api_version, plan.service.ref
    yield _virtual_service(version, names.take(ref, "gateway"), exposure.hosts, gateways, routes.http([port]))
    for preview in previews_of(plan):
        metadata = names.take(ref, _preview(preview.environment))
        yield _virtual_service(version, metadata, preview.hosts, gateways, routes.preview(preview.environment, port))


def _of_preview(one: PreviewRoutes, names: _Names) -> Manifest:
    metadata = names.take(one.of, _preview(one.environment))
    return _virtual_service(one.api_version, metadata, one.hosts, one.gateways, one.http)


def _preview(environment: str) -> str:
    return f"preview-{dashed(environment).lower()}"


def _virtual_service(
    version: str, metadata: Manifest, hosts: Sequence[str], gateways: Sequence[str], http: Sequence[Value]
) -> Manifest:
    spec = {"hosts": list(hosts), "gateways": list(gateways), "http": list(http)}
    return {"apiVersion": version, "kind": "VirtualService", "metadata": metadata, "spec": spec}


def _metadata(name: str, namespace: str) -> Manifest:
    return {"name": name} | ({"namespace": namespace} if namespace else {})


class _Names:
    """Names of VirtualServices beside those of Services: each is given once."""

    def __init__(self, plan: Plan) -> None:
        self.taken = {one.key for one in plan.services}

    def take(self, ref: Ref, suffix: str) -> Manifest:
        name = f"{ref.name}-{suffix}"
        while (ref.namespace, name) in self.taken:
            name += "-virtual-env"
        self.taken.add((ref.namespace, name))
        return _metadata(name, ref.namespace)
