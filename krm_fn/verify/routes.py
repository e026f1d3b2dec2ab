"""Envoy's route table: which virtual host, which route, which answer.

Fields: envoy/config/route/v3/route.proto and route_components.proto. The order of domains is that of Envoy's own
documentation: exact, suffix (`*.com`) and prefix (`www.*`) wildcards, longest first, then `*`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from krm_fn.verify import matching
from krm_fn.verify.actions import outcomes_of, sets_of, share_of, without_port
from krm_fn.verify.asked import CannotTell, Outcome, Reply, Request

Config = Mapping[str, Any]

_MATCH_FIELDS = {
    *("prefix", "path", "safe_regex", "path_separated_prefix", "case_sensitive"),
    *("headers", "query_parameters", "grpc", "runtime_fraction"),
}
_FILTERS = "typed_per_filter_config"
_NO_REQUEST = Request()
_NOT_FOUND = 404
_HTTPS = 301
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
    """A route: what it takes, and what it does; `fixed` where that is the same for every request."""

    config: Config
    is_path: matching.Test
    tests: tuple[Callable[[Request], bool], ...]
    fraction: float
    fixed: tuple[Taken, ...] | None

    def takes(self, request: Request, path: str) -> bool:
        """Tell whether it takes a request, its fraction aside.

        Raises:
            CannotTell: where a test that cannot be told decides: no other says no.
        """
        if not self.is_path(path):
            return False
        return matching.all_of(partial(test, request) for test in self.tests)


class RouteTable:
    """A RouteConfiguration, read as far as it is asked."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.name = config.get("name", "")
        self._hosts: dict[str, Config] = {}
        self._found: dict[str, Config | None] = {}
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
        if authority not in self._found:
            self._found[authority] = self._looked_up(authority)
        return self._found[authority]

    def _looked_up(self, authority: str) -> Config | None:
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

    def take(self, host: Config, request: Request, *, secure: bool) -> Sequence[Taken]:
        """Return the routes of a virtual host that take a request, each with its share; a 404 where none does."""
        if host.get("require_tls", "NONE") != "NONE" and not secure:
            if host["require_tls"] != "ALL":
                raise CannotTell("requests from outside alone must use TLS")
            location = f"https://{request.authority}{request.path}"
            return [Taken(Outcome(Reply.STATUS, status=_HTTPS, location=location), ())]
        path = request.path.partition("?")[0].partition("#")[0]
        left = 1.0
        taken: list[Taken] = []
        for route in self._routes(host):
            if isinstance(route, CannotTell):
                raise route
            if not route.takes(request, path):
                continue
            if route.fixed is not None and left == route.fraction == 1:
                return route.fixed
            share = left * route.fraction
            parts = route.fixed if route.fixed is not None else self._parts(route.config, host, request)
            taken += [
                replace(one, outcome=replace(one.outcome, share=one.outcome.share * share)) for one in parts if share
            ]
            left -= share
            if left <= 0:
                return taken
        return [*taken, Taken(Outcome(Reply.STATUS, status=_NOT_FOUND, share=left), ())]

    def _parts(self, route: Config, host: Config, request: Request) -> Iterator[Taken]:
        for outcome, part in outcomes_of(route, request):
            places = (part, route, host, self.config)
            filters = tuple(one[_FILTERS] for one in places if _FILTERS in one)
            yield Taken(replace(outcome, sets=sets_of(*places)), filters)

    def _routes(self, host: Config) -> list[_Route | CannotTell]:
        name = host.get("name", "")
        if name not in self._compiled:
            if "matcher" in host:
                self._compiled[name] = [CannotTell(f"virtual host {name} chooses by a tree of matchers")]
            else:
                self._compiled[name] = [_compiled(one, self._fixed(one, host)) for one in host.get("routes", ())]
        return self._compiled[name]

    def _fixed(self, route: Config, host: Config) -> tuple[Taken, ...] | None:
        action = route.get("route", {})
        if "direct_response" in route or "cluster" in action or "weighted_clusters" in action:
            with suppress(CannotTell):
                return tuple(self._parts(route, host, _NO_REQUEST))
        return None


def _shared(one: Taken, share: float) -> Taken:
    return replace(one, outcome=replace(one.outcome, share=one.outcome.share * share))


def _compiled(route: Config, fixed: tuple[Taken, ...] | None) -> _Route:
    """Compile a route; what cannot be read is told when a request comes by that nothing else parts from it."""
    match = route.get("match", {})
    if "connect_matcher" in match:
        return _Route(route, lambda _: False, (), 0, fixed)
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
    return _Route(route, is_path, tuple(tests), fraction, fixed)


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
