"""The evaluator of krm_fn/verify beside a real Envoy: the same dump, the same requests, equal answers.

Each Envoy says of every HTTP answer which route and which cluster it chose (`SAYS`), so that not only who answered is
compared but also why.
"""

from __future__ import annotations

import json
import random
import re
import ssl
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from krm_fn.verify import dump
from krm_fn.verify.actions import without_port
from krm_fn.verify.asked import CannotTell, Outcome, Reply, Request, Wire
from krm_fn.verify.proxy import Proxy

from . import asking
from .mesh import Mesh

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .asking import Answer
    from .mesh import Caller, Gateway

ROUTE, CLUSTER = "x-mesh-route", "x-mesh-cluster"
SAYS = {
    "apiVersion": "networking.istio.io/v1alpha3",
    "kind": "EnvoyFilter",
    "metadata": {"name": "says", "namespace": "istio-system"},
    "spec": {
        "configPatches": [
            {
                "applyTo": "ROUTE_CONFIGURATION",
                "patch": {
                    "operation": "MERGE",
                    "value": {
                        "response_headers_to_add": [
                            {"header": {"key": ROUTE, "value": "%ROUTE_NAME%"}},
                            {"header": {"key": CLUSTER, "value": "%UPSTREAM_CLUSTER_RAW%"}},
                        ]
                    },
                },
            }
        ]
    },
}
_GRPC_OF = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
_WIRES = {"http1": Wire.HTTP1, "http2": Wire.HTTP2, "grpc": Wire.HTTP2, "tcp": Wire.TCP, "tls": Wire.TLS}


@dataclass(slots=True)
class Count:
    """How many requests were compared, how many nobody could tell, and what differs."""

    equal: int = 0
    untold: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def all(self) -> int:
        return self.equal + self.untold.total() + len(self.wrong)

    def add(self, other: Count) -> None:
        self.equal += other.equal
        self.untold += other.untold
        self.kinds += other.kinds
        self.wrong += other.wrong


def proxy_of(one: Caller | Gateway) -> Proxy:
    """Return the evaluator of a running Envoy's dump."""
    return Proxy(dump.read(one.envoy.admin("/config_dump?include_eds").encode()))


class Dice:
    """Random requests to one proxy, made of what its dump matches by, and of what is almost that."""

    def __init__(self, rng: random.Random, text: str, values: Iterable[str], seeds: Iterable[tuple[str, str]]) -> None:
        self.rng = rng
        # By the kind of matcher, whatever it stands in: paths, texts of headers and queries.
        config = json.loads(text)
        self.paths, self.texts, self.names, self.queries = {"/", "/x"}, set(values), set(), set()
        self._collect(config)
        self.seeds = [*seeds]
        self.names |= {name for name, _ in self.seeds}

    def _collect(self, node: Any) -> None:
        for one in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
            self._collect(one)
        if isinstance(node, dict) and isinstance(node.get("match"), dict):
            self._read(node["match"])

    def _read(self, match: dict[str, Any]) -> None:
        for how in ("prefix", "path", "path_separated_prefix"):
            self.paths |= {match[how]} if isinstance(match.get(how), str) else set()
        if "safe_regex" in match:
            self.paths.add(_plain(match["safe_regex"]["regex"]))
        for one in match.get("headers", ()):
            if one["name"] != ":authority":
                self.names |= {one["name"]} if not one["name"].startswith(":") else set()
                self.texts |= _texts(one.get("string_match", {}))
        for one in match.get("query_parameters", ()):
            self.queries.add((one["name"], *_texts(one.get("string_match", {}))))

    def value(self) -> str:
        rng = self.rng
        text = rng.choice(sorted(self.texts) or ["dev"])
        change = rng.randrange(9)
        if change < 3:
            return text
        return [
            text + ".x",
            text + ".",
            text + "0",
            text.swapcase(),
            text[:-1],
            f"x{text}",
        ][change - 3]

    def headers(self) -> list[tuple[str, str]]:
        rng, found = self.rng, []
        for name in rng.sample(sorted(self.names), min(len(self.names), rng.choice([0, 1, 1, 1, 2, 3]))):
            seeds = [value for key, value in self.seeds if key == name]
            if seeds and rng.random() < 0.7:
                found.append((rng.choice([name, name.title()]), rng.choice(seeds)))
            else:
                found.append((rng.choice([name, name.upper()]), rng.choice([self.value(), self.value(), ""])))
            if rng.random() < 0.04:
                found.append((name, self.value()))
        return found

    def path(self) -> str:
        rng = self.rng
        path = rng.choice(sorted(self.paths))
        path = rng.choice([path, path, f"{path}/a", f"{path}x", path.swapcase(), path[:-1] or "/", "/"])
        path = re.sub("/+", "/", path if path.startswith("/") else f"/{path}")
        if rng.random() < 0.4:
            pairs = rng.sample(sorted(self.queries), min(len(self.queries), rng.randint(0, 2))) or [("q", "1")]
            path += "?" + "&".join(
                rng.choice([f"{name}={rng.choice([*texts, '', 'z'])}", name, f"{name}x=1"]).replace(" ", "%20")
                for name, *texts in pairs
            )
        return path

    def method(self) -> str:
        return self.rng.choice(["GET", "GET", "GET", "POST", "PUT"])


