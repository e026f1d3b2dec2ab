"""Who answers each Service for each environment, and why. Pure: no YAML, and no word of Istio's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from krm_fn.config.options import RouteConfig
from krm_fn.plan.environments import deepest_first, levels
from krm_fn.plan.exposure import Exposure
from krm_fn.plan.services import Key, Port, Service, Traffic, Workload
from krm_fn.results import Result

_NOT_EXPOSED = Exposure()


class OwnEnvironment(NamedTuple):
    """An environment in which a Service has pods, the workloads that make them, and their namespace."""

    name: str
    workloads: tuple[Workload, ...]
    namespace: str


class Level(NamedTuple):
    """One level that was tried for a request: the workloads found there, or what was missing."""

    environment: str
    workloads: tuple[Workload, ...] = ()
    missing: str = ""


class Answer(NamedTuple):
    """Who answers a request.

    Attributes:
        environment: who answers; None where nobody does, because of what the levels say was missing.
        levels: what was tried, in order; the last one answers unless `environment` is None.
    """

    environment: str | None
    levels: tuple[Level, ...]


class Route(NamedTuple):
    """Requests that an environment answers: those that carry one of `exact`, or begin with `prefix` if not empty."""

    environment: str
    exact: tuple[str, ...]
    prefix: str


class ServicePlan(NamedTuple):
    """The answers of one Service.

    Attributes:
        service: the Service.
        config: what holds in its namespace.
        base: who answers when a request names nobody; `base_answer` is who does so here, None for nobody.
        own: the environments in which it has pods, by name.
        absent: workloads without pods, by environment.
        known: every environment that a workload of its namespace, or of one joined with it, carries.
        routes: deepest first; whoever matches none gets the base's answer.
        exposure: what its annotations open it to.
        joined: the namespaces whose environments it has, the base first; empty where it stands alone.
    """

    service: Service
    config: RouteConfig
    base: str
    base_answer: str | None
    own: Mapping[str, OwnEnvironment]
    absent: Mapping[str, tuple[Workload, ...]]
    known: frozenset[str]
    routes: tuple[Route, ...]
    exposure: Exposure = _NOT_EXPOSED
    joined: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """The Service's namespace and name."""
        return self.service.key

    @property
    def together(self) -> tuple[Key, ...]:
        """The Services that share its environments, itself among them."""
        return tuple((namespace, self.service.ref.name) for namespace in self.joined) or (self.key,)

    @property
    def splitter(self) -> str:
        return self.config.env_label.splitter

    @property
    def is_split(self) -> bool:
        """Whether it has pods of an environment other than the one that answers for the base."""
        return len(self.own) > (self.base_answer in self.own)

    @property
    def is_routed(self) -> bool:
        """Whether routes choose among its pods: it is split, or `routes: all` has them stay when it is not."""
        return self.is_split or self.config.routes == "all"

    @property
    def is_elsewhere(self) -> bool:
        """Whether any of its pods live in another of the joined namespaces."""
        return any(one.namespace != self.service.ref.namespace for one in self.own.values())

    @property
    def needs_routes(self) -> bool:
        """Whether requests to it need routes, and its clients leave the choice of a pod to the mesh."""
        return (self.is_routed or self.is_elsewhere or bool(self.exposure.rule)) and not self.service.headless

    @property
    def needs_subsets(self) -> bool:
        """Whether routes to it, its own or a gateway's, choose among its pods."""
        return self.is_routed and (not self.service.headless or self.exposure.is_exposed)

    @property
    def front(self) -> Port | None:
        """The port that a gateway's requests go to: the first one that shows headers; None where there is none."""
        return next(iter(self.ports(Traffic.HTTP, Traffic.SNIFFED)), None)

    def home(self, environment: str | None) -> str:
        """Return the namespace of the Service that has an environment's pods; its own where nobody has any."""
        if environment is None and self.is_copy:
            return self.joined[0]
        own = self.own.get(environment) if environment else None
        return own.namespace if own else self.service.ref.namespace

    @property
    def here(self) -> list[OwnEnvironment]:
        """Those whose pods are of the Service's own namespace, which alone its host has."""
        return [own for own in self.own.values() if own.namespace == self.service.ref.namespace]

    @property
    def is_copy(self) -> bool:
        """Whether it stands in a namespace that lacks the Service only to be called there."""
        return self.service.selector is None

    def ports(self, *traffic: Traffic) -> list[Port]:
        """Return the ports that carry one of the kinds of traffic."""
        return [port for port in self.service.ports if port.traffic in traffic]

    @property
    def is_narrowed(self) -> bool:
        """Whether the Service itself is to select the pods of the base alone, by the option `base`."""
        if self.config.base != "selector" or not self.is_routed or self.service.headless or self.is_copy:
            return False
        nobody = self.base_answer is None and self.config.unmatched == "anyPod"
        return not nobody and self.home(self.base_answer) == self.service.ref.namespace

    @property
    def pins_connections(self) -> bool:
        """Whether plain connections, of which no header decides, are kept to one environment."""
        return self.config.output == "istio" or self.is_narrowed

    def callers(self) -> list[tuple[str, str]]:
        """Return the environments of calling pods that a plain connection follows elsewhere than to the base.

        Each with the environment that answers it, deepest first; empty unless `tcp: callerLabels`.
        """
        if self.config.tcp == "base" or self.config.output != "istio":
            return []
        callers = [(name, self.answer(name).environment) for name in deepest_first(self.known, self.splitter)]
        return [(name, answer) for name, answer in callers if answer is not None and answer != self.base_answer]

    def route(self, value: str | None) -> Route | None:
        """Return the route that takes a request that carries `value`; None for the last one, which takes the rest."""
        return next(
            (
                one
                for one in self.routes
                if value in one.exact or (value and one.prefix and value.startswith(one.prefix))
            ),
            None,
        )

    def answer(self, value: str | None) -> Answer:
        """Say who answers a request that carries `value` (None or empty: names nobody), and what was tried."""
        return Answer(self.answering(value), tuple(map(self._level, self.tried(value))))

    def answering(self, value: str | None) -> str | None:
        """Return who answers such a request, without what was tried; None for nobody."""
        tried = self.tried(value)
        return tried[-1] if tried and tried[-1] in self.own else None

    def tried(self, value: str | None) -> list[str]:
        """Return the environments that are tried for such a request, in order; the last one answers if it has pods."""
        splitter, base, own = self.config.env_label.splitter, self.base, self.own
        known = self.config.matching == "prefix" or value in self.known
        found: list[str] = []
        for start in (value if known else None, base):
            for name in levels(start, splitter) if start else ():
                if name in own:
                    return [*found, name]
                if name not in found:
                    found.append(name)
        return found

    def missing(self, environment: str) -> str:
        """Say why an environment in which it has no pods has none."""
        absent = self.absent.get(environment, ())
        return ", ".join([f"{workload.ref} has {workload.absent}" for workload in absent]) or "no pod"

    def _level(self, name: str) -> Level:
        own = self.own.get(name)
        return Level(name, own.workloads) if own else Level(name, missing=self.missing(name))


