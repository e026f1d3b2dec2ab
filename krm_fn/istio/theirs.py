"""The user's own resources of Istio, each read once: every check, and the weaving, asks these."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from krm_fn.istio import gateways, rollouts, shapes
from krm_fn.istio.destinations import MIRRORS, destinations
from krm_fn.istio.gateways import Gateway
from krm_fn.istio.marks import Stripped, strip
from krm_fn.objects import Object
from krm_fn.plan.exposure import MESH
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.text.edits import Path
from krm_fn.values import Value, mapping, mappings, strings

_GROUP = "networking.istio.io"
_ALL = ("*",)  # exportTo's default: every namespace
PROTOCOLS = ("http", "tls", "tcp")


class Destination(NamedTuple):
    """Where a route of a VirtualService leads: `field` is its path for people, `route` that of the route."""

    route: tuple[str, int]
    path: Path
    host: str
    subset: str = ""

    @property
    def field(self) -> str:
        """Its place as messages name it."""
        places = [*self.route, *self.path]
        return "spec" + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in places) + ".host"

    @property
    def is_mirror(self) -> bool:
        return self.path[0] in MIRRORS


class VirtualService(NamedTuple):
    """A VirtualService of the user's.

    Attributes:
        object: the object.
        stripped: without this function's additions, and what those are.
        hosts: as written.
        gateways: as written; the mesh where it names none.
        exported: the namespaces whose clients see it.
    """

    object: Object
    stripped: Stripped
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    exported: tuple[str, ...]

    @property
    def spec(self) -> Value:
        return mapping(self.stripped.value, "spec")

    @property
    def namespace(self) -> str:
        return self.object.ref.namespace

    @property
    def on_mesh(self) -> bool:
        return MESH in self.gateways

    @property
    def created(self) -> str:
        return created(self.object)

    @property
    def is_for_all(self) -> bool:
        """Whether the clients of every namespace see it."""
        return "*" in self.exported

    def routes(self, protocol: str) -> list[Value]:
        """Return the routes of a protocol: http, tls or tcp."""
        return mappings(self.spec.get(protocol))

    def destinations(self) -> Iterator[Destination]:
        """Yield every destination that has a host, mirrors among them."""
        for protocol in PROTOCOLS:
            for place, route in enumerate(self.routes(protocol)):
                for path, destination in destinations(route):
                    if isinstance(host := destination.get("host"), str):
                        yield Destination((protocol, place), path, host, str(destination.get("subset") or ""))


class DestinationRule(NamedTuple):
    """A DestinationRule of the user's; attributes as those of VirtualService.

    `is_rewritten` tells whether an Argo Rollout writes its subsets anew.
    """

    object: Object
    stripped: Stripped
    host: str
    exported: tuple[str, ...]
    is_rewritten: bool = False

    @property
    def is_beside(self) -> bool:
        """Whether the subsets of environments stand in a rule beside it, because they cannot stand here.

        A Rollout drops what it does not name; a list that is there and empty is not the function's to fill.
        """
        return self.is_rewritten or ("subsets" in self.spec and not self.spec["subsets"])

    def joins(self, other: DestinationRule) -> bool:
        """Tell whether Istio joins it with another one of its host and namespace: `*` is not what none means there."""
        return set(strings(self.spec.get("exportTo"))) == set(strings(other.spec.get("exportTo")))

    @property
    def is_for_all(self) -> bool:
        """Whether it holds for the clients of every namespace that look it up here."""
        return "*" in self.exported and self.selector is None

    @property
    def selector(self) -> Mapping[str, str] | None:
        """The labels of the client pods that it holds for; None for all."""
        found = self.spec.get("workloadSelector")
        return mapping(found, "matchLabels") if isinstance(found, dict) else None

    @property
    def created(self) -> str:
        return created(self.object)

    @property
    def spec(self) -> Value:
        return mapping(self.stripped.value, "spec")

    @property
    def namespace(self) -> str:
        return self.object.ref.namespace

    @property
    def is_wildcard(self) -> bool:
        return self.host.startswith("*")


class Sidecar(NamedTuple):
    """A Sidecar, and the hosts that it lets its pods see: NAMESPACE/NAME, as written."""

    object: Object
    hosts: tuple[str, ...]


class Theirs(NamedTuple):
    """What of Istio's a list has of the user's; `wrong` is what cannot be read and is left out, and why.

    `entries` are ServiceEntries.
    """

    routes: tuple[VirtualService, ...]
    rules: tuple[DestinationRule, ...]
    gateways: tuple[Gateway, ...]
    sidecars: tuple[Sidecar, ...]
    entries: tuple[Object, ...]
    wrong: tuple[tuple[Object, tuple[Result, ...]], ...]

    @property
    def entry_hosts(self) -> frozenset[str]:
        """The hosts of ServiceEntries, which Istio knows as it does those of Services."""
        return frozenset(host for one in self.entries for host in strings(mapping(one.value, "spec").get("hosts")))


def read(objects: Sequence[Object]) -> Theirs:
    """Read the user's own resources of Istio's."""
    istio = [one for one in objects if one.group == _GROUP]
    known: dict[int, Any] = {}
    wrong = {id(one): (one, tuple(found)) for one in istio if one.is_source and (found := _problems(one, known))}
    sound = {id(one): one for one in istio if one.is_source and id(one) not in wrong}.values()
    rewritten = rollouts.rules(objects)
    return Theirs(
        tuple(_virtual_service(one) for one in sound if one.ref.kind == "VirtualService"),
        tuple(_destination_rule(one, rewritten) for one in sound if one.ref.kind == "DestinationRule"),
        tuple(gateways.read(one) for one in istio if one.ref.kind == "Gateway"),
        tuple(_sidecar(one) for one in sound if one.ref.kind == "Sidecar"),
        tuple(one for one in sound if one.ref.kind == "ServiceEntry"),
        tuple(wrong.values()),
    )


_SHAPES = {"VirtualService": shapes.VIRTUAL_SERVICE, "DestinationRule": shapes.DESTINATION_RULE}


def _problems(one: Object, known: dict[int, Any]) -> list[Result]:
    spec, shape = one.value.get("spec"), _SHAPES.get(one.ref.kind)
    if shape is None or shapes.is_sound(spec, shape, known):
        return list(_misnamed(one)) if one.ref.kind == "DestinationRule" else []
    return [
        Result(Code.OBJECT_INVALID, message, one.ref, path) for path, message in shapes.problems(spec, shape, "spec")
    ]


def _misnamed(one: Object) -> Iterator[Result]:
    found: set[object] = set()
    for place, subset in enumerate(mappings(mapping(one.value, "spec").get("subsets"))):
        name = subset.get("name")
        if not name or name in found:
            message = "must name the subset: Istio refuses one without a name"
            message = f"another subset is named {name!r}: Istio refuses two of one name" if name else message
            yield Result(Code.OBJECT_INVALID, message, one.ref, f"spec.subsets[{place}].name")
        found.add(name)


def _virtual_service(one: Object) -> VirtualService:
    stripped = strip(one.value)
    spec = mapping(stripped.value, "spec")
    gateways = tuple(strings(spec.get("gateways"))) or (MESH,)
    return VirtualService(one, stripped, tuple(strings(spec.get("hosts"))), gateways, _exported(spec))


def _destination_rule(one: Object, rewritten: Collection[Key]) -> DestinationRule:
    stripped = strip(one.value)
    spec = mapping(stripped.value, "spec")
    is_rewritten = (one.ref.namespace, one.ref.name) in rewritten
    return DestinationRule(one, stripped, str(spec.get("host") or ""), _exported(spec), is_rewritten)


def created(one: Object) -> str:
    """Return when a cluster made an object, in a form that sorts; last where none has yet."""
    found = mapping(one.value, "metadata").get("creationTimestamp")
    return found if isinstance(found, str) and found else "~"


def _exported(spec: Value) -> tuple[str, ...]:
    return tuple(strings(spec.get("exportTo"))) or _ALL


def _sidecar(one: Object) -> Sidecar:
    egress = mappings(mapping(one.value, "spec").get("egress"))
    return Sidecar(one, tuple(host for part in egress for host in strings(part.get("hosts"))))
