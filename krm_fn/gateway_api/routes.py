"""Plan → HTTPRoutes and GRPCRoutes: of a Service's ports in the mesh, of its hosts on gateways, of preview hosts.

Fields: https://gateway-api.sigs.k8s.io/reference/spec/#httproute. A rule has no name: the definitions of Gateway API
1.1, which Linkerd installs, do not know that field.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from krm_fn.gateway_api.arranged import Part, Rules, arranged
from krm_fn.gateway_api.backends import GROUP, Backends, metadata, unique_names
from krm_fn.names import dashed
from krm_fn.plan.answers import Route, ServicePlan
from krm_fn.plan.exposure import MESH
from krm_fn.plan.previews import previews_of
from krm_fn.plan.services import Port, Traffic
from krm_fn.values import Manifest, Value

VERSION = f"{GROUP}/v1"
_LONGEST = 253
_MOST_HOSTS = 16


class Wanted(NamedTuple):
    """A route that is to be.

    Attributes:
        kind: HTTPRoute or GRPCRoute.
        namespace: its own.
        name: that which it would like to have.
        source: what tells it from every other one of that name, whatever else the list has.
        parents: what it hangs on.
        rules: its rules.
        hosts: the hosts of a gateway's route.
    """

    kind: str
    namespace: str
    name: str
    source: tuple[str, ...]
    parents: Sequence[Value]
    rules: Rules
    hosts: Sequence[str] = ()

    def manifest(self, name: str) -> Manifest:
        """Return the object."""
        spec: Manifest = {"parentRefs": list(self.parents)}
        spec |= {"hostnames": list(self.hosts)} if self.hosts else {}
        spec |= {"rules": list(self.rules)}
        return {
            "apiVersion": VERSION,
            "kind": self.kind,
            "metadata": metadata((self.namespace, name)),
            "spec": spec,
        }


def manifests(wanted: Sequence[Wanted]) -> list[Manifest]:
    """Return the objects of routes, each with a name of its own, in a fixed order."""
    by_source = {(one.kind, one.namespace, *one.source): one for one in wanted}
    names = unique_names({source: (one.namespace, one.name) for source, one in by_source.items()}, (), _LONGEST)
    ordered = sorted(by_source, key=lambda source: (names[source], source))
    return [by_source[source].manifest(names[source][1]) for source in ordered]


def of_mesh(plan: ServicePlan, backends: Backends, covered: Collection[int]) -> Iterator[Wanted]:
    """Yield the routes of a Service's ports, but for those that routes of the user's take care of."""
    if plan.service.headless or not (plan.is_routed or plan.is_elsewhere):
        return
    ref = plan.service.ref
    ports = plan.ports(Traffic.HTTP, Traffic.SNIFFED)
    for port in ports:
        if port.number in covered:
            continue
        grpc = plan.config.grpc == "GRPCRoute" and port.protocol == "grpc"
        parent = {"group": "", "kind": "Service", "name": ref.name, "port": port.number}
        name = ref.name if len(ports) == 1 else f"{ref.name}-{port.number}"
        for part in _parts(plan, backends, port):
            behind = suffix(part.environment, part.number)
            yield Wanted(
                "GRPCRoute" if grpc else "HTTPRoute",
                ref.namespace,
                name + behind,
                (ref.name, "mesh", str(port.number), part.environment, str(part.number)),
                [parent],
                part.rules,
            )


def of_gateways(plan: ServicePlan, backends: Backends) -> Iterator[Wanted]:
    """Yield the routes of a Service's hosts on gateways, and those of its preview hosts."""
    exposure, port, ref = plan.exposure, plan.front, plan.service.ref
    parents = [parent(one) for one in exposure.gateways if one != MESH]
    if not exposure.is_exposed or not parents or port is None:
        return
    hosts = () if "*" in exposure.hosts else exposure.hosts
    for part in _parts(plan, backends, port):
        behind = suffix(part.environment, part.number)
        of_part = (ref.name, "gateway", part.environment, str(part.number))
        one = Wanted("HTTPRoute", ref.namespace, f"{ref.name}-gateway{behind}", of_part, parents, part.rules, hosts)
        yield from _by_hosts(one)
    for preview in previews_of(plan):
        said = says(plan.config.env_header.name, preview.environment)
        to = backends.of(plan, plan.answer(preview.environment).environment, ref.namespace)
        rules = [{"filters": [said], "backendRefs": [{**to, "port": port.number}]}]
        name, source = f"{ref.name}-preview{suffix(preview.environment)}", (ref.name, "preview", preview.environment)
        yield from _by_hosts(Wanted("HTTPRoute", ref.namespace, name, source, parents, rules, preview.hosts))


def _by_hosts(wanted: Wanted) -> Iterator[Wanted]:
    """Yield a route once for as many hosts as one may have; the API knows no upper case in them."""
    hosts = list(dict.fromkeys(host.lower() for host in wanted.hosts))
    for number, at in enumerate(range(0, max(1, len(hosts)), _MOST_HOSTS), 1):
        more = ("hosts", str(number)) if number > 1 else ()
        name = "-".join((wanted.name, *more))
        yield wanted._replace(name=name, source=(*wanted.source, *more), hosts=hosts[at : at + _MOST_HOSTS])


def says(header: str, environment: str) -> Manifest:
    """Return the filter that has a request say an environment, whatever it said before."""
    return {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"set": [{"name": header.lower(), "value": environment}]},
    }


def parent(written: str) -> Manifest:
    """Return the reference to a gateway that is written as NAME or NAMESPACE/NAME."""
    namespace, _, name = written.rpartition("/")
    return {"name": name} | ({"namespace": namespace} if namespace else {})


def suffix(environment: str, number: int = 1) -> str:
    """Return what the name of a route has behind it: an environment, and a number from the second part on."""
    name = f"-{dashed(environment).lower()}" if environment else ""
    return f"{name}-{number}" if number > 1 else name


def _parts(plan: ServicePlan, backends: Backends, port: Port) -> list[Part]:
    variant = partial(_variant, plan, backends, port)
    return arranged(plan.config, plan.routes, variant, _default(plan, backends, port))


def _variant(plan: ServicePlan, backends: Backends, port: Port, route: Route, headers: Sequence[Manifest]) -> Rules:
    to = backends.of(plan, route.environment, plan.service.ref.namespace)
    matches = [{"headers": [one]} for one in headers]
    return [{"matches": matches, "backendRefs": [{**to, "port": port.number}]}]


def _default(plan: ServicePlan, backends: Backends, port: Port) -> Rules:
    to = backends.of(plan, plan.base_answer, plan.service.ref.namespace)
    return [{"backendRefs": [{**to, "port": port.number}]}]
