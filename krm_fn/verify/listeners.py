"""Which listener takes a connection, and which of its filter chains.

The order of a FilterChainMatch's criteria, none of which is taken back: destination port, destination address, server
name, transport protocol, application protocol (envoy/config/listener/v3/listener_components.proto).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from krm_fn.verify.asked import CannotTell, Request, Wire
from krm_fn.verify.filters import type_of

Config = Mapping[str, Any]

ANY = ("0.0.0.0", "::")  # noqa: S104 - what listeners are looked up by; nothing binds here
_SOURCE = ("direct_source_prefix_ranges", "source_type", "source_prefix_ranges", "source_ports")
_READ = {
    *("destination_port", "prefix_ranges", "server_names", "transport_protocol", "application_protocols"),
    *_SOURCE,
}


def places_of(listener: Config) -> list[tuple[str, int]]:
    """Return the addresses and ports that a listener stands for; its name has them where it is a unix socket."""
    addresses = [
        listener.get("address", {}),
        *(one.get("address", {}) for one in listener.get("additional_addresses", ())),
    ]
    found = [one["socket_address"] for one in addresses if "socket_address" in one]
    if found:
        return [(one.get("address", ""), one.get("port_value", 0)) for one in found]
    address, _, port = listener.get("name", "").rpartition("_")
    return [(address, int(port))] if address and port.isdecimal() else []


def chain(listener: Config, request: Request) -> Config | None:
    """Return the filter chain that takes a connection; None where the listener ends it.

    Raises:
        CannotTell: where something decides that is not known of a request.
    """
    if "filter_chain_matcher" in listener:
        raise CannotTell(f"listener {listener.get('name')} chooses its filter chain by a tree of matchers")
    inspectors = [one for one in listener.get("listener_filters", ()) if "filter_disabled" in one]
    if inspectors:
        raise CannotTell(f"listener {listener.get('name')} inspects some connections only")
    chains = [(one, one.get("filter_chain_match") or {}) for one in listener.get("filter_chains", ())]
    if strange := {key for _, match in chains for key in match} - _READ:
        raise CannotTell(f"listener {listener.get('name')} chooses by {', '.join(sorted(strange))}")
    seen = _seen(listener, request)
    for narrow in (_by_port, _by_address, _by_server_name, _by_transport, _by_application):
        chains = narrow(chains, seen)
    if any(match.get(key) not in (None, [], "ANY") for _, match in chains for key in _SOURCE):
        raise CannotTell(f"listener {listener.get('name')} chooses by the client's address")
    return chains[0][0] if chains else listener.get("default_filter_chain")


class _Seen:
    """What a listener sees of a connection before it chooses."""

    __slots__ = ("address", "applications", "port", "server_name", "transport")

    def __init__(self, request: Request) -> None:
        self.port = request.port
        self.address = request.address
        self.server_name = ""
        self.transport = "raw_buffer"
        self.applications: tuple[str, ...] = ()


def _seen(listener: Config, request: Request) -> _Seen:
    kinds = {type_of(one) for one in listener.get("listener_filters", ())}
    seen = _Seen(request)
    if request.tls or request.wire is Wire.TLS:
        if "TlsInspector" in kinds:
            seen.server_name, seen.transport = request.sni.lower(), "tls"
            seen.applications = ("h2",) if request.wire is Wire.HTTP2 else ()
    elif "HttpInspector" in kinds:
        seen.applications = {Wire.HTTP1: ("http/1.1",), Wire.HTTP2: ("h2c",)}.get(request.wire, ())
    return seen


_Chains = list[tuple[Config, Config]]


def _by_port(chains: _Chains, seen: _Seen) -> _Chains:
    exact = [one for one in chains if one[1].get("destination_port") == seen.port]
    return exact or [one for one in chains if "destination_port" not in one[1]]


def _by_address(chains: _Chains, seen: _Seen) -> _Chains:
    best, length = [one for one in chains if not one[1].get("prefix_ranges")], -1
    if len(best) == len(chains):
        return best
    if not seen.address:
        raise CannotTell("the connection's address decides, and is not known")
    for one in chains:
        for prefix in one[1].get("prefix_ranges", ()):
            bits = prefix.get("prefix_len", 0)
            if not _within(seen.address, prefix["address_prefix"], bits):
                continue
            if bits > length:
                best, length = [], bits
            best += [one] if bits == length else []
    return best


def _within(address: str, prefix: str, bits: int) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(f"{prefix}/{bits}", strict=False)


def _by_server_name(chains: _Chains, seen: _Seen) -> _Chains:
    names = [seen.server_name]
    rest = seen.server_name
    while "." in rest[1:]:
        rest = "." + rest[1:].partition(".")[2] if rest[0] == "." else "." + rest.partition(".")[2]
        names.append("*" + rest)
    return _first(chains, "server_names", [one for one in names if one and one != "*."])


def _by_transport(chains: _Chains, seen: _Seen) -> _Chains:
    exact = [one for one in chains if one[1].get("transport_protocol") == seen.transport]
    return exact or [one for one in chains if not one[1].get("transport_protocol")]


def _by_application(chains: _Chains, seen: _Seen) -> _Chains:
    return _first(chains, "application_protocols", seen.applications)


def _first(chains: _Chains, key: str, wanted: Sequence[str]) -> _Chains:
    """Return the chains that list the first of some words that any lists, or else those that list none."""
    for word in wanted:
        if found := [one for one in chains if word in _lowered(one[1].get(key, ()))]:
            return found
    return [one for one in chains if not one[1].get(key)]


def _lowered(words: Iterable[str]) -> list[str]:
    return [one.lower() for one in words]