def _texts(config: dict[str, Any]) -> set[str]:
    found = {config[how] for how in ("exact", "prefix", "suffix", "contains") if config.get(how)}
    return found | ({_plain(config["safe_regex"]["regex"])} if "safe_regex" in config else set())


def _plain(regex: str) -> str:
    """Return some text that a simple expression may match."""
    text = re.sub(r"\\(.)", r"\1", re.sub(r"\(\?:|\(\?i\)|[()^$]|\[[^\]]*\][*+?]?|\.[*+]|[*+?]", "", regex))
    return "".join(one for one in text.partition("|")[0] if one.isprintable() and one not in "#%\\ ")


def sidecar_requests(mesh: Mesh, proxy: Proxy, dice: Dice) -> Iterator[tuple[Request, str]]:
    """Yield requests without end to the Services that a caller may know, each with its protocol.

    Services whose endpoints are written by hand, somewhere outside of this machine, are left out.
    """
    rng = dice.rng
    ports = [
        (f"{one.name}.{one.namespace}.svc.cluster.local", one, port)
        for one in mesh.cluster.services.values()
        for port in one.ports
        if one.address and port.protocol == "TCP"
    ]
    away = {
        name.rpartition("|")[2]
        for name, endpoints in (proxy.dump.endpoints or {}).items()
        if any(not pod.address.startswith("127.") for pod in endpoints)
    }
    ports = [one for one in ports if one[0] not in away]
    while ports:
        full, service, port = rng.choice(ports)
        hosts = [service.name, f"{service.name}.{service.namespace}", f"{service.name}.{service.namespace}.svc", full]
        host = rng.choice([*hosts, *hosts, service.address, full.upper(), f"{full}.", "nobody.example.com"])
        host += rng.choice(["", f":{port.number}", f":{port.number}", ":1"])
        kind = rng.choice(["http1"] * 5 + ["http2", "grpc", "tcp"])
        yield _request(dice, kind, host=host, port=port.number, address=service.address), kind


def gateway_requests(proxy: Proxy, dice: Dice) -> Iterator[tuple[Request, str]]:
    """Yield requests without end to the hosts of a gateway."""
    rng = dice.rng
    tables = proxy.dump.routes.values()
    hosts = sorted({one for table in tables for host in table["virtual_hosts"] for one in host["domains"]})
    while True:
        port = rng.choice(proxy.ports())
        host = rng.choice(hosts or ["x.example.com"]).replace("*", rng.choice(["any", "a.b", "x"])).partition(":")[0]
        host = rng.choice([host, host, host, host.upper(), f"x.{host}", f"{host}.", "nobody.example.org"])
        host += rng.choice(["", "", f":{port}", ":8443"])
        kind = rng.choice(["http1"] * 4 + ["http2"])
        request = _request(dice, kind, host=host, port=port)
        if rng.random() < (0.9 if port in (443, 8443) else 0.02):
            kind, name = "tls", without_port(host).removesuffix(".")
            request = replace(request, wire=Wire.HTTP1, tls=True, sni=rng.choice([name, name, "else.example.com"]))
        yield request, kind


def _request(dice: Dice, kind: str, *, host: str, port: int, address: str = "") -> Request:
    headers = dice.headers() if kind != "tcp" else []
    path, method = "/mesh.Who/Ask" if kind == "grpc" else dice.path(), dice.method()
    if kind == "grpc":
        headers, method = [("content-type", "application/grpc"), ("te", "trailers"), *headers], "POST"
    return Request(host, port, address, _WIRES[kind], headers, path, "GET" if kind == "http2" else method)


def really(one: Caller | Gateway, request: Request, kind: str) -> Answer:
    """Ask the real Envoy."""
    envoy = one.envoy
    if envoy.identity.kind == "sidecar":
        line = asking.Line(envoy.socket_of("virtualOutbound"), envoy.identity.address, request.address, request.port)
    else:
        line = asking.Line(
            envoy.socket_of(f"0.0.0.0_{request.port}"), "203.0.113.7", envoy.identity.address, request.port
        )
    headers = [pair for pair in request.headers if kind != "grpc" or pair[0] not in ("content-type", "te")]
    asked = asking.Request(request.authority, request.path, request.method, headers, request.sni or None)
    try:
        return asking.send(kind, line, asked)
    except ssl.SSLError:  # the other side speaks no TLS
        return asking.Answer(closed=True)


