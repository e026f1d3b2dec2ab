"""What all views say of a plan in the same words: names, answers, rules of ports, the tree, JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from krm_fn.names import nearest
from krm_fn.plan.answers import Apart, Plan, ServicePlan
from krm_fn.plan.carriers import aliases
from krm_fn.plan.environments import levels
from krm_fn.plan.services import Port, Service, Traffic, Workload
from krm_fn.results import Result
from krm_fn.views.paint import clean
from krm_fn.views.who import follows_header

API_VERSION = "views.virtual-env-fn.dev/v1"  # of every JSON shape; docs/views.md says what may change within it
NO_ENVIRONMENT = "(no environment)"
_DIGITS = re.compile(r"(\d+)")

Json = dict[str, Any]


class Node(NamedTuple):
    """An environment in a tree drawn by lines: `branch` is what stands before its name."""

    name: str
    branch: str
    depth: int


def tree(names: Iterable[str], splitter: str, base: str = "") -> tuple[Node, ...]:
    """Return the environments, each below its nearest ancestor among them; the base's tree comes first."""
    return _tree(frozenset(names), splitter, base)


@lru_cache(maxsize=16)  # the Services of a namespace share theirs
def _tree(known: frozenset[str], splitter: str, base: str) -> tuple[Node, ...]:
    children: dict[str, list[str]] = {}
    for name in known:
        above = next((one for one in levels(name, splitter)[1:] if one in known), "")
        children.setdefault(above, []).append(name)
    roots = sorted(children.get("", ()), key=lambda name: (name not in levels(base, splitter), natural(name)))
    return tuple(node for root in roots for node in _nodes(root, children, "", "", 0))


def _nodes(name: str, children: Mapping[str, list[str]], branch: str, indent: str, depth: int) -> Iterator[Node]:
    yield Node(name, branch, depth)
    below = sorted(children.get(name, ()), key=natural)
    for child in below:
        last = child is below[-1]
        here, beyond = ("└ ", "  ") if last else ("├ ", "│ ")
        yield from _nodes(child, children, indent + here, indent + beyond, depth + 1)


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts proj2 before proj10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name) if part]


def full_name(service: Service) -> str:
    """Return NAME or NAMESPACE/NAME, as the manifest has it."""
    ref = service.ref
    return f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name


def is_named(service: Service, name: str) -> bool:
    """Tell whether a Service goes by NAME or NAMESPACE/NAME; every one does by an empty name."""
    return name in ("", service.ref.name, f"{service.ref.namespace}/{service.ref.name}")


def service_name(service: Service) -> str:
    """Return NAME or NAMESPACE/NAME to be read."""
    return clean(full_name(service))


def place(workload: Workload, service: Service) -> str:
    """Return where pods come from: kind, name, file; the namespace where it is not the Service's."""
    ref = workload.ref
    name = ref.name if ref.namespace == service.ref.namespace else f"{ref.namespace}/{ref.name}"
    return clean(f"{ref.kind} {name}" + (f" ({ref.file})" if ref.file else ""))


def port_name(port: Port) -> str:
    """Return a port as people name it: number, name, protocol."""
    return f"port {port.number} {clean(port.name or 'unnamed')} ({port.protocol or port.traffic.value})"


def port_rule(plan: ServicePlan, port: Port) -> str:
    """Return what decides about the pods that a port reaches."""
    pinned = "by the caller's label" if plan.config.tcp == "callerLabels" else "to the base"
    if not plan.pins_connections:
        pinned = "to any pod"
    unrouted = "to the base" if plan.is_narrowed else "not routed"
    return {
        Traffic.HTTP: "by header",
        Traffic.SNIFFED: f"HTTP by header, plain TCP {pinned}",
        Traffic.TCP: pinned,
        Traffic.TLS: unrouted,
        Traffic.UDP: unrouted,
    }[port.traffic]


def exception(plan: ServicePlan) -> str:
    """Say why the header does not decide about the whole Service; empty where it does."""
    if not plan.is_split:
        if plan.needs_routes:
            return ""
        return f"all its pods are of {', '.join(map(clean, plan.own)) or 'nobody'}"
    if plan.service.headless:
        return "headless: its clients choose among the pods of all environments"
    if not plan.ports(Traffic.HTTP, Traffic.SNIFFED):
        return "no port that follows the header"
    return ""


