"""Plan → the Services of single environments, to which routes lead, and who may lead there from other namespaces.

Fields: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ and
https://gateway-api.sigs.k8s.io/api-types/referencegrant/.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from krm_fn.names import dashed
from krm_fn.objects import Object, added_label
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Key
from krm_fn.values import Manifest, Value, mapping, mappings

GROUP = "gateway.networking.k8s.io"
GRANT_VERSION = f"{GROUP}/v1beta1"  # what every version of the API serves
_LONGEST = 63
_MOST_IN_A_GRANT = 16
_PORT_FIELDS = ("name", "port", "protocol", "appProtocol", "targetPort")
_SPEC_FIELDS = ("sessionAffinity", "sessionAffinityConfig", "trafficDistribution", "publishNotReadyAddresses")

_Id = TypeVar("_Id", bound=Hashable)
Backend = tuple[str, str, str]  # the namespace of the pods, the name of the user's Service, the environment


class Backends(NamedTuple):
    """The Services of single environments: the name of each, and their objects in a fixed order."""

    names: Mapping[Backend, str]
    manifests: tuple[Manifest, ...]

    def of(self, plan: ServicePlan, environment: str | None, namespace: str) -> Manifest:
        """Return where requests go that an environment answers, seen from a namespace; None stands for nobody.

        Where nobody answers, that is the base's, which is empty until the base has pods, or any pod by the option.
        """
        home = plan.home(environment)
        if not plan.is_routed or (environment is None and plan.config.unmatched == "anyPod"):
            return {"name": plan.service.ref.name, **_elsewhere(home, namespace)}
        name = self.names[home, plan.service.ref.name, environment or plan.base]
        return {"name": name, **_elsewhere(home, namespace)}


def _elsewhere(namespace: str, seen_from: str) -> Manifest:
    return {"namespace": namespace} if namespace != seen_from else {}


def backends(plans: Sequence[ServicePlan], objects: Sequence[Object], owner: str) -> Backends:
    """Return the Services of single environments that routes to some Services need."""
    services = {
        (one.ref.namespace, one.ref.name): one
        for one in objects
        if one.ref.kind == "Service" and one.ref.api_version == "v1"
    }
    wanted: dict[Backend, ServicePlan] = {}
    for plan in (one for one in plans if one.is_routed):
        for environment in [*plan.own, *([] if plan.base_answer else [plan.base])]:
            home = plan.home(environment if environment in plan.own else None)
            wanted.setdefault((home, plan.service.ref.name, environment), plan)
    plain = {one: (one[0], f"{one[1]}-{dashed(one[2])}".lower()) for one in wanted}
    theirs = {key for key, one in services.items() if not one.owner}
    given = unique_names(plain, theirs, _LONGEST)
    made = [
        _manifest(one, given[one], plan, services, owner)
        for one, plan in sorted(wanted.items(), key=lambda pair: given[pair[0]])
    ]
    return Backends({one: name for one, (_, name) in given.items()}, tuple(made))


def _manifest(one: Backend, key: Key, plan: ServicePlan, services: Mapping[Key, Object], owner: str) -> Manifest:
    home, service, environment = one
    original = services.get((home, service))
    value: Value = original.value if original else {}
    spec = mapping(value, "spec")
    label = plan.config.env_label.name
    added = added_label(value, owner)
    selector = {name: text for name, text in mapping(spec, "selector").items() if name not in (added, label)}
    ports = [{name: port[name] for name in _PORT_FIELDS if name in port} for port in mappings(spec.get("ports"))]
    made: Manifest = {"selector": {**selector, label: environment}, "ports": ports}
    made |= {name: spec[name] for name in _SPEC_FIELDS if name in spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(key), "spec": made}


def metadata(key: Key) -> Manifest:
    """Return the metadata of an object by its namespace and name."""
    namespace, name = key
    return {"name": name} | ({"namespace": namespace} if namespace else {})


def unique_names(plain: Mapping[_Id, Key], taken: Collection[Key], longest: int) -> dict[_Id, Key]:
    """Return the namespace and name of each object, by those that it would like to have.

    Those that would be the same, too long, or `taken`, get a hash of their own, all of them, so that none of them
    depends on which came first.
    """
    times = Counter(plain.values())
    free = {key for key, count in times.items() if count == 1 and key not in taken and len(key[1]) <= longest}
    given: dict[_Id, Key] = {}
    used = {*free, *taken}
    for one in sorted(plain, key=repr):
        given[one] = plain[one] if plain[one] in free else _hashed(one, plain[one], used, longest)
        used.add(given[one])
    return given


def _hashed(one: Hashable, key: Key, used: Collection[Key], longest: int) -> Key:
    digest = hashlib.sha256(repr(one).encode()).hexdigest()
    for length in range(8, longest):
        name = f"{key[1][: longest - 1 - length].rstrip('-.')}-{digest[:length]}"
        if (key[0], name) not in used:
            return (key[0], name)
    raise AssertionError(key)  # 55 names of the list would have to be chosen against this hash


def grants(routes: Iterable[Manifest]) -> Iterator[Manifest]:
    """Yield the permission of each Service of an environment to which routes of other namespaces lead.

    Cilium and gateways ask for it, Istio's sidecars do not.
    """
    wanted: dict[Key, set[tuple[str, str]]] = defaultdict(set)
    for route in routes:
        for backend in backend_refs(route):
            if "namespace" in backend:
                source = (route["kind"], route["metadata"].get("namespace", ""))
                wanted[backend["namespace"], backend["name"]].add(source)
    for (namespace, name), sources in sorted(wanted.items()):
        listed = [{"group": GROUP, "kind": kind, "namespace": place} for kind, place in sorted(sources)]
        for number, start in enumerate(range(0, len(listed), _MOST_IN_A_GRANT)):
            key = (namespace, f"{name}-{number + 1}" if number else name)
            spec = {
                "from": listed[start : start + _MOST_IN_A_GRANT],
                "to": [{"group": "", "kind": "Service", "name": name}],
            }
            yield {"apiVersion": GRANT_VERSION, "kind": "ReferenceGrant", "metadata": metadata(key), "spec": spec}


def backend_refs(route: Value) -> Iterator[Value]:
    """Yield the backends of a route, those of its mirrors among them."""
    for rule in mappings(mapping(route, "spec").get("rules")):
        yield from mappings(rule.get("backendRefs"))
        for one in mappings(rule.get("filters")):
            if backend := mapping(mapping(one, "requestMirror"), "backendRef"):
                yield backend
