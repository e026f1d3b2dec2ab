"""Random lists with routes of a user's own, as odd as Istio takes them. One seed is one list.

Two teams' namespaces, `shop` and `other`, and Istio's own: Services of several environments, of the base alone and of
none; VirtualServices of the mesh, of gateways and of both, delegates, rules in each place where Istio looks for one.
What Istio's validation refuses is not asked (test_before_after.py counts it).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import joined_lists, odder_lists
from .worlds import LABEL, istio

if TYPE_CHECKING:
    from .model import Manifest

ENVIRONMENTS = ["dev.a", "dev.a.b", "dev.b"]
VALUES = ["dev.a", "dev.a.x", "dev.a.b", "dev.b.c", "dev.ab"]
PATHS = ["/a", "/b", "/a/c"]
GATEWAYS = ["ingress/edge", "ingress/inner"]
OUTSIDE = "cart.example"  # a host of two labels, the first of which is a Service's name
_DOMAIN = "svc.cluster.local"


@dataclass(slots=True)
class Listed:
    """A list, its configuration, and what is known of it."""

    seed: int
    spec: dict[str, Any]
    manifests: list[Manifest] = field(default_factory=list)
    value: str = ""  # an environment that is worth asking for

    @property
    def config(self) -> Manifest:
        kind = {"apiVersion": "virtual-env-fn.dev/v1alpha1", "kind": "VirtualEnvironment"}
        return {**kind, "metadata": {"name": "virtual-env"}, "spec": self.spec}


@dataclass(slots=True)
class _Made:
    dice: random.Random
    ports: dict[str, list[Manifest]] = field(default_factory=dict)  # by Service, of shop
    subsets: dict[str, list[str]] = field(default_factory=dict)  # by Service, of its rule
    number: int = 0

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def next(self) -> int:
        self.number += 1
        return self.number


def make(seed: int) -> Listed:
    """Return the list of a number."""
    made = _Made(random.Random(seed))  # noqa: S311 - the same for everybody
    dice = made.dice
    spec: dict[str, Any] = {"envLabel": {"defaultSubset": "dev"}}
    spec |= {"routes": "all"} if made.chance(0.1) else {}
    spec |= {"matching": "exact"} if made.chance(0.1) else {}
    spec |= {"tcp": "callerLabels"} if made.chance(0.1) else {}
    listed = Listed(seed, spec, value=dice.choice(VALUES))
    for name in ("cart", "api", "old"):
        listed.manifests += _app(made, name)
    listed.manifests += [_service("web", "other", [_port(80, "http")]), _workload("web", "", namespace="other")]
    listed.manifests += [rule for _ in range(dice.choice([0, 1, 1, 2])) for rule in [_rule(made)] if rule]
    listed.manifests += _outside(made) if made.chance(0.25) else []
    for _ in range(dice.choice([1, 1, 2, 3])):
        listed.manifests += dice.choice([_of_mesh, _of_mesh, _of_gateway, _of_gateway, _of_both, _delegated])(made)
    if any(name != "mesh" for one in listed.manifests for name in one["spec"].get("gateways") or ()):
        listed.manifests += [_gateway(name) for name in GATEWAYS]
    odder_lists.change(listed.manifests, seed)
    joined_lists.change(listed.manifests, listed.spec, seed)
    return listed


def _app(made: _Made, name: str) -> list[Manifest]:
    """Make a Service of `shop` and its workloads."""
    dice = made.dice
    if name == "old":
        own = dice.choice([[""], ["dev"], ["dev.b"]])
    else:
        own = [*(["dev"] if made.chance(0.9) else []), *dice.sample(ENVIRONMENTS, dice.randint(1, 2))]
    ports = [_port(80, "http")]
    if made.chance(0.3):
        ports.append(dice.choice([_port(81, "http-b"), _port(82, "grpc"), _port(83, "tcp-x"), _port(84, "any")]))
    made.ports[name] = ports
    workloads = [
        _workload(name, environment, version)
        for environment in own
        for version in dice.choice([[""], [""], ["v1"], ["v2"], ["v1", "v2"]])
    ]
    return [_service(name, "shop", ports), *workloads]


def _rule(made: _Made) -> Manifest | None:
    dice = made.dice
    place = dice.choice(["shop", "shop", "shop", "other", "istio-system"])
    name = dice.choice(list(made.ports))
    exact = [f"{name}.shop.{_DOMAIN}", *([name, f"{name}.shop", f"{name}.shop.svc"] if place == "shop" else [])]
    wild = ["*", "*.local", f"*.shop.{_DOMAIN}", f"*.{_DOMAIN}"]
    host = dice.choice(wild if place == "istio-system" or made.chance(0.3) else exact)
    spec: dict[str, Any] = {"host": host}
    if made.chance(0.7):
        spec["trafficPolicy"] = {"connectionPool": {"tcp": {"maxConnections": 100 + made.next()}}}
    if host not in wild and made.chance(0.6):
        kinds = {
            "v1": {"version": "v1"},
            "v2": {"version": "v2"},
            "base": {LABEL: "dev"},
            "a": {LABEL: "dev.a"},
            "here": {"topology.istio.io/cluster": "Kubernetes"},
            "all": {"app": name},
        }
        names = dice.sample(list(kinds), dice.randint(1, 3))
        spec["subsets"] = [{"name": one, "labels": kinds[one]} for one in names]
        if place == "shop" and host in (name, exact[0]) and name not in made.subsets:
            made.subsets[name] = names
    elif host not in wild and made.chance(0.2):
        spec["subsets"] = dice.choice([[], None])
    if place == "shop" and made.chance(0.1):
        spec["exportTo"] = dice.choice([["."], ["*"]])
    return istio("DestinationRule", f"rule-{made.next()}", place, **spec)


def _of_mesh(made: _Made) -> list[Manifest]:
    """Make a VirtualService for a Service's host in the mesh."""
    dice = made.dice
    name, place = dice.choice(list(made.ports)), dice.choice(["shop", "shop", "shop", "other"])
    full = f"{name}.shop.{_DOMAIN}"
    hosts = [dice.choice([name, name, full, f"{name}.shop", f"{name}.shop.svc"] if place == "shop" else [full])]
    spec: dict[str, Any] = {"hosts": hosts}
    if made.chance(0.15):
        spec["gateways"] = ["mesh"]
    if made.chance(0.15):
        spec["exportTo"] = dice.choice([["."], ["*"], ["other"]])
    tcp = [port for port in made.ports[name] if port["name"].startswith("tcp")]
    if tcp and made.chance(0.5):
        match = [{"port": tcp[0]["port"]}]
        spec["tcp"] = [{"match": match, "route": [{"destination": {"host": full}}]}]
    if "tcp" in spec and made.chance(0.3):
        spec |= dice.choice([{}, {"http": []}, {"http": None}])
    else:
        spec["http"] = _routes(made, place, gateways=[])
    return [istio("VirtualService", f"mesh-{made.next()}", place, **spec)]