def compare(one: Caller | Gateway, proxy: Proxy, asked: Iterable[tuple[Request, str]]) -> Count:
    """Ask both; return what was compared."""
    count = Count()
    for request, kind in asked:
        try:
            way = proxy.ask(request)
        except CannotTell as reason:
            count.untold[str(reason)] += 1
            continue
        answer = really(one, request, kind)
        says = bool(way.table)  # a plain connection shows the pod's own headers
        if any(_is(proxy, outcome, answer, kind, says=says) for outcome in way.outcomes):
            count.equal += 1
            count.kinds[_kind(way.outcomes)] += 1
        else:
            count.wrong.append(f"{request}: {way}; really {answer}")
    return count


def _kind(outcomes: tuple[Outcome, ...]) -> str:
    if len(outcomes) > 1:
        return "weighted"
    if outcomes[0].reply is Reply.STATUS:
        return f"status {outcomes[0].status}"
    return outcomes[0].reply.value


def _is(proxy: Proxy, outcome: Outcome, answer: Answer, kind: str, *, says: bool) -> bool:
    """Tell whether an answer is what the evaluator says."""
    said = {name.lower(): value for name, value in answer.headers}
    if says and answer.headers and (said.get(ROUTE, "-"), said.get(CLUSTER, "-")) not in _chosen(outcome):
        return False
    is_down = answer.closed or _status(answer, kind) == _seen(503, kind)
    if outcome.reply is Reply.CLOSED:
        return answer.closed or answer.status == 400
    if outcome.reply is Reply.STATUS:
        return _status(answer, kind) == _seen(outcome.status, kind) and _texts_are(outcome, answer, said)
    if outcome.reply is Reply.PASSED_ON:  # nobody stands in for kube-proxy here
        return is_down or bool(answer.pod)
    endpoints = proxy.endpoints(outcome.cluster) or ()
    answered = (answer.namespace, answer.pod) in {(pod.namespace, pod.workload) for pod in endpoints}
    # A pod that was asked and broke the connection has been chosen all the same.
    broke = "upstream connect error" in answer.body or "upstream connect error" in said.get("grpc-message", "")
    return answered or (is_down and (broke or not endpoints))


def _chosen(outcome: Outcome) -> set[tuple[str, str]]:
    """Return what Envoy may say of the route and the cluster; of a cluster that is not there it says nothing."""
    route = outcome.route or "-"
    return {(route, outcome.cluster or "-"), *([(route, "-")] if outcome.reply is Reply.STATUS else [])}


def _status(answer: Answer, kind: str) -> int | None:
    return answer.grpc_status if kind == "grpc" and answer.grpc_status is not None else answer.status


def _seen(status: int, kind: str) -> int:
    return status if kind != "grpc" else _GRPC_OF.get(status, 2)


def _texts_are(outcome: Outcome, answer: Answer, said: dict[str, str]) -> bool:
    if outcome.location and said.get("location") != outcome.location:
        return False
    return not outcome.body or "grpc-status" in said or answer.body == outcome.body


def world(
    manifests: list[dict[str, Any]], labels: set[str], seeds: list[tuple[str, str]], rng: random.Random, number: int
) -> Count:
    """Compare so many requests over the proxies of a world: a client of each namespace, and each gateway.

    `labels` are the names of environment labels, `seeds` headers that are worth asking.
    """
    count = Count()
    with Mesh(manifests, extra=[SAYS]) as mesh:
        carried = [{key: pod.labels[key] for key in labels & pod.labels.keys()} for pod in mesh.cluster.pods]
        values = [value for one in carried for value in one.values()]
        spaces = sorted({one.namespace for one in mesh.cluster.services.values()})
        proxies: list[Caller | Gateway] = [mesh.sidecar(space, rng.choice([{}, *carried])) for space in spaces]
        made = [one["metadata"] for one in mesh.cluster.documents if one["kind"] == "Gateway"]
        proxies += [mesh.gateway(one["name"], one["namespace"]) for one in made]
        for one in proxies:
            proxy = proxy_of(one)
            dice = Dice(rng, one.envoy.admin("/config_dump"), values, seeds)
            asked = sidecar_requests(mesh, proxy, dice) if proxy.is_sidecar else gateway_requests(proxy, dice)
            count.add(compare(one, proxy, islice(asked, -(-number // len(proxies)))))
    return count
