"""Whom a list lets one ask, and how: read from a user's manifests, with nothing of the product.

The clients that a list tells apart (namespaces, gateways, source labels), the hosts and ports that they can name, and
the requests that its routes tell apart: for each match one that it takes and one that is next to it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import gateways
from .model import NAMESPACE
from .questions import Client, Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .model import Manifest

ELSEWHERE = "elsewhere"  # a namespace that no object of the list is in
_DOMAIN = "svc.cluster.local"
_TCP_PORTS = {25, 53, 3306, 27017}  # Istio: TCP unless they say something else
_PROTOCOLS = {
    **dict.fromkeys(("http", "kubernetes.io/ws"), ("http1",)),
    **dict.fromkeys(("http2", "kubernetes.io/h2c"), ("http2",)),
    "grpc": ("grpc",),
    **dict.fromkeys(("tcp", "mongo", "redis", "mysql"), ("tcp",)),
    **dict.fromkeys(("https", "tls", "kubernetes.io/wss"), ("tls",)),
    "udp": (),
}


@dataclass(frozen=True, slots=True)
class Probe:
    """A request as far as routes can tell it from others."""

    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"


def questions(manifests: Sequence[Manifest], carriers: Iterable[str] = ()) -> list[Question]:
    """Return every question that a list lets one ask of a proxy, none with one of the headers `carriers`."""
    hidden = {name.lower() for name in carriers}
    probes = list(dict.fromkeys(_probes(manifests, hidden)))
    found = [one for client in _pods(manifests) for one in _of_pod(manifests, client, probes)]
    found += [one for gateway in _of(manifests, "Gateway") for one in _of_gateway(manifests, gateway, probes)]
    return list(dict.fromkeys(found))


def missing_gateways(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return a Gateway for each that a VirtualService names and the list lacks: for any host, on port 80."""
    there = {(_namespace(one), one["metadata"]["name"]) for one in _of(manifests, "Gateway")}
    named = {
        _gateway(name, one)
        for one in _of(manifests, "VirtualService")
        for name in one["spec"].get("gateways") or ()
        if name != "mesh"
    }
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return [
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": {"istio": f"{namespace}-{name}"}, "servers": [server]},
        }
        for namespace, name in sorted(named - there)
    ]


def _pods(manifests: Sequence[Manifest]) -> Iterator[Client]:
    """Yield a pod for each namespace, one elsewhere, and one for each set of labels that something asks for."""
    places = sorted({_namespace(one) for one in manifests if one["kind"] in ("Service", "VirtualService")})
    ruled = {_namespace(one) for one in manifests if one["kind"] in ("DestinationRule", "Sidecar")} - {"istio-system"}
    for place in dict.fromkeys([*places, *sorted(ruled), ELSEWHERE]):
        yield Client(place)
    for one in manifests:
        spec = one.get("spec") or {}
        if one["kind"] in ("DestinationRule", "Sidecar"):
            selector = spec.get("workloadSelector") or {}
            labels = selector.get("matchLabels") or selector.get("labels")
            if labels:
                yield Client(_namespace(one), tuple(sorted(labels.items())))
        for match in _matches(one):
            place = match.get("sourceNamespace")
            if labels := match.get("sourceLabels"):
                yield Client(place or _namespace(one), tuple(sorted(labels.items())))
            elif place:
                yield Client(place)