def _of_gateway(made: _Made) -> list[Manifest]:
    """Make a VirtualService for a gateway's host."""
    dice = made.dice
    place = dice.choice(["shop", "shop", "other"])
    hosts = dice.choice([["shop.example.com"], ["shop.example.com"], ["*"], ["*.example.com"], ["a.io", "b.io"]])
    spec = {"hosts": hosts, "gateways": dice.sample(GATEWAYS, dice.choice([1, 1, 2]))}
    spec["http"] = _routes(made, place, gateways=spec["gateways"])
    return [istio("VirtualService", f"gate-{made.next()}", place, **spec)]


def _of_both(made: _Made) -> list[Manifest]:
    """Make a VirtualService of the mesh and of a gateway."""
    dice = made.dice
    name = dice.choice(list(made.ports))
    hosts = [dice.choice([name, f"{name}.shop.{_DOMAIN}"]), "shop.example.com"]
    gateways = [dice.choice(GATEWAYS), "mesh"]
    spec = {"hosts": hosts, "gateways": gateways, "http": _routes(made, "shop", gateways=gateways)}
    return [istio("VirtualService", f"both-{made.next()}", "shop", **spec)]


def _delegated(made: _Made) -> list[Manifest]:
    """Make a root that hands a path over to a delegate."""
    dice = made.dice
    path, part = dice.choice(PATHS), f"part-{made.next()}"
    rest = _route(made, "shop", [])
    root = {"match": [{"uri": {"prefix": path}}], "delegate": {"name": part}}
    where = dice.choice([{"hosts": [dice.choice(["cart", "api"])]}, {"hosts": ["shop.example.com"]}])
    if where["hosts"] == ["shop.example.com"]:
        where["gateways"] = [dice.choice(GATEWAYS)]
    http = [{"match": [{"uri": {"prefix": f"{path}/x"}}], **_action(made, "shop")}, _action(made, "shop")]
    spec = {"http": http[dice.choice([0, 1]) :]}
    root_spec = {**where, "http": [root, *([rest] if made.chance(0.8) else [])]}
    return [
        istio("VirtualService", f"root-{made.next()}", "shop", **root_spec),
        istio("VirtualService", part, "shop", **spec),
    ]


def _routes(made: _Made, place: str, gateways: list[str]) -> list[Manifest]:
    routes = [_route(made, place, gateways) for _ in range(made.dice.choice([1, 1, 2, 3]))]
    if made.chance(0.6):
        routes.append({key: part for key, part in _route(made, place, gateways).items() if key != "match"})
    return routes


def _route(made: _Made, place: str, gateways: list[str]) -> Manifest:
    matches = [_match(made, gateways) for _ in range(made.dice.choice([1, 1, 1, 2]))]
    named = {"name": f"r{made.next()}"} if made.chance(0.4) else {}
    return {**named, "match": matches, **_action(made, place)}