class NamespacePlan(NamedTuple):
    """A namespace in which pods carry the label: every environment that they carry, and what holds there."""

    name: str
    known: frozenset[str]
    config: RouteConfig


class Apart(NamedTuple):
    """A Service that takes no part: the reason, and the workloads with pods that it selects all the same."""

    service: Service
    reason: str
    workloads: tuple[Workload, ...] = ()


class Adoption(NamedTuple):
    """A workload without the label whose pods count as an environment's: it is to get the label."""

    workload: Workload
    label: str
    environment: str


class Copy(NamedTuple):
    """A Service of a base namespace that a member namespace lacks, as its pods are to find it there.

    Attributes:
        service: the Service of that namespace; it selects no pods.
        original: the Service that it stands for.
        is_alias: whether its name alone leads there, because the Service takes no part in routing.
    """

    service: Service
    original: Service
    is_alias: bool


class Plan(NamedTuple):
    """The Services that take part, by namespace and name, and what else the list leads to.

    Attributes:
        services: those that take part.
        namespaces: the namespaces of labelled pods.
        results: what there is to say.
        apart: the Services that take no part, by namespace and name.
        adoptions: the workloads that are to get the base's label.
        copies: the Services that member namespaces lack.
    """

    services: tuple[ServicePlan, ...]
    namespaces: tuple[NamespacePlan, ...]
    results: tuple[Result, ...]
    apart: tuple[Apart, ...] = ()
    adoptions: tuple[Adoption, ...] = ()
    copies: tuple[Copy, ...] = ()

    def of(self, output: str) -> Plan:
        """Return what of the plan an output is to make true: the Services and namespaces that are configured so."""
        services = tuple(one for one in self.services if one.config.output == output)
        namespaces = tuple(one for one in self.namespaces if one.config.output == output)
        return self._replace(services=services, namespaces=namespaces)
