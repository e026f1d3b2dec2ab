"""Ways around the routes that a list shows: clients that do not see them, and doors that do not pass them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from krm_fn.istio.checks import entries
from krm_fn.istio.hosts import Hosts, covers, service_of
from krm_fn.istio.theirs import Sidecar, Theirs, VirtualService
from krm_fn.names import full_name
from krm_fn.objects import Object, annotations_of
from krm_fn.plan import ingress
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import mapping, mappings

_EXPORT = "networking.istio.io/exportTo"
_OPEN_TYPES = ("LoadBalancer", "NodePort")


def find(theirs: Theirs, objects: Sequence[Object], plan: Plan, domain: str) -> Iterator[Result]:
    """Yield a finding for each way on which requests to a Service of several environments miss its routes."""
    split = {one.key: one for one in plan.services if one.is_split and one.needs_routes}
    if not split:
        return
    for one in objects:
        if not one.is_source:
            continue
        key = (one.ref.namespace, one.ref.name)
        if one.ref.kind == "Service" and one.ref.api_version == "v1" and key in split:
            yield from _service(one, split[key])
        elif one.ref.kind == "Ingress":
            yield from (_outside(one, split[key], field) for field, key in ingress.backends(one) if key in split)
        elif one.ref.kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"):
            yield from _gateway_api(one, split)
    yield from _sidecars(theirs, split, domain)
    if theirs.entries:
        hosts = Hosts(split.keys(), {one.ref.namespace for one in objects if one.is_source}, domain)
        for entry in theirs.entries:
            yield from entries.find(entry, split, hosts)
    aliases = _aliases(objects, split, domain) if theirs.routes else {}
    for route in theirs.routes:
        yield from _export(route, split, domain)
        yield from _by_another_name(route, aliases, domain)


def _service(one: Object, plan: ServicePlan) -> Iterator[Result]:
    kind = mapping(one.value, "spec").get("type")
    if kind in _OPEN_TYPES:
        message = (
            f"is of type {kind}: requests that come in by its own port pass no route and reach pods of any environment "
            f"({', '.join(plan.own)}); let them in by an Istio Gateway, or keep the Service inside (type: ClusterIP)"
        )
        yield Result(Code.OUTSIDE_DOOR, message, one.ref, "spec.type", (one.ref,))
    exported = annotations_of(one.value).get(_EXPORT)
    if isinstance(exported, str) and "*" not in exported.split(","):
        message = (
            f"is visible in {exported} only: clients of other namespaces do not see its routes either, and reach pods "
            f"of any environment ({', '.join(plan.own)})"
        )
        yield Result(Code.HIDDEN_ROUTES, message, one.ref, f"metadata.annotations.{_EXPORT}", (one.ref,))


def _gateway_api(one: Object, split: Mapping[Key, ServicePlan]) -> Iterator[Result]:
    spec = mapping(one.value, "spec")
    parents = mappings(spec.get("parentRefs"))
    for place, parent in enumerate(parents):
        key = (str(parent.get("namespace", one.ref.namespace)), str(parent.get("name")))
        if parent.get("kind") == "Service" and key in split:
            message = (
                f"routes {split[key].service.ref}, which has pods of several environments, and Istio prefers it to any "
                "VirtualService; set output: gatewayAPI, which weaves environments into it, or remove it"
            )
            yield Result(Code.HTTP_ROUTE, message, one.ref, f"spec.parentRefs[{place}]", (split[key].service.ref,))
    if any(parent.get("kind") == "Service" for parent in parents):
        return  # a route of the mesh, and no way in from outside
    for number, rule in enumerate(mappings(spec.get("rules"))):
        for place, backend in enumerate(mappings(rule.get("backendRefs"))):
            key = (str(backend.get("namespace", one.ref.namespace)), str(backend.get("name")))
            if key in split and backend.get("kind", "Service") == "Service":
                yield _outside(one, split[key], f"spec.rules[{number}].backendRefs[{place}]")


def _outside(one: Object, plan: ServicePlan, field: str) -> Result:
    message = (
        f"sends requests to {plan.service.ref} past its routes: they reach pods of any environment "
        f"({', '.join(plan.own)}); use an Istio Gateway with a VirtualService, into which environments are woven"
    )
    return Result(Code.OUTSIDE_DOOR, message, one.ref, field, (plan.service.ref,))


def _aliases(objects: Sequence[Object], split: Mapping[Key, ServicePlan], domain: str) -> Mapping[Key, ServicePlan]:
    """Return the Services that are another name (ExternalName) of one of several environments."""
    found: dict[Key, ServicePlan] = {}
    for one in objects:
        spec = mapping(one.value, "spec") if one.is_source and one.ref.kind == "Service" else {}
        if spec.get("type") == "ExternalName":
            name = str(spec.get("externalName", "")).rstrip(".")
            key = service_of(name, "", domain) if "." in name else None
            if key in split and key:
                found[one.ref.namespace, one.ref.name] = split[key]
    return found


def _by_another_name(one: VirtualService, aliases: Mapping[Key, ServicePlan], domain: str) -> Iterator[Result]:
    for destination in one.destinations() if aliases else ():
        key = service_of(destination.host, one.namespace, domain)
        if key and key in aliases:
            ref = aliases[key].service.ref
            message = (
                f"leads to {key[1]}, which is another name (ExternalName) of {ref}: such requests pass none of its "
                f"routes and reach pods of any environment ({', '.join(aliases[key].own)}); write the host "
                f"{full_name(ref.namespace, ref.name, domain)}"
            )
            yield Result(Code.OUTSIDE_DOOR, message, one.object.ref, destination.field, (ref,))


def _sidecars(theirs: Theirs, split: Mapping[Key, ServicePlan], domain: str) -> Iterator[Result]:
    for one in theirs.sidecars:
        yield from _sidecar(one, split, domain)
        for route in theirs.routes:
            yield from _routes_unseen(one, route, split, domain)


def _sidecar(one: Sidecar, split: Mapping[Key, ServicePlan], domain: str) -> Iterator[Result]:
    if not one.hosts:
        return
    own_namespace = one.object.ref.namespace
    hidden = {key: plan.service.ref for key, plan in split.items() if not _sees(one.hosts, own_namespace, key, domain)}
    own = [ref for key, ref in hidden.items() if key[0] == own_namespace]
    if own or (hidden and any(host.startswith("*/") for host in one.hosts)):
        refs = own or list(hidden.values())
        names = ", ".join(map(str, refs))
        message = (
            f"hides {names} from its pods, and with it the routes: if they call it all the same, "
            "they reach pods of any environment; add its host to spec.egress.hosts"
        )
        yield Result(Code.HIDDEN_ROUTES, message, one.object.ref, "spec.egress", tuple(refs))


def _routes_unseen(
    one: Sidecar, route: VirtualService, split: Mapping[Key, ServicePlan], domain: str
) -> Iterator[Result]:
    """Yield a finding where pods see a Service, and not the VirtualService of another namespace that has its routes."""
    own = one.object.ref.namespace
    if not one.hosts or not route.on_mesh or not (route.is_for_all or own in route.exported):
        return
    for key, plan in split.items():
        if route.namespace == key[0] or not any(
            covers(host.lower(), key, route.namespace, domain) for host in route.hosts
        ):
            continue
        if _sees(one.hosts, own, key, domain) and not _sees(one.hosts, own, key, domain, of=route.namespace):
            full = full_name(*key, domain)
            message = (
                f"shows {plan.service.ref} to its pods, and not {route.object.ref}, which has its routes: they reach "
                f"pods of any environment ({', '.join(plan.own)}); add {route.namespace}/{full} to spec.egress.hosts"
            )
            yield Result(Code.HIDDEN_ROUTES, message, one.object.ref, "spec.egress", (plan.service.ref,))


def _sees(hosts: Sequence[str], namespace: str, key: Key, domain: str, of: str | None = None) -> bool:
    """Tell whether hosts of a Sidecar in a namespace show a Service, or what the namespace `of` has for its host."""
    for host in hosts:
        place, _, name = host.partition("/")
        in_place = place == "*" or (key[0] if of is None else of) == (namespace if place in (".", "") else place)
        full = full_name(*key, domain)
        if in_place and (name in ("*", full) or (name.startswith("*.") and full.endswith(name[1:]))):
            return True
    return False


def _export(one: VirtualService, split: Mapping[Key, ServicePlan], domain: str) -> Iterator[Result]:
    if one.is_for_all or not one.on_mesh:
        return
    named = [key for key in split for host in one.hosts if covers(host.lower(), key, one.namespace, domain)]
    if named:
        message = (
            f"holds in {', '.join(one.exported)} only (exportTo); for clients of other namespaces the generated routes "
            f"of {split[named[0]].service.ref} hold"
        )
        about = tuple(split[key].service.ref for key in dict.fromkeys(named))
        yield Result(Code.EXPORTED_PARTLY, message, one.object.ref, "spec.exportTo", about)
