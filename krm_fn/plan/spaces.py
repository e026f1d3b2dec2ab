"""Namespaces that are planned together, by the option `namespaces`: their Services of one name are one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from krm_fn.config.options import RouteConfig
from krm_fn.config.reader import Configs, Source
from krm_fn.names import nearest
from krm_fn.plan.answers import Copy, ServicePlan
from krm_fn.plan.inventory import Inventory
from krm_fn.plan.services import Service, Traffic, Workload
from krm_fn.results import Code, Result

_FIELD = "spec.namespaces"


class Space(NamedTuple):
    """Namespaces that are planned together: a single one, or a base and its members, the base first."""

    names: tuple[str, ...]
    source: Source

    @property
    def is_joined(self) -> bool:
        return len(self.names) > 1

    @property
    def config(self) -> RouteConfig:
        return self.source.config

    @property
    def label(self) -> str:
        """The key of the environment label."""
        return self.config.env_label.name

    def __str__(self) -> str:
        if self.is_joined:
            return f"namespaces {', '.join(map(repr, self.names[:-1]))} and {self.names[-1]!r}"
        return f"namespace {self.names[0]!r}" if self.names[0] else "the list"


def spaces(inventory: Inventory, configs: Configs) -> list[Space]:
    """Return what is planned together."""
    present = {one.ref.namespace for one in inventory.services} | {one.ref.namespace for one in inventory.workloads}
    together = configs.default.config.namespaces
    if together is None:
        return [Space((name,), configs.of(name)) for name in sorted(present)]
    alone = [Space((name,), configs.of(name)) for name in sorted(present - set(together.all))]
    return [Space(together.all, configs.default), *alone]


def findings(inventory: Inventory, configs: Configs) -> Iterator[Result]:
    """Yield a finding for each joined namespace that the list does not have, or that is configured alone."""
    together = configs.default.config.namespaces
    if together is None:
        return
    yield from _misplaced(configs)
    for name in together.all:
        if name not in inventory.namespaces:
            close = nearest(inventory.namespaces - {""}, name)
            message = f"the list has nothing in namespace {name!r}" + (f"; did you mean {close!r}?" if close else "")
            field = f"{_FIELD}.base" if name == together.base else f"{_FIELD}.members"
            yield Result(Code.NAMESPACE_UNKNOWN, message, configs.default.ref, field)


def _misplaced(configs: Configs) -> Iterator[Result]:
    """Yield findings about configurations of single namespaces that are joined with others: there one holds for all."""
    default = configs.default.config
    for name, one in configs.by_namespace.items():
        if default.namespaces and name in default.namespaces.all and _alone(one) != _alone(configs.default):
            message = (
                f"configures the namespace {name!r}, which is joined with others by {_FIELD} of {configs.default.ref}: "
                "one configuration holds for all of them; remove this one, or make both say the same"
            )
            yield Result(Code.CONFIG_TWICE, message, one.ref)


def _alone(source: Source) -> RouteConfig:
    """Return a configuration as a single namespace could have it."""
    return source.config._replace(namespaces=None)


def differences(together: Sequence[Service]) -> Iterator[Result]:
    """Yield findings about Services of one name whose ports do not lead to the same: a route leads to any of them."""
    first = together[0]
    for other in together[1:]:
        if first.headless != other.headless:
            bare, full = (other, first) if other.headless else (first, other)
            message = f"is headless, and {full.ref} is not: requests that either answers must reach both alike"
            yield _differs(bare, message, "spec.clusterIP")
            continue
        kinds, others = ({port.number: port.traffic for port in one.ports} for one in (first, other))
        for number in sorted(kinds.keys() | others.keys()):
            lacking = first if number not in kinds else other
            has = other if lacking is first else first
            if number not in kinds or number not in others:
                message = f"has no port {number}, and {has.ref} has: a request to it may be answered by either; add it"
                yield _differs(lacking, message, "spec.ports")
            elif kinds[number] is not others[number]:
                message = (
                    f"port {number} carries {_said(others[number])}, and in {first.ref} {_said(kinds[number])}: "
                    "say the same by name or appProtocol"
                )
                yield _differs(other, message, "spec.ports")


def _differs(service: Service, message: str, field: str) -> Result:
    return Result(Code.SERVICES_DIFFER, message, service.ref, field)


def _said(traffic: Traffic) -> str:
    return "what it does not declare" if traffic is Traffic.SNIFFED else traffic.value


def environments_twice(plan: ServicePlan, label: str) -> Iterator[Result]:
    """Yield a finding for each environment of which the Services of a name have pods in several namespaces."""
    for environment, own in plan.own.items():
        first = own.workloads[0]
        other = next((one for one in own.workloads if one.ref.namespace != first.ref.namespace), None)
        if other:
            message = (
                f"{environment!r} has pods of Service {plan.service.ref.name} here, and in namespace "
                f"{first.ref.namespace!r} ({first.ref}): a request of {environment!r} could go to one of them only; "
                "keep an environment of a Service in one namespace"
            )
            yield Result(Code.ENVIRONMENT_TWICE, message, other.ref, f"{other.labels_field}.{label}")


def elsewhere(workload: Workload, services: Iterable[Service]) -> str:
    """Say which Service of a joined namespace would select pods that none of their own does; empty for none."""
    for one in services:
        fits = one.selector and one.selector.items() <= workload.labels.items()
        if fits and one.ref.namespace != workload.ref.namespace:
            return f"; {one.ref} would, if it stood in this namespace too: add a Service of that name and selector here"
    return ""


def copies(space: Space, services: Sequence[Service], taking_part: Iterable[Service]) -> list[Copy]:
    """Return what the members lack of the base's Services.

    A Service that takes part is copied without its selector, for the routes to lead on from there; of any other, and
    of one whose ports no route can follow, the name alone is enough.
    """
    there = {one.key for one in services}
    routable = {Traffic.HTTP, Traffic.SNIFFED, Traffic.TCP}
    routed = {
        one.key for one in taking_part if not one.headless and any(port.traffic in routable for port in one.ports)
    }
    found: list[Copy] = []
    for one in services:
        for member in space.names[1:] if one.ref.namespace == space.names[0] else ():
            if (member, one.ref.name) not in there:
                ref = one.ref._replace(namespace=member, file="", file_index=None)
                is_alias = one.key not in routed
                copy = Service(ref, None, one.ports, external=is_alias)
                found.append(Copy(copy, one, is_alias))
    return found