def _of_pod(manifests: Sequence[Manifest], client: Client, probes: Sequence[Probe]) -> Iterator[Question]:
    services = [one for one in _of(manifests, "Service") if _has_address(one)]
    ports = [(service, port) for service in services for port in service["spec"].get("ports") or ()]
    for service, port in ports:
        full, *others = _names(service, client, _said(manifests))
        for protocol in protocols(port):
            if protocol == "tcp":
                yield Question(client, full, port["port"], protocol=protocol)
            elif protocol == "tls":
                for name in (None, full, *_sni_names(manifests)):
                    yield Question(client, full, port["port"], protocol=protocol, sni=name)
            else:
                for host in (full, *others):
                    yield from _requests(Question(client, full, port["port"], "/", (), "GET", protocol, host), probes)
    entries = {host for one in _of(manifests, "ServiceEntry") for host in one["spec"].get("hosts") or ()}
    for host in sorted(_strangers(manifests)):
        for number in {port["port"]: None for _, port in ports if protocols(port) == ("http1",)}:
            to = next(_full(service) for service, port in ports if port["port"] == number)
            asked = Question(client, to, number, authority=host, stranger=host not in entries)
            yield from _requests(asked, probes)


def _of_gateway(manifests: Sequence[Manifest], gateway: Manifest, probes: Sequence[Probe]) -> Iterator[Question]:
    if not gateways.is_istio(gateway):
        return
    name = (_namespace(gateway), gateway["metadata"]["name"])
    hosts = {
        host.replace("*.", "any.") if host != "*" else "any.example.com"
        for one in _of(manifests, "VirtualService")
        if name in {_gateway(named, one) for named in one["spec"].get("gateways") or ()}
        for host in one["spec"].get("hosts") or ()
    }
    client = Client(gateway="/".join(name))
    for server in gateway["spec"].get("servers") or ():
        number, protocol = server["port"]["number"], server["port"]["protocol"].upper()
        mode = (server.get("tls") or {}).get("mode") or "PASSTHROUGH"
        if protocol in ("HTTP", "HTTP2", "GRPC") or (protocol == "HTTPS" and mode == "SIMPLE"):
            how = "tls" if protocol == "HTTPS" else "http1"
            for host in sorted({*hosts, "nowhere.example.com"}):
                yield from _requests(Question(client, host, number, protocol=how), probes)
        elif protocol in ("TLS", "HTTPS") and mode == "PASSTHROUGH":
            for name in sorted({*hosts, *_sni_names(manifests), "nowhere.example.com"}):
                yield Question(client, name, number, protocol="tls", sni=name)
        elif protocol == "TCP":
            yield Question(client, "nowhere.example.com", number, protocol="tcp")


def _requests(question: Question, probes: Iterable[Probe]) -> Iterator[Question]:
    """Yield the question in the form of each probe; a port other than 80 stands in the authority."""
    authority = question.authority
    if authority and question.port != 80:
        authority = f"{authority}:{question.port}"
    for probe in probes:
        yield replace(question, path=probe.path, headers=probe.headers, method=probe.method, authority=authority)


def _names(service: Manifest, client: Client, said: set[str]) -> list[str]:
    """Return the full name of a Service, the short one where it is one, and the half ones that the list speaks of."""
    full = _full(service)
    short = [service["metadata"]["name"]] if _namespace(service) == client.namespace else []
    return [full, *short, *(one for one in _spellings(full)[1:] if one in said)]


def _full(service: Manifest) -> str:
    return f"{service['metadata']['name']}.{_namespace(service)}.{_DOMAIN}"


def protocols(port: Manifest) -> tuple[str, ...]:
    """Return how a Service's port is asked, by Istio's protocol selection."""
    if port.get("protocol", "TCP") != "TCP":
        return ()
    said = port.get("appProtocol") or str(port.get("name") or "").partition("-")[0]
    if str(said).lower() in _PROTOCOLS:
        return _PROTOCOLS[str(said).lower()]
    unknown = port["port"] in _TCP_PORTS and not port.get("appProtocol")
    return ("tcp",) if unknown else ("http1", "tcp")


