"""Plan → the routes of one Service.

Fields: https://istio.io/latest/docs/reference/config/networking/virtual-service/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from krm_fn.istio import rule
from krm_fn.istio.matches import carried
from krm_fn.istio.subsets import subset_environments, subset_names
from krm_fn.names import full_name
from krm_fn.plan.answers import Route, ServicePlan
from krm_fn.plan.exposure import MESH
from krm_fn.plan.services import Port, Traffic
from krm_fn.values import Manifest


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
        return full_name(namespace, name, self.plan.config.cluster_domain) if self.plan.joined else name

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
        return rule.merged(rule.read(self.plan), routes, self.gateways)

    def preview(self, environment: str, port: Port) -> list[Manifest]:
        """Return the routes of requests that are an environment's without saying so: the header says it from here."""
        header = {"headers": {"request": {"set": {self.plan.config.env_header.name.lower(): environment}}}}
        route = {"name": environment, **self._reply(self.plan.answer(environment).environment, port)}
        if "directResponse" not in route:
            route |= header
        return rule.merged(rule.read(self.plan), [route], self.gateways)

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
            **self._at(port, carried(self.plan.config.env_header, route)),
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
