"""What single meshes do not do with the routes, and options that no route of the Gateway API makes true.

Sources, by mesh: docs/meshes.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.gateway_api.arranged import fits_one_route
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.carriers import places
from krm_fn.plan.services import Traffic
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings

_RE2_PROGRAM = 100  # what Envoy allows an expression, unless its control plane says otherwise
_SURELY_SMALL = 20  # characters: no program of so few is larger, which saves compiling them
# What a port's appProtocol may be for linkerd2-policy-controller to see HTTP in it.
_LINKERD_KNOWS = ("http", "kubernetes.io/h2c", "linkerd.io/opaque", "linkerd.io/tcp")


def find(plan: Plan, routes: Sequence[Value]) -> Iterator[Result]:
    """Yield the findings about Services with routes, and about options of their namespaces; `routes` are ours."""
    split = [one for one in plan.services if one.is_split and one.needs_routes]
    yield from _options(plan, split)
    largest = _large(routes) if split else ""
    if largest:
        message = (
            f"a generated expression is larger than a stock Envoy takes, as Cilium runs it, which then refuses all "
            f"routes of its Service ({largest}): shorter names, fewer environments of one Service, or another mesh"
        )
        yield Result(Code.EXPRESSION_LARGE, message)
    for one in split:
        yield from _service(one)


def _options(plan: Plan, split: Sequence[ServicePlan]) -> Iterator[Result]:
    for one in plan.namespaces:
        where = f"namespace {one.name!r}" if one.name else "the list"
        if one.config.env_header.auto_inject:
            message = (
                f"envHeader.autoInject has no effect in {where}: no route of the Gateway API adds a header by the "
                "calling pod; the applications must send it, or leave that namespace to output: istio"
            )
            yield Result(Code.OPTION_UNSUPPORTED, message)
        if one.config.tcp == "callerLabels" and any(_has_plain(each, one.name) for each in split):
            message = (
                f"tcp: callerLabels has no effect in {where}: no route of the Gateway API asks for the calling pod; "
                "set base: selector, so that plain connections reach the base alone"
            )
            yield Result(Code.OPTION_UNSUPPORTED, message)


def _has_plain(plan: ServicePlan, namespace: str) -> bool:
    return plan.service.ref.namespace == namespace and bool(plan.ports(Traffic.TCP, Traffic.SNIFFED))


def _service(plan: ServicePlan) -> Iterator[Result]:
    ref, ports = plan.service.ref, plan.ports(Traffic.HTTP, Traffic.SNIFFED)
    ways = len(places(plan.config.env_header))
    if ways > 1 and not fits_one_route(len(plan.routes), ways):
        message = (
            f"has more environments ({len(plan.own)}) than one route holds: where two carriers of a request name "
            "different ones, which of them answers is the mesh's choice"
        )
        yield Result(Code.CARRIERS_DISAGREE, message, ref)
    if len(ports) > 1:
        message = (
            f"has several HTTP ports ({', '.join(str(port.number) for port in ports)}): Cilium (seen in 1.20.2) makes "
            "one table of their routes, and spreads requests over the ports; give it a Service for each port there"
        )
        yield Result(Code.PORTS_MERGED, message, ref, "spec.ports")
    for place, port in enumerate(plan.service.ports):
        if port in ports and port.traffic is Traffic.SNIFFED and not plan.service.headless:
            message = (
                f"port {port.number} does not say what it carries, and has a route, for which Cilium takes it for "
                "HTTP: plain TCP on it waits in vain there; name it tcp-…, and it has no route, or http-…"
            )
            yield Result(Code.PORT_GUESSED, message, ref, f"spec.ports[{place}]")
        if port in ports and port.app_protocol is not None and port.app_protocol not in _LINKERD_KNOWS:
            message = (
                f"port {port.number} has the appProtocol {port.app_protocol!r}, which Linkerd does not know: it passes "
                "such connections on unread, and its routes have no effect; remove it and name the port "
                "(http-…, grpc-…), or say kubernetes.io/h2c"
            )
            yield Result(Code.APP_PROTOCOL, message, ref, f"spec.ports[{place}].appProtocol")


def _large(routes: Sequence[Value]) -> str:
    """Return the name of a route with an expression that is too large for a stock Envoy; empty for none."""
    judged: dict[str, bool] = {}
    for route in routes:
        for rule in mappings(mapping(route, "spec").get("rules")):
            for match in mappings(rule.get("matches")):
                for header in mappings(match.get("headers")):
                    text = str(header.get("value", ""))
                    if header.get("type") != "RegularExpression" or len(text) <= _SURELY_SMALL:
                        continue
                    if text not in judged:
                        judged[text] = _program_size(text) > _RE2_PROGRAM
                    if judged[text]:
                        return f"{route['kind']} {route['metadata']['name']}"
    return ""


def _program_size(text: str) -> int:
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - few lists have expressions that could be too large

    return int(re2.compile(text).programsize)
