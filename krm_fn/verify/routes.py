"""Envoy's route table: which virtual host, which route, which answer.

Fields: envoy/config/route/v3/route.proto and route_components.proto. The order of domains is that of Envoy's own
documentation: exact, suffix (`*.com`) and prefix (`www.*`) wildcards, longest first, then `*`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from krm_fn.verify import matching
from krm_fn.verify.asked import CannotTell, Outcome, Reply, Request

Config = Mapping[str, Any]

_MATCH_FIELDS = {
    *("prefix", "path", "safe_regex", "path_separated_prefix", "case_sensitive"),
    *("headers", "query_parameters", "grpc", "runtime_fraction"),
}
_REDIRECTS = {
    "MOVED_PERMANENTLY": 301,
    "FOUND": 302,
    "SEE_OTHER": 303,
    "TEMPORARY_REDIRECT": 307,
    "PERMANENT_REDIRECT": 308,
}
_NOT_FOUND = 404
_HTTPS = 301
_DENOMINATORS = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
_GRPC = "application/grpc"


@dataclass(frozen=True, slots=True)
class Taken:
    """A route that takes some share of the requests, and what it does with each share of those.

    Attributes:
        outcome: what the route itself answers, its share of all requests in it.
        filters: settings of HTTP filters by name, the most specific first.
    """

    outcome: Outcome
    filters: tuple[Config, ...]


@dataclass(frozen=True, slots=True)
class _Route:
    config: Config
    is_path: matching.Test
    tests: tuple[Callable[[Request], bool], ...]
    fraction: float

    def takes(self, request: Request, path: str) -> bool:
        """Tell whether it takes a request, its fraction aside. CannotTell where nobody can say."""
        if not self.is_path(path):
            return False
        return not self.tests or matching.all_of([partial(test, request) for test in self.tests])


class RouteTable:
    """A RouteConfiguration, read as far as it is asked."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.name = config.get("name", "")
        self._hosts: dict[str, Config] = {}
        self._compiled: dict[str, list[_Route | CannotTell]] = {}
        for host in config.get("virtual_hosts", ()):
            for domain in host.get("domains", ()):
                self._hosts.setdefault(domain.lower(), host)
        found = [domain for domain in self._hosts if "*" in domain and domain != "*"]
        self._suffixes = sorted({len(one) - 1 for one in found if one[0] == "*"}, reverse=True)
        self._prefixes = sorted({len(one) - 1 for one in found if one[-1] == "*"}, reverse=True)

    def virtual_host(self, authority: str) -> Config | None:
        """Return the virtual host of an authority; None where no domain has it.

        Raises:
            CannotTell: where the proxy asks for hosts on demand, and this one is none that it knows yet.
        """
        host = authority.lower()
        if self.config.get("ignore_port_in_host_matching"):
            host = without_port(host)
        found = self._hosts.get(host) or self._wildcard(host) or self._hosts.get("*")
        if found is None and "vhds" in self.config:
            raise CannotTell(f"the table {self.name} asks for hosts on demand")
        return found

    def _wildcard(self, host: str) -> Config | None:
        for length in self._suffixes:
            if length < len(host) and (found := self._hosts.get(f"*{host[-length:]}")):
                return found
        for length in self._prefixes:
            if length < len(host) and (found := self._hosts.get(f"{host[:length]}*")):
                return found
        return None

    def take(self, host: Config, request: Request, *, secure: bool) -> list[Taken]:
        """Return the routes of a virtual host that take a request, each with its share; a 404 where none does."""
        if host.get("require_tls", "NONE") != "NONE" and not secure:
            if host["require_tls"] != "ALL":
                raise CannotTell("requests from outside alone must use TLS")
            location = f"https://{request.authority}{request.path}"
            return [Taken(Outcome(Reply.STATUS, status=_HTTPS, location=location), ())]
        path = request.path.partition("?")[0].partition("#")[0]
        left, taken = 1.0, []
        for route in self._routes(host):
            if isinstance(route, CannotTell):
                raise route
            if not route.takes(request, path):
                continue
            share = left * route.fraction
            taken += [self._weighed(one, host, share) for one in _actions(route.config, request)] if share else []
            left -= share
            if left <= 0:
                return taken
        return [*taken, Taken(Outcome(Reply.STATUS, status=_NOT_FOUND, share=left), ())]

    def _weighed(self, found: tuple[Outcome, Config, Config], host: Config, share: float) -> Taken:
        outcome, part, route = found
        key = "typed_per_filter_config"
        filters = tuple(one[key] for one in (part, route, host, self.config) if key in one)
        return Taken(_with_share(outcome, outcome.share * share), filters)

    def _routes(self, host: Config) -> list[_Route | CannotTell]:
        name = host.get("name", "")
        if name not in self._compiled:
            if "matcher" in host:
                self._compiled[name] = [CannotTell(f"virtual host {name} chooses by a tree of matchers")]
            else:
                self._compiled[name] = [_compiled(one) for one in host.get("routes", ())]
        return self._compiled[name]


