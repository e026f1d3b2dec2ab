"""Hosts that reach an environment without a header, by the option `previewHosts`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from krm_fn.names import dashed, dns_name_problem
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import HOSTS, MESH
from krm_fn.results import Code, Ref, Result

_FIELD = "spec.previewHosts"
_HOSTS_FIELD = f"metadata.annotations.{HOSTS}"


class Preview(NamedTuple):
    """An environment and the hosts that stand for it."""

    environment: str
    hosts: tuple[str, ...]


def host_of(pattern: str, environment: str, host: str) -> str:
    """Return the host that stands for an environment of `host`: in lower case, '.' and '_' of its name as '-'."""
    return pattern.replace("{env}", dashed(environment)).replace("{host}", host).lower()


def previews_of(plan: ServicePlan) -> list[Preview]:
    """Return the preview hosts of a Service on its gateways, for every environment that is known there."""
    pattern, exposure = plan.config.preview_hosts, plan.exposure
    hosts = [host for host in exposure.hosts if host not in exposure.wildcards]
    if not pattern or not hosts or not set(exposure.gateways) - {MESH} or plan.front is None:
        return []
    return [Preview(one, tuple(host_of(pattern, one, host) for host in hosts)) for one in sorted(plan.known)]


def find(plan: Plan) -> Iterator[Result]:
    """Yield findings about preview hosts: those that are none, that something else has, that cannot be."""
    taken: dict[str, str] = {}
    for service in plan.services:
        for host in service.exposure.hosts:
            taken.setdefault(host.lower(), f"{service.service.ref} itself")
    for service in plan.services:
        yield from _without(service)
        ref, pattern = service.service.ref, service.config.preview_hosts
        for preview in previews_of(service):
            for host in preview.hosts:
                yield from about(
                    ref, _HOSTS_FIELD, pattern=pattern, environment=preview.environment, host=host, taken=taken
                )


def _without(service: ServicePlan) -> Iterator[Result]:
    if service.config.preview_hosts and service.exposure.gateways:
        for host in service.exposure.wildcards:
            message = f"the host {host!r} has no preview hosts: they are made of whole names"
            yield Result(Code.PREVIEW_WILDCARD, message, service.service.ref, _HOSTS_FIELD)


def about(
    ref: Ref, field: str, *, pattern: str, environment: str, host: str, taken: dict[str, str]
) -> Iterator[Result]:
    """Yield findings about a preview host; `taken` says what each host stands for, and learns of this one."""
    if problem := dns_name_problem(host):
        message = (
            f"the preview host {host!r} of environment {environment!r} is no DNS name: {problem}; "
            f"change {_FIELD} {pattern!r} or the environment's name"
        )
        yield Result(Code.PREVIEW_INVALID, message, ref, field)
    said = f"environment {environment!r}"
    other = taken.setdefault(host, said)
    if other != said:
        message = (
            f"the preview host {host!r} would stand for {said}, and for {other}: '.' and '_' become '-' in it, and "
            f"upper case lower; rename one of them, or change {_FIELD} {pattern!r}"
        )
        yield Result(Code.PREVIEW_TAKEN, message, ref, field)