def _match(made: _Made, gateways: list[str]) -> Manifest:
    dice = made.dice
    match: dict[str, Any] = {}
    if made.chance(0.75):
        path = dice.choice([*PATHS, "/"])
        match["uri"] = dice.choice([{"prefix": path}, {"prefix": path}, {"exact": path}, {"regex": f"{path}.*"}])
    if made.chance(0.2):
        match["headers"] = {"x-kind": dice.choice([{"exact": "1"}, {"prefix": "be"}, {"regex": "b.*"}, {}])}
    if made.chance(0.1):
        match["port"] = dice.choice([80, 81, 82])
    if made.chance(0.12):
        match["sourceLabels"] = {"app": "web"}
    if made.chance(0.08):
        match["sourceNamespace"] = "other"
    if gateways and made.chance(0.25):
        match["gateways"] = [dice.choice(gateways)]
    if made.chance(0.06):
        match["method"] = {"exact": "POST"}
    if made.chance(0.06):
        match["queryParams"] = {"q": {"exact": "1"}}
    if made.chance(0.06):
        match["withoutHeaders"] = {"x-old": {}}
    return match or {"uri": {"prefix": "/"}}


def _action(made: _Made, place: str) -> Manifest:
    dice = made.dice
    kind = dice.random()
    if kind < 0.07:
        return {"redirect": {"uri": "/moved", **({"authority": "else.example.com"} if made.chance(0.3) else {})}}
    if kind < 0.12:
        return {"directResponse": {"status": 299, "body": {"string": f"said by {made.next()}"}}}
    route: dict[str, Any] = {}
    parts: list[tuple[float, str, Any]] = [
        (0.15, "rewrite", {"uri": "/rewritten"}),
        (0.2, "timeout", f"{3 + made.next()}s"),
        (0.1, "retries", {"attempts": 1}),
        (0.1, "fault", {"abort": {"httpStatus": 418, "percentage": {"value": 100}}}),
        (0.15, "headers", {"request": {"set": {"x-by": str(made.next())}}, "response": {"set": {"x-from": "r"}}}),
        (0.05, "headers", {"request": {"set": {"x-virtual-env": dice.choice(ENVIRONMENTS)}}}),
    ]
    route |= {key: part for share, key, part in parts if made.chance(share)}
    if made.chance(0.12):
        route["mirror"] = _destination(made, place)
        route["mirrorPercentage"] = {"value": 100}
    return {**route, "route": _weighed(made, place)}


def _weighed(made: _Made, place: str) -> list[Manifest]:
    weights = made.dice.choice([[100]] * 6 + [[50, 50], [40, 60], [100, 0], [34, 33, 33]])
    targets = [_destination(made, place) for _ in weights]
    unique = [one for number, one in enumerate(targets) if one not in targets[:number]]
    if len(unique) == 1:
        return [{"destination": unique[0]}]
    if len(unique) < len(weights):
        weights = [70, 30]
    return [{"destination": one, "weight": weight} for one, weight in zip(unique, weights, strict=True)]


def _destination(made: _Made, place: str) -> Manifest:
    dice = made.dice
    name = dice.choice(["cart", "cart", "api", "old", *(["web"] if place == "other" else [])])
    if name == "web":
        return {"host": "web"}
    full = f"{name}.shop.{_DOMAIN}"
    destination: dict[str, Any] = {"host": dice.choice([name, name, full]) if place == "shop" else full}
    if name in made.subsets and made.chance(0.5):
        destination["subset"] = dice.choice(made.subsets[name])
    if made.chance(0.3) or len(made.ports[name]) > 1:
        destination["port"] = {"number": 80}
    return destination


def _outside(made: _Made) -> list[Manifest]:
    """Make an outside host, whose pods are `fake` here, and routes for it."""
    entry = istio(
        "ServiceEntry",
        "outside",
        "shop",
        hosts=[OUTSIDE],
        ports=[{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 80}],
        location="MESH_EXTERNAL",
        resolution="STATIC",
        workloadSelector={"labels": {"app": "fake"}},
    )
    found = [_service("fake", "shop", [_port(80, "http")]), _workload("fake", "", ""), entry]
    if made.chance(0.6):
        http = [{"timeout": "4s", "route": [{"destination": {"host": OUTSIDE}}]}]
        found.append(istio("VirtualService", "outside", "shop", hosts=[OUTSIDE], http=http))
    return found


def _gateway(name: str) -> Manifest:
    place, _, short = name.partition("/")
    numbers = [80] if short == "inner" else [80, 81]
    servers = [{"port": {"number": one, "name": f"http-{one}", "protocol": "HTTP"}, "hosts": ["*"]} for one in numbers]
    return istio("Gateway", short, place, selector={"istio": short}, servers=servers)


def _port(number: int, name: str) -> Manifest:
    return {"name": name, "port": number}


def _service(name: str, place: str, ports: list[Manifest]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": place},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def _workload(app: str, environment: str, version: str = "", namespace: str = "shop") -> Manifest:
    labels = {"app": app, **({LABEL: environment} if environment else {}), **({"version": version} if version else {})}
    name = "-".join(one for one in (app, environment.replace(".", "-"), version) if one)
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app"}]}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
