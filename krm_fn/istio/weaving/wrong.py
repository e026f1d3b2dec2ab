"""Which objects of a wrong shape are this function's business: those that may name a Service with routes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from krm_fn.istio.hosts import Hosts
from krm_fn.istio.theirs import Theirs
from krm_fn.objects import Object
from krm_fn.results import Result

_HOST = re.compile(r"[\w.*-]+", re.ASCII)


def findings(theirs: Theirs, hosts: Hosts, *, are_exposed: bool) -> Iterator[Result]:
    """Yield what is wrong with objects that may name one of these Services.

    `are_exposed`: gateways serve some of them, by hosts that an object for gateways may have, too.
    """
    for one, results in theirs.wrong if hosts.keys else ():
        spec = one.value.get("spec")
        on_gateways = are_exposed and isinstance(spec, dict) and "gateways" in spec
        if on_gateways or not isinstance(spec, dict) or any(_may_mean(host, one, hosts) for host in _hosts(spec)):
            yield from results


def _may_mean(host: object, one: Object, hosts: Hosts) -> bool:
    """Tell whether a host may be that of a Service: what is none as it stands is filled in later, by anything."""
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        return True
    return any(hosts.covered(host.lower(), one.ref.namespace))


def _hosts(value: object) -> Iterator[object]:
    """Yield all that is said to be a host anywhere below, whatever it is; None for what a delegate leads to."""
    if isinstance(value, list):
        for part in value:
            yield from _hosts(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key == "host":
                yield part
            elif key == "hosts":
                yield from part if isinstance(part, list) else [part]
            elif key == "delegate":
                yield None
            else:
                yield from _hosts(part)
