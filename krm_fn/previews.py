"""Hosts that reach an environment without a header, by the option `previewHosts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from krm_fn.exposure import HOSTS, MESH, dns_name_problem
from krm_fn.plan import Plan, ServicePlan
from krm_fn.results import Code, Result

_FIELD = "spec.previewHosts"


@dataclass(frozen=True, slots=True)
class Preview:
    """An environment and the hosts that stand for it."""

    environment: str
    hosts: tuple[str, ...]


def host_of(pattern: str, environment: str, host: str) -> str:
    """Return the host that stands for an environment of `host`: in lower case, '.' and '_' of its name as '-'."""
    label = environment.replace(".", "-").replace("_", "-")
    return pattern.replace("{env}", label).replace("{host}", host).lower()


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
        for preview in previews_of(service):
            for host in preview.hosts:
                yield from _about(service, preview, host, taken)


def _without(service: ServicePlan) -> Iterator[Result]:
    if service.config.preview_hosts and service.exposure.gateways:
        for host in service.exposure.wildcards:
            message = f"the host {host!r} has no preview hosts: they are made of whole names"
            yield Result(Code.PREVIEW_WILDCARD, message, service.service.ref, f"metadata.annotations.{HOSTS}")


def _about(service: ServicePlan, preview: Preview, host: str, taken: dict[str, str]) -> Iterator[Result]:
    ref, field = service.service.ref, f"metadata.annotations.{HOSTS}"
    if problem := dns_name_problem(host):
        message = (
            f"the preview host {host!r} of environment {preview.environment!r} is no DNS name: {problem}; "
            f"change {_FIELD} {service.config.preview_hosts!r} or the environment's name"
        )
        yield Result(Code.PREVIEW_INVALID, message, ref, field)
    said = f"environment {preview.environment!r}"
    other = taken.setdefault(host, said)
    if other != said:
        message = (
            f"the preview host {host!r} would stand for {said}, and for {other}: '.' and '_' become '-' in it, and "
            f"upper case lower; rename one of them, or change {_FIELD} {service.config.preview_hosts!r}"
        )
        yield Result(Code.PREVIEW_TAKEN, message, ref, field)