def _probes(manifests: Sequence[Manifest], hidden: set[str]) -> Iterator[Probe]:
    yield Probe("/")
    yield Probe("/nowhere")
    for one in manifests:
        for match in _matches(one, "http"):
            headers = {name: _value(rule) for name, rule in (match.get("headers") or {}).items()}
            if {name.lower() for name in headers} & hidden or match.keys() & {"authority", "scheme"}:
                headers = {name: value for name, value in headers.items() if name.lower() not in hidden}
            headers = {name: value for name, value in headers.items() if not name.startswith(":")}
            method = _value(match.get("method") or {"exact": "GET"})
            query = "&".join(f"{name}={_value(rule)}" for name, rule in (match.get("queryParams") or {}).items())
            for path in _paths(match.get("uri")):
                yield Probe(path + (f"?{query}" if query else ""), tuple(sorted(headers.items())), method)
                if headers or query or method != "GET":
                    yield Probe(path)


def _paths(rule: Manifest | None) -> list[str]:
    if not rule:
        return ["/"]
    ((how, text),) = rule.items()
    if how == "exact":
        return [text, text.rstrip("/") + "/x"]
    if how == "prefix":
        return [text, text.rstrip("/") + "/x", text.rstrip("/") + "x"]
    return [text.replace(".*", "x").replace("[^/]+", "x").replace("\\", "").strip("^$")]


def _value(rule: Manifest) -> str:
    ((how, text),) = (rule or {"exact": "x"}).items()
    return f"{text}x" if how == "prefix" else str(text).replace(".*", "x") if how == "regex" else str(text)


def _matches(one: Manifest, *sections: str) -> Iterator[dict[str, Any]]:
    if one["kind"] == "VirtualService":
        for section in sections or ("http", "tcp", "tls"):
            for route in one["spec"].get(section) or ():
                yield from route.get("match") or ()


def _sni_names(manifests: Sequence[Manifest]) -> list[str]:
    """Return a name that each SNI host of the list's routes takes."""
    matches = (match for one in manifests for match in _matches(one, "tls"))
    return sorted({host.replace("*.", "any.") for match in matches for host in match.get("sniHosts") or ()})


def _strangers(manifests: Sequence[Manifest]) -> set[str]:
    """Return the hosts of the mesh that the list speaks of and that are no Service's name.

    One that several VirtualServices of the mesh have is left out: Istio takes it from one of them as they come.
    """
    known = {spelling for one in _of(manifests, "Service") for spelling in _spellings(_full(one))}
    spoken = Counter(host for one in _of(manifests, "ServiceEntry") for host in one["spec"].get("hosts") or ())
    routed = Counter(
        host if "." in host or host == "*" else f"{host}.{_namespace(one)}.{_DOMAIN}"
        for one in _of(manifests, "VirtualService")
        if "mesh" in (one["spec"].get("gateways") or ["mesh"])
        for host in one["spec"].get("hosts") or ()
    )
    alone = {host for host, count in routed.items() if count == 1}
    return {host.replace("*.", "any.") for host in {*spoken, *alone} if host != "*"} - known


def _spellings(full: str) -> list[str]:
    name, place = full.split(".")[:2]
    return [full, f"{name}.{place}", f"{name}.{place}.svc"]


def _said(manifests: Sequence[Manifest]) -> set[str]:
    """Return every host that a VirtualService or a rule writes."""
    found = {host for one in _of(manifests, "VirtualService") for host in one["spec"].get("hosts") or ()}
    return found | {str(one["spec"].get("host")) for one in _of(manifests, "DestinationRule")}


def _has_address(service: Manifest) -> bool:
    """Tell whether a Service has a cluster IP and pods of the list's; addresses of others may answer nobody, late."""
    spec = service["spec"]
    return spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None" and bool(spec.get("selector"))


def _gateway(name: str, one: Manifest) -> tuple[str, str]:
    place, _, short = name.rpartition("/")
    return (place if place not in ("", ".") else _namespace(one), short)


def _namespace(one: Manifest) -> str:
    return one["metadata"].get("namespace") or NAMESPACE


def _of(manifests: Iterable[Manifest], kind: str) -> list[Manifest]:
    return [one for one in manifests if one.get("kind") == kind]
