"""Plan → VirtualService and DestinationRule.

Fields: https://istio.io/latest/docs/reference/config/networking/virtual-service/ and …/destination-rule/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krm_fn.istio.hosts import full_name
from krm_fn.istio.rule import ruled
from krm_fn.istio.subsets import subset_names
from krm_fn.plan.answers import Plan, Route, ServicePlan
from krm_fn.plan.carriers import header_matches
from krm_fn.plan.exposure import MESH
from krm_fn.plan.inventory import Port, Traffic

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Theirs:
    """What of a Service the user's own VirtualServices and DestinationRules take care of.

    Attributes:
        names: subset names by environment; None for the usual ones.
        has_routes: a VirtualService of theirs serves its host in the mesh.
        has_rule: a DestinationRule of theirs is for its host.
        traffic_policy: of a wildcard rule of theirs that a rule for the exact host would put out of force.
        subsets: what a generated DestinationRule must have; None for one for each environment.
    """

    names: Mapping[str, str] | None = None
    has_routes: bool = False
    has_rule: bool = False
    traffic_policy: Mapping[str, Any] | None = None
    subsets: Sequence[Mapping[str, Any]] | None = None


def manifests(plan: Plan, theirs: Mapping[tuple[str, str], Theirs] | None = None) -> list[Manifest]:
    """Return the VirtualServices and DestinationRules that make the plan so, in a fixed order.

    Their metadata has the Service's name and namespace; owner, placement and clashes of names are the merge's.
    `theirs` is by namespace and name of the Service.
    """
    theirs = theirs or {}
    nothing = Theirs()
    return [
        manifest for service in plan.services for manifest in _of_service(service, theirs.get(service.key, nothing))
    ]


def _of_service(plan: ServicePlan, theirs: Theirs) -> Iterator[Manifest]:
    routes = ServiceRoutes(plan, theirs.names)
    spec = {"hosts": [routes.host], "http": routes.http(), "tcp": routes.tcp()}
    spec = {key: value for key, value in spec.items() if value}
    if not (spec.keys() - {"hosts"} or theirs.names):
        return
    subsets = theirs.subsets or routes.subsets()
    if (plan.needs_subsets or theirs.names) and subsets and not theirs.has_rule:
        policy = {"trafficPolicy": theirs.traffic_policy} if theirs.traffic_policy else {}
        yield _manifest("DestinationRule", plan, {"host": routes.host, **policy, "subsets": subsets})
    if plan.needs_routes and not theirs.has_routes and spec.keys() - {"hosts"}:
        yield _manifest("VirtualService", plan, spec)


def _manifest(kind: str, plan: ServicePlan, spec: Manifest) -> Manifest:
    ref = plan.service.ref
    metadata = {"name": ref.name} | ({"namespace": ref.namespace} if ref.namespace else {})
    return {"apiVersion": plan.config.istio.api_version, "kind": kind, "metadata": metadata, "spec": spec}


def subset_environments(plan: ServicePlan) -> set[str]:
    """Return the environments that need a subset.

    The base is among them also where it has no pods and plain TCP is pinned to it: such a connection closes instead
    of reaching somebody's personal pods.
    """
    pinned = plan.ports(Traffic.TCP, Traffic.SNIFFED)
    return {*plan.own, *([plan.base_answer or plan.base] if pinned else [])}


class ServiceRoutes:
    """The routes and subsets of one Service.

    Args:
        plan: the Service.
        names: the subsets' names by environment; None for the usual ones.
        gateways: where the routes are served.
    """

    def __init__(
        self, plan: ServicePlan, names: Mapping[str, str] | None = None, gateways: Sequence[str] = (MESH,)
    ) -> None:
        self.plan = plan
        self.gateways = gateways
        self.host = self._host(plan.service.ref.namespace)
        self.names = names or (subset_names(subset_environments(plan)) if plan.is_routed else {})
        # With one port Istio takes the listener's; with more, a route without its port is refused by its analyzer
        # (IST0112) and would mean the gateway's port on a gateway.
        self.one_port = len(plan.service.ports) == 1

    def _host(self, namespace: str) -> str:
        name = self.plan.service.ref.name
        return full_name(namespace, name) if self.plan.joined else name

    def subsets(self) -> list[Manifest]:
        """Return the subsets of the Service's own namespace."""
        label, own = self.plan.config.env_label.name, self.plan.service.ref.namespace
        return [
            {"name": name, "labels": {label: environment}}
            for environment, name in sorted(self.names.items())
            if self.plan.home(environment) == own
        ]

    def http(self, ports: Sequence[Port] | None = None) -> list[Manifest]:
        """Return the routes by header, of all ports that can follow it or of `ports`."""
        return [
            route
            for port in (self.plan.ports(Traffic.HTTP, Traffic.SNIFFED) if ports is None else ports)
            for route in self._of_port(port)
        ]

    def _of_port(self, port: Port) -> list[Manifest]:
        routes = [*(self._route(one, port) for one in self.plan.routes), self._default(port)]
        return ruled(self.plan.exposure.rule, routes, self.gateways)

    def preview(self, environment: str, port: Port) -> list[Manifest]:
        """Return the routes of requests that are an environment's without saying so: the header says it from here."""
        header = {"headers": {"request": {"set": {self.plan.config.env_header.name.lower(): environment}}}}
        route = {"name": environment, **self._reply(self.plan.answer(environment).environment, port)}
        if "directResponse" not in route:
            route |= header
        return ruled(self.plan.exposure.rule, [route], self.gateways)

    def tcp(self, ports: Sequence[Port] | None = None) -> list[Manifest]:
        """Return the routes of plain connections: by the caller's label on request, then to the base."""
        base = self.plan.base_answer or self.plan.base
        label = self.plan.config.env_label.name
        targets = [({"sourceLabels": {label: caller}}, answer) for caller, answer in self.plan.callers()]
        return [
            {**self._at(port, [match]), "route": [{"destination": self._destination(answer, port)}]}
            for port in (self.plan.ports(Traffic.TCP, Traffic.SNIFFED) if ports is None else ports)
            for match, answer in [*targets, ({}, base)]
        ]

    def _route(self, route: Route, port: Port) -> Manifest:
        return {
            "name": route.environment,
            **self._at(port, header_matches(self.plan.config.env_header, route)),
            "route": [{"destination": self._destination(route.environment, port)}],
        }

    def _default(self, port: Port) -> Manifest:
        """Return the route of requests that no environment's route takes."""
        base = self.plan.base_answer
        return {"name": base or "unmatched", **self._at(port, [{}]), **self._reply(base, port)}

    def _reply(self, environment: str | None, port: Port) -> Manifest:
        if environment is None and self.plan.config.unmatched == "reject":
            return self.rejection()
        return {"route": [{"destination": self._destination(environment, port)}]}

    def rejection(self) -> Manifest:
        """Return the reply to requests that nobody answers: it names the Service and the missing base."""
        others = f", and this request names none of those that it has: {', '.join(self.plan.own)}"
        body = (
            f"virtual-env: Service {self.plan.service.ref.name} has no pods of the base environment {self.plan.base}"
            f"{others if self.plan.own else ', nor of any other'}\n"
        )
        return {"directResponse": {"status": 503, "body": {"string": body}}}

    def _at(self, port: Port, matches: Sequence[Manifest]) -> Manifest:
        if not self.one_port and tuple(self.gateways) == (MESH,):
            matches = [match | {"port": port.number} for match in matches]
        matches = [match for match in matches if match]
        return {"match": matches} if matches else {}

    def _destination(self, environment: str | None, port: Port) -> Manifest:
        destination: Manifest = {"host": self._host(self.plan.home(environment))}
        if environment is not None and self.names:
            destination["subset"] = self.names[environment]
        return destination if self.one_port else destination | {"port": {"number": port.number}}
