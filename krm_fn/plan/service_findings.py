"""What a user must know about the routes of a Service: what cannot be routed, what then happens, and the way out."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.plan.answers import Apart, ServicePlan
from krm_fn.plan.exposure import PREFIX
from krm_fn.plan.services import Port, Traffic
from krm_fn.results import Code, Result


def about(plan: ServicePlan) -> Iterator[Result]:
    """Yield the findings about a Service that is open to a gateway, or has several environments."""
    ref = plan.service.ref
    yield from _about_exposure(plan)
    if plan.is_copy:
        yield from _about_copy(plan)
        return
    if not plan.is_split:
        return
    names = ", ".join(plan.own)
    if plan.service.headless:
        message = (
            f"is headless (clusterIP: None), so its clients choose pods themselves, of any environment ({names}); "
            "give it a cluster IP if requests are to be routed"
        )
        yield Result(Code.HEADLESS, message, ref, "spec.clusterIP")
        return
    follows = plan.ports(Traffic.HTTP, Traffic.SNIFFED)
    if plan.base_answer is None and follows:
        said = " that says so" if plan.config.output == "istio" else ""
        then = f"get a 503{said}" if plan.config.unmatched == "reject" else "reach any pod of the Service"
        message = f"has no pods of the base {plan.base!r} (only of {names}): requests that none of them answers {then}"
        yield Result(Code.BASE_ABSENT, message, ref)
    for place, port in enumerate(plan.service.ports):
        yield from _about_port(plan, port, f"spec.ports[{place}]")
    if not follows and plan.ports(Traffic.TCP):
        message = (
            f"has pods of {names}, and no port whose requests can be told apart: its connections reach "
            f"{_tcp_target(plan)} whoever calls; if a port carries HTTP or gRPC, say so by its name (http-…, grpc-…) "
            "or its appProtocol"
        )
        yield Result(Code.NO_HEADER_PORT, message, ref, "spec.ports")


def _tcp_target(plan: ServicePlan) -> str:
    if not plan.pins_connections:
        return "pods of every environment,"
    if plan.config.tcp == "callerLabels":
        return "the environment of the calling pod,"
    return f"the base {plan.base_answer!r}," if plan.base_answer else f"nobody (the base {plan.base!r} has no pods),"


def _about_exposure(plan: ServicePlan) -> Iterator[Result]:
    if not (plan.exposure.is_exposed or plan.exposure.rule):
        return
    ports = plan.ports(Traffic.HTTP, Traffic.SNIFFED)
    field = "spec.ports"
    if not ports:
        message = (
            f"has annotations {PREFIX}…, and no port whose requests a route can tell apart: they have no effect; "
            "if one carries HTTP or gRPC, say so by its name (http-…, grpc-…) or its appProtocol"
        )
        yield Result(Code.NOT_EXPOSED, message, plan.service.ref, field)
    elif plan.front and len(ports) > 1 and plan.exposure.is_exposed:
        names = ", ".join(str(port.number) for port in ports)
        message = (
            f"has several ports for a gateway's requests ({names}); they go to the first, {plan.front.number}; put "
            "another one first, or route the others with a VirtualService of your own"
        )
        yield Result(Code.GATEWAY_PORT, message, plan.service.ref, field)


def about_apart(apart: Apart) -> Iterator[Result]:
    """Yield a finding where annotations ask for routes of a Service that gets none."""
    if any(key.startswith(PREFIX) for key in apart.service.annotations):
        message = f"has annotations {PREFIX}…, which have no effect, because it {apart.reason}"
        yield Result(Code.NOT_EXPOSED, message, apart.service.ref, "metadata.annotations")


def _about_copy(plan: ServicePlan) -> Iterator[Result]:
    plain = () if plan.config.output == "istio" else (Traffic.TCP, Traffic.SNIFFED)
    for port in plan.ports(Traffic.TLS, Traffic.UDP, *plain):
        what = {Traffic.UDP: "is UDP", Traffic.TLS: f"carries TLS ({port.protocol})"}.get(
            port.traffic, "may be plain TCP"
        )
        message = (
            f"is made here for callers of namespace {plan.joined[0]!r}'s, and its port {port.number} {what}, which no "
            f"route can follow: nobody answers there; call it as {plan.service.ref.name}.{plan.joined[0]} instead"
        )
        codes = {Traffic.UDP: Code.UDP_PORT, Traffic.TLS: Code.TLS_PORT}
        yield Result(codes.get(port.traffic, Code.CONNECTIONS_OPEN), message, plan.service.ref)


def _about_port(plan: ServicePlan, port: Port, field: str) -> Iterator[Result]:
    ref, names = plan.service.ref, ", ".join(plan.own)
    if plan.config.output != "istio":
        yield from _about_connections(plan, port, field)
    elif port.traffic is Traffic.TLS:
        message = (
            f"port {port.number} carries TLS ({port.protocol}), which no route can follow: its connections reach "
            f"pods of every environment ({names}); name it tcp-… to pin it to the base, or leave TLS to the mesh "
            "and name it http-…"
        )
        yield Result(Code.TLS_PORT, message, ref, field)
    elif port.traffic is Traffic.UDP:
        message = f"port {port.number} is UDP, which the mesh does not route: it reaches pods of {names}"
        yield Result(Code.UDP_PORT, message, ref, field)
    elif port.traffic is Traffic.SNIFFED and plan.base_answer is not None:
        message = (
            f"port {port.number} does not say what it carries: its HTTP requests follow the header, and its plain TCP "
            f"goes to the base {plan.base_answer!r}; say it by its name (http-…, tcp-…) or its appProtocol"
        )
        yield Result(Code.PORT_UNDECLARED, message, ref, field)
    elif port.traffic in (Traffic.TCP, Traffic.SNIFFED) and plan.base_answer is None:
        message = (
            f"plain TCP to port {port.number} is pinned to the base {plan.base!r}, which has no pods here: "
            "the connection closes"
        )
        yield Result(Code.TCP_WITHOUT_BASE, message, ref, field)


def _about_connections(plan: ServicePlan, port: Port, field: str) -> Iterator[Result]:
    """Yield a finding about what of a port no header decides, where the Service's own selector alone can pin it."""
    if port.traffic is Traffic.HTTP:
        return
    ref = plan.service.ref
    what = {
        Traffic.TLS: f"carries TLS ({port.protocol})",
        Traffic.UDP: "is UDP",
        Traffic.TCP: "carries plain TCP",
        Traffic.SNIFFED: "does not say what it carries, and plain TCP on it follows no header",
    }[port.traffic]
    if plan.is_narrowed:
        if plan.base_answer is None:
            message = f"port {port.number} {what}: it is kept to the base {plan.base!r}, which has no pods here"
            yield Result(Code.TCP_WITHOUT_BASE, message, ref, field)
        return
    if plan.home(plan.base_answer) != ref.namespace:
        way = f"; call it as {ref.name}.{plan.home(plan.base_answer)} instead"
    else:
        way = (
            "; set base: selector, and this Service has the base's pods alone" if plan.config.base == "backend" else ""
        )
    message = (
        f"port {port.number} {what}: no route of the Gateway API holds its connections, which reach pods of any "
        f"environment ({', '.join(plan.own)}){way}"
    )
    yield Result(Code.CONNECTIONS_OPEN, message, ref, field)
