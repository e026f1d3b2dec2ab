"""Annotations of a Service that open it to more than its plain routes: gateways, hosts, a custom rule.

They are the operator's: https://github.com/alibaba/virtual-environment, docs/zh-cn/doc/custom-rule.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from krm_fn.names import DNS_LABEL, dns_name_problem
from krm_fn.plan.services import Service
from krm_fn.results import Code, Result, shown

PREFIX = "kt-virtual-environment/"
GATEWAYS, HOSTS, RULE = f"{PREFIX}gateways", f"{PREFIX}hosts", f"{PREFIX}rule"
MESH = "mesh"  # Istio's name for all sidecars

_GATEWAY = re.compile(rf"(?:{DNS_LABEL}/)?{DNS_LABEL}(?:\.{DNS_LABEL})*")


class Exposure(NamedTuple):
    """What the annotations say.

    Attributes:
        gateways: names of Istio Gateways, NAME or NAMESPACE/NAME, as written.
        hosts: what the gateways' clients call the Service.
        rule: the text of a route that is to be merged into every route; what it means is the mesh's. Empty for none.
    """

    gateways: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    rule: str = ""

    @property
    def is_exposed(self) -> bool:
        """Whether it is served by other names than its own."""
        return bool(self.hosts)

    @property
    def wildcards(self) -> tuple[str, ...]:
        return tuple(host for host in self.hosts if host.startswith("*"))


_NOTHING = Exposure()


def read(service: Service) -> Exposure:
    """Read the annotations of a Service; `findings` has the mistakes in them."""
    if not any(key.startswith(PREFIX) for key in service.annotations):
        return _NOTHING
    return Exposure(_names(service, GATEWAYS), _names(service, HOSTS), _text(service, RULE).strip())


def findings(service: Service, exposure: Exposure) -> Iterator[Result]:
    """Yield every mistake in the annotations of a Service, but for what its rule says; `exposure` is what they say."""
    for key in (GATEWAYS, HOSTS, RULE):
        value = service.annotations.get(key)
        if value is not None and not isinstance(value, str):
            message = f"must be a string, found {shown(value)}: put it in quotes"
            yield about(service, Code.EXPOSURE_INVALID, key, message)
    for gateway in exposure.gateways:
        if not _GATEWAY.fullmatch(gateway):
            message = f"{gateway!r} is no name of a gateway: NAME or NAMESPACE/NAME"
            yield about(service, Code.EXPOSURE_INVALID, GATEWAYS, message)
    for host in exposure.hosts:
        if problem := dns_name_problem(host):
            yield about(service, Code.EXPOSURE_INVALID, HOSTS, f"{host!r} is no host: {problem}")
    if "*" in exposure.hosts and MESH in (exposure.gateways or (MESH,)):
        message = "'*' is no host of the mesh: name gateways, and not 'mesh'"
        yield about(service, Code.EXPOSURE_INVALID, HOSTS, message)
    if exposure.gateways and not exposure.hosts and set(exposure.gateways) != {MESH}:
        message = f"has no hosts, so nothing is served there: add the annotation {HOSTS}"
        yield about(service, Code.GATEWAY_WITHOUT_HOST, GATEWAYS, message)


def about(service: Service, code: Code, key: str, message: str) -> Result:
    """Return a finding about an annotation of a Service."""
    return Result(code, message, service.ref, f"metadata.annotations.{key}")


def _names(service: Service, key: str) -> tuple[str, ...]:
    """Return the members of a comma-separated list, each once."""
    names = (one.strip() for one in _text(service, key).split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _text(service: Service, key: str) -> str:
    value = service.annotations.get(key)
    return value if isinstance(value, str) else ""