def without_port(host: str) -> str:
    """Return a host without a port behind it."""
    end = host.rfind(":")
    if end < 0 or host.endswith("]") or not host[end + 1 :].isdigit():
        return host
    return host[:end] if host.count(":") == 1 or host[end - 1] == "]" else host


def config_of(metadata: Config | None) -> str:
    """Return the object that Istio made something from: `VirtualService NAMESPACE/NAME`, or an empty string."""
    if not metadata:
        return ""
    path = metadata.get("filter_metadata", {}).get("istio", {}).get("config", "")
    parts = path.split("/") if isinstance(path, str) else []
    if len(parts) < 4 or "namespaces" not in parts:  # noqa: PLR2004 - .../namespaces/NAMESPACE/KIND/NAME
        return ""
    namespace, kind, name = parts[-3:]
    words = "".join(word.capitalize() for word in kind.split("-"))
    # Routes of the Gateway API are VirtualServices inside of istiod.
    plain, made, _ = name.partition("~") if "~" in name else name.partition("-istio-autogenerated-k8s-gateway")
    if made:
        return f"HTTPRoute {namespace}/{plain.rpartition('-')[0] or plain}"
    return f"{words} {namespace}/{name}"


def _with_share(outcome: Outcome, share: float) -> Outcome:
    return Outcome(
        outcome.reply,
        outcome.cluster,
        outcome.status,
        outcome.location,
        outcome.body,
        outcome.route,
        outcome.config,
        share,
    )


def _compiled(route: Config) -> _Route | CannotTell:
    """Compile a route; what cannot be read is told when a request comes by that nothing else parts from it."""
    match = route.get("match", {})
    if "connect_matcher" in match:
        return _Route(route, lambda _: False, (), 0)
    name = route.get("name") or "without a name"
    tests: list[Callable[[Request], bool]] = [
        partial(_untold, f"route {name} matches by {extra}") for extra in sorted(match.keys() - _MATCH_FIELDS)
    ]
    for make, configs in ((_header_test, match.get("headers", ())), (_query_test, match.get("query_parameters", ()))):
        for one in configs:
            try:
                tests.append(make(one))
            except CannotTell as reason:
                tests.append(partial(_untold, str(reason)))
    if "grpc" in match:
        tests.append(_is_grpc)
    fraction = 1.0
    if runtime := match.get("runtime_fraction"):
        fraction = share_of(runtime.get("default_value", {}))
        if runtime.get("runtime_key"):
            tests.append(partial(_untold, f"a share that the runtime key {runtime['runtime_key']} may set"))
    paths = {key: match[key] for key in match.keys() - {"headers", "query_parameters", "grpc", "runtime_fraction"}}
    try:
        is_path = matching.path(paths) if paths.keys() - {"case_sensitive"} else lambda _: True
    except CannotTell as reason:
        tests.append(partial(_untold, str(reason)))
        is_path = lambda _: True  # noqa: E731 - the test above says that nobody knows
    return _Route(route, is_path, tuple(tests), fraction)


def _header_test(config: Config) -> Callable[[Request], bool]:
    test = matching.header(config)
    return lambda request: test(request.values)