def port_notes(plan: ServicePlan) -> list[str]:
    """Return what becomes of the ports that do not follow the header where others of the Service do."""
    if not plan.is_split or not follows_header(plan):
        return []
    return [f"port {port.number}: {pinned(plan, port)}" for port in plan.ports(Traffic.TCP, Traffic.TLS, Traffic.UDP)]


def pinned(plan: ServicePlan, port: Port) -> str:
    """Return who gets the connections of a port that shows no headers."""
    rule = port_rule(plan, port)
    if plan.is_narrowed:
        return f"{rule} → {clean(plan.base_answer or '') or 'closed'}"
    if port.traffic is not Traffic.TCP or not plan.pins_connections:
        return f"{rule}: reaches pods of every environment"
    if plan.config.tcp == "callerLabels":
        return rule
    return f"{rule} → {clean(plan.base_answer or '') or 'closed'}"


def settings(plan: ServicePlan) -> Json:
    """Return what must be equal for two plans of a Service to be compared cell by cell."""
    label = plan.config.env_label
    return {
        "label": label.name,
        "splitter": label.splitter,
        "base": plan.base,
        "header": plan.config.env_header.name,
        "aliases": aliases(plan.config.env_header),
        "injection": plan.config.env_header.auto_inject,
        "matching": plan.config.matching,
        "unmatched": plan.config.unmatched,
    }


def service_json(plan: ServicePlan) -> Json:
    """Return a Service of the plan: its settings, ports, pods and routes."""
    own = {name: [workload_json(one) for one in found.workloads] for name, found in plan.own.items()}
    absent = {
        name: [workload_json(one) | {"absent": one.absent} for one in found] for name, found in plan.absent.items()
    }
    return {
        **identity(plan.service),
        **settings(plan),
        "baseAnswer": plan.base_answer,
        "routed": plan.needs_routes,
        "exception": exception(plan),
        "ports": [
            {"number": one.number, "name": one.name, "traffic": one.traffic.name, "rule": port_rule(plan, one)}
            for one in plan.service.ports
        ],
        "own": own,
        "absent": absent,
        "routes": [
            {"environment": one.environment, "exact": list(one.exact), "prefix": one.prefix} for one in plan.routes
        ],
    }


def apart_json(apart: Apart) -> Json:
    """Return a Service that takes no part, and why."""
    return {**identity(apart.service), "reason": apart.reason, "pods": [workload_json(one) for one in apart.workloads]}


def identity(service: Service) -> Json:
    """Return how a Service is named, and the file that has it."""
    return {"name": service.ref.name, "namespace": service.ref.namespace, "file": service.ref.file}


def workload_json(workload: Workload) -> Json:
    """Return where pods come from."""
    ref = workload.ref
    return {"kind": ref.kind, "name": ref.name, "namespace": ref.namespace, "file": ref.file}


def document(kind: str, results: Sequence[Result], **content: object) -> Json:
    """Return one of the JSON shapes, the findings first."""
    return {"apiVersion": API_VERSION, "kind": kind, "findings": [one.as_item() for one in results], **content}


def services(plan: Plan) -> list[Service]:
    """Return every Service of the list, those without a part last."""
    return [*(one.service for one in plan.services), *(one.service for one in plan.apart)]


def nothing(plan: Plan) -> str:
    """Say why there is nothing to show of a list; empty where there is."""
    if plan.services:
        return ""
    count = f"{len(plan.apart)} Service{'s' * (len(plan.apart) != 1)}"
    if not plan.apart:
        return "the list has no Service"
    return f"{count}, {'none of a labelled pod' if plan.namespaces else 'none labelled'}"


def names_of(plan: Plan) -> list[str]:
    """Return every name by which an option may call a Service, those without a part included."""
    return [name for one in services(plan) for name in {one.ref.name, full_name(one)}]


def meant(plan: Plan, value: str | None) -> str:
    """Return the carried environment that was perhaps meant by one that nobody carries; empty if none is close.

    An ancestor is no slip: who asks for dev.proj1.me knows dev.proj1.
    """
    names = carried(plan)
    if not value or value in names:
        return ""
    above = {name for one in plan.services for name in levels(value, one.splitter)}
    close = nearest(names, value)
    # Digits count things on purpose: who asks for pr-132 does not mean pr-123.
    counted = _DIGITS.sub("0", close) == _DIGITS.sub("0", value)
    return "" if counted or close in above else close


def carried(plan: Plan) -> list[str]:
    """Return every environment that a workload of the list carries."""
    return sorted({name for space in plan.namespaces for name in space.known})
