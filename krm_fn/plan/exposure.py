"""Annotations of a Service that open it to more than its plain routes: gateways, hosts, a custom rule.

They are the operator's: https://github.com/alibaba/virtual-environment, docs/zh-cn/doc/custom-rule.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from krm_fn.config.options import EnvHeader
from krm_fn.istio import http_route
from krm_fn.plan.inventory import Service
from krm_fn.results import Code, Result, shown

PREFIX = "kt-virtual-environment/"
GATEWAYS, HOSTS, RULE = f"{PREFIX}gateways", f"{PREFIX}hosts", f"{PREFIX}rule"
MESH = "mesh"  # Istio's name for all sidecars
# What answers in place of pods, so that no environment does.
REPLIES = ("redirect", "directResponse")

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_GATEWAY = re.compile(rf"(?:{_LABEL}/)?{_LABEL}(?:\.{_LABEL})*")
_MAX_HOST = 253


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the annotations say.

    Attributes:
        gateways: names of Istio Gateways, NAME or NAMESPACE/NAME, as written.
        hosts: what the gateways' clients call the Service.
        rule: an HTTPRoute to be merged into every route, with its proper field names.
    """

    gateways: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    rule: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_exposed(self) -> bool:
        """Whether it is served by other names than its own."""
        return bool(self.hosts)

    @property
    def wildcards(self) -> tuple[str, ...]:
        return tuple(host for host in self.hosts if host.startswith("*"))


def dns_name_problem(host: str) -> str:
    """Say why a name (a `*` may be its first label) is no host that Istio takes; empty if it is one."""
    if len(host) > _MAX_HOST:
        return f"it has {len(host)} characters, and a DNS name has at most {_MAX_HOST}"
    if not _HOST.fullmatch(host):
        return (
            "a DNS name has letters, digits and '-' between dots, at most 63 characters each, "
            "a letter or digit at both ends of each"
        )
    return ""


def read(service: Service, header: EnvHeader, results: list[Result]) -> Exposure:
    """Read the annotations of a Service; every mistake in them becomes a finding."""
    if not any(key.startswith(PREFIX) for key in service.annotations):
        return Exposure()
    reader = _Reader(service, results)
    gateways, hosts = reader.names(GATEWAYS), reader.names(HOSTS)
    for gateway in gateways:
        if not _GATEWAY.fullmatch(gateway):
            reader.say(Code.EXPOSURE_INVALID, GATEWAYS, f"{gateway!r} is no name of a gateway: NAME or NAMESPACE/NAME")
    for host in hosts:
        if problem := dns_name_problem(host):
            reader.say(Code.EXPOSURE_INVALID, HOSTS, f"{host!r} is no host: {problem}")
    if "*" in hosts and MESH in (gateways or (MESH,)):
        reader.say(Code.EXPOSURE_INVALID, HOSTS, "'*' is no host of the mesh: name gateways, and not 'mesh'")
    if gateways and not hosts and set(gateways) != {MESH}:
        message = f"has no hosts, so nothing is served there: add the annotation {HOSTS}"
        reader.say(Code.GATEWAY_WITHOUT_HOST, GATEWAYS, message)
    return Exposure(gateways, hosts, reader.rule(header))


class _Reader:
    __slots__ = ("results", "service")

    def __init__(self, service: Service, results: list[Result]) -> None:
        self.service = service
        self.results = results

    def names(self, key: str) -> tuple[str, ...]:
        """Return the members of a comma-separated list, each once."""
        names = (one.strip() for one in self.text(key).split(","))
        return tuple(dict.fromkeys(name for name in names if name))

    def rule(self, header: EnvHeader) -> Mapping[str, Any]:
        text = self.text(RULE)
        if not text.strip():
            return {}
        reading = http_route.read(text)
        problems = reading.problems or [*_refused(reading.route), *_reads_carrier(reading.route, header)]
        for path, message in problems:
            self.say(Code.RULE_INVALID, RULE, f"{path}: {message}" if path else message)
        return {} if problems else reading.route

    def text(self, key: str) -> str:
        value = self.service.annotations.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        self.say(Code.EXPOSURE_INVALID, key, f"must be a string, found {shown(value)}: put it in quotes")
        return ""

    def say(self, code: Code, key: str, message: str) -> None:
        self.results.append(Result(code, message, self.service.ref, f"metadata.annotations.{key}"))


def _refused(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a rule cannot say, because the environments say it."""
    if "route" in rule:
        yield "route", "names pods of its own, and here the environments decide who answers: remove it"
    if "delegate" in rule:
        yield "delegate", "hands the routes to another VirtualService, which no environment reaches: remove it"
    if not rule.keys() - {"name", "match"}:
        yield "", "says nothing but what it matches: add what to do, such as rewrite or timeout, or remove it"
    if all(key in rule for key in REPLIES):
        yield "redirect", "cannot stand beside directResponse: keep one of them"


def _reads_carrier(rule: Mapping[str, Any], header: EnvHeader) -> Iterator[tuple[str, str]]:
    carriers = {header.name.lower()} | {alias.name.lower() for alias in header.aliases if alias.name}
    carriers |= {"cookie" for alias in header.aliases if alias.cookie}
    carriers |= {"baggage" for alias in header.aliases if alias.baggage}
    for place, match in enumerate(rule.get("match", ())):
        for key in ("headers", "withoutHeaders"):
            for name in match.get(key, {}):
                if name.lower() in carriers:
                    message = "carries the environment, and the environments' routes match it themselves: remove it"
                    yield f"match[{place}].{key}.{name}", message
