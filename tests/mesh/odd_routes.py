"""Random VirtualServices of a user's, as odd as Istio allows: every kind of match and action, on mesh and gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .worlds import istio, service, subset, workload

if TYPE_CHECKING:
    import random

    from .model import Manifest

APPS = {"app": ("dev", "dev.a", "dev.a.b"), "api": ("dev", "dev.b"), "old": ("",)}
PORTS = ({"name": "http", "port": 8080}, {"name": "x", "port": 8081}, {"name": "tcp", "port": 8082})
PATHS = ["/a", "/a/b", "/A/", "/api/v1", "/a.b"]
TEXTS = ["1", "dev", "dev.a", "A-b", "x y"]


def make(rng: random.Random) -> list[Manifest]:
    """Return Services, pods, rules and random routes."""
    made: list[Manifest] = []
    for name, environments in APPS.items():
        made.append(service(name, *PORTS))
        made += [workload(name, one) for one in environments]
        made.append(_rule(rng, name, environments))
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    secure = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": ["*.example.com"],
        "tls": {"mode": "SIMPLE", "credentialName": "shown"},
    }
    redirecting = {
        **server,
        "port": {"number": 81, "name": "http-81", "protocol": "HTTP"},
        "tls": {"httpsRedirect": True},
    }
    made.append(istio("Gateway", "shop", selector={"istio": "shop"}, servers=[server, secure, redirecting]))
    for name in rng.sample(sorted(APPS), rng.randint(1, 3)):
        spec: dict[str, Any] = {"http": [_route(rng) for _ in range(rng.randint(1, 6))]}
        if rng.random() < 0.7:
            spec["http"].append({"route": _to(rng)})
        if rng.random() < 0.4:
            spec["tcp"] = [{"match": [{"port": rng.choice([8081, 8082])}], "route": _to(rng, tcp=True)}]
        gateways = rng.choice([None, ["mesh", "shop"], ["shop"]])
        hosts = [name] if gateways is None or "mesh" in gateways else []
        hosts += rng.sample(["shop.example.com", "*.example.com", "www.example.org"], 1) if gateways else []
        hosts = ["shop.example.com"] if hosts == [] else hosts
        made.append(
            istio("VirtualService", f"odd-{name}", hosts=hosts, **({"gateways": gateways} if gateways else {}), **spec)
        )
    return made


def _rule(rng: random.Random, name: str, environments: tuple[str, ...]) -> Manifest:
    subsets = [{"name": subset(one), "labels": {"virtual-env": one}} for one in environments if one]
    subsets.append({"name": "nobody", "labels": {"virtual-env": "nobody"}})
    policy = rng.choice([{}, {"trafficPolicy": {"loadBalancer": {"simple": "ROUND_ROBIN"}}}])
    return istio("DestinationRule", name, host=name, subsets=subsets, **policy)


def _text(rng: random.Random) -> dict[str, str]:
    text = rng.choice(TEXTS)
    pattern = rng.choice([text.replace(".", r"\."), "[a-z]+", "(?i)dev.*", ".*", r"dev(\..*)?"])
    return rng.choice([{"exact": text}, {"prefix": text}, {"regex": pattern}])


def _match(rng: random.Random) -> dict[str, Any]:
    match: dict[str, Any] = {}
    if rng.random() < 0.7:
        path = rng.choice(PATHS)
        how = rng.choice(["exact", "prefix", "prefix", "regex"])
        match["uri"] = {how: path if how != "regex" else rng.choice([f"{path}.*", "/[a-z]+", f"(?i){path}/?"])}
        if rng.random() < 0.3:
            match["ignoreUriCase"] = True
    names = ["x-kind", "x-other", "Cookie"]
    if rng.random() < 0.4:
        match["headers"] = {
            name: rng.choice([_text(rng), _text(rng), {}]) for name in rng.sample(names, rng.randint(1, 2))
        }
    if rng.random() < 0.25:
        match["withoutHeaders"] = {rng.choice(names): rng.choice([_text(rng), {}])}
    if rng.random() < 0.25:
        match["queryParams"] = {rng.choice(["q", "debug"]): _text(rng)}
    if rng.random() < 0.15:
        match["method"] = rng.choice([{"exact": "GET"}, {"prefix": "P"}, {"regex": "P(OS|U)T"}])
    if rng.random() < 0.1:
        match["scheme"] = {"exact": rng.choice(["http", "https"])}
    if rng.random() < 0.1:
        match["authority"] = rng.choice([{"prefix": "app"}, {"exact": "app:8080"}, {"regex": ".*example.*"}])
    if rng.random() < 0.15:
        match["port"] = rng.choice([8080, 8081])
    return match or {"uri": {"prefix": rng.choice(PATHS)}}


def _route(rng: random.Random) -> dict[str, Any]:
    route: dict[str, Any] = {"match": [_match(rng) for _ in range(rng.randint(1, 3))]}
    if rng.random() < 0.5:
        route["name"] = f"r{rng.randrange(100)}"
    kind = rng.random()
    if kind < 0.12:
        return route | {"directResponse": {"status": rng.choice([200, 299, 418, 503]), "body": {"string": "said\n"}}}
    if kind < 0.25:
        return route | {"redirect": _redirect(rng)}
    route["route"] = _to(rng)
    if rng.random() < 0.2:
        route["fault"] = {"abort": {"httpStatus": 418, "percentage": {"value": rng.choice([100, 100, 50, 0])}}}
    if rng.random() < 0.2:
        route["rewrite"] = {"uri": "/rewritten"}
    if rng.random() < 0.2:
        route["headers"] = {"request": {"set": {"x-by": "route"}}}
    if rng.random() < 0.1:
        route["mirror"] = {"host": "api", "port": {"number": 8080}}
    return route


def _redirect(rng: random.Random) -> dict[str, Any]:
    redirect: dict[str, Any] = {"uri": "/new"} if rng.random() < 0.7 else {}
    if rng.random() < 0.5 or not redirect:
        redirect["authority"] = "other.example.com"
    if rng.random() < 0.3:
        redirect["scheme"] = "https"
    if rng.random() < 0.4:
        redirect["redirectCode"] = rng.choice([302, 303, 307, 308])
    return redirect


def _to(rng: random.Random, *, tcp: bool = False) -> list[dict[str, Any]]:
    hosts = rng.sample(sorted(APPS), rng.choice([1, 1, 1, 2]))
    found = []
    for place, host in enumerate(hosts):
        destination: dict[str, Any] = {"host": host, "port": {"number": 8082 if tcp else rng.choice([8080, 8081])}}
        if rng.random() < 0.4:
            destination["subset"] = rng.choice([*map(subset, filter(None, APPS[host])), "nobody", "missing"])
        weight = {"weight": (40, 60)[place]} if len(hosts) > 1 else {}
        found.append({"destination": destination, **weight})
    return found