def _query_test(config: Config) -> Callable[[Request], bool]:
    test = matching.query(config)
    return lambda request: test(matching.parameters(request.path))


def _is_grpc(request: Request) -> bool:
    kind = next(iter(request.values.get("content-type", ())), "")
    return kind == _GRPC or kind.startswith(f"{_GRPC}+")


def _untold(reason: str, _: Request) -> bool:
    raise CannotTell(reason)


def share_of(percent: Config) -> float:
    """Return a FractionalPercent as a number from 0 to 1."""
    numerator: float = percent.get("numerator", 0)
    return min(1.0, numerator / _DENOMINATORS[percent.get("denominator", "HUNDRED")])


def _actions(route: Config, request: Request) -> Iterator[tuple[Outcome, Config, Config]]:
    """Yield the outcomes of a route, each with the weighted cluster that it comes from, and the route."""
    name, config = route.get("name", ""), config_of(route.get("metadata"))
    if "direct_response" in route:
        said = route["direct_response"]
        yield (
            Outcome(Reply.STATUS, status=said["status"], body=_body(said.get("body", {})), route=name, config=config),
            {},
            route,
        )
    elif "redirect" in route:
        status = _REDIRECTS[route["redirect"].get("response_code", "MOVED_PERMANENTLY")]
        yield (
            Outcome(Reply.STATUS, status=status, location=_location(route, request), route=name, config=config),
            {},
            route,
        )
    elif "route" in route:
        for cluster, share, part in clusters_of(route["route"], request):
            yield Outcome(Reply.CLUSTER, cluster, route=name, config=config, share=share), part, route
    else:
        raise CannotTell(f"route {name or 'without a name'} has an action that is not read here")


def clusters_of(action: Config, request: Request) -> Iterator[tuple[str, float, Config]]:
    """Yield the clusters of a route or of a TCP proxy, their shares, and what is said of each."""
    if "cluster" in action:
        yield action["cluster"], 1.0, {}
    elif "weighted_clusters" in action:
        weighted = action["weighted_clusters"]
        if extra := weighted.keys() & {"header_name", "use_hash_policy", "runtime_key_prefix"}:
            raise CannotTell(f"weights are set by {', '.join(sorted(extra))}")
        parts: Sequence[Config] = [one for one in weighted.get("clusters", ()) if one.get("weight")]
        total = sum(one["weight"] for one in parts)
        for one in parts:
            if "name" not in one:
                raise CannotTell("a weighted cluster is named by a header")
            yield one["name"], one["weight"] / total, one
    elif "cluster_header" in action:
        yield next(iter(request.values.get(action["cluster_header"].lower(), ())), ""), 1.0, {}
    else:
        raise CannotTell("a plugin chooses the cluster")


def _body(source: Config) -> str:
    if "inline_bytes" in source:
        return b64decode(source["inline_bytes"]).decode(errors="replace")
    text = source.get("inline_string", "")
    return text if isinstance(text, str) else ""


def _location(route: Config, request: Request) -> str:
    """Return where a redirect leads; empty where a part of it is computed in a way that is not read here."""
    redirect = route["redirect"]
    if "regex_rewrite" in redirect:
        return ""
    scheme = (
        "https" if redirect.get("https_redirect") else redirect.get("scheme_redirect", request.values[":scheme"][0])
    )
    host, port = request.authority, redirect.get("port_redirect")
    if redirect.get("host_redirect"):
        host = redirect["host_redirect"]
    elif port or scheme != request.values[":scheme"][0]:
        host = without_port(host)
    path = request.path
    if redirect.get("path_redirect"):
        path = redirect["path_redirect"]
        if "?" not in path and not redirect.get("strip_query") and "?" in request.path:
            path += "?" + request.path.partition("?")[2]
    elif redirect.get("prefix_rewrite"):
        path = redirect["prefix_rewrite"] + path[len(route["match"].get("prefix", route["match"].get("path", ""))) :]
    return f"{scheme}://{host}{f':{port}' if port else ''}{path}"
