"""What makes a random list of a user's odder: constructs that once came out wrong, by dice of their own.

The dice of users_lists.py are left alone, so that a list keeps its number and all else that it had.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from .worlds import LABEL, istio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Manifest

_HEADER = "x-virtual-env"
_FULL = "{}.shop.svc.cluster.local"


def change(manifests: list[Manifest], seed: int) -> None:
    """Change a list in place, and add to it."""
    dice = random.Random(f"odder {seed}")  # noqa: S311 - the same for everybody
    for one in manifests:
        if one["kind"] == "DestinationRule" and dice.random() < 0.2:
            _limit(one, dice)
        if one["kind"] == "VirtualService" and dice.random() < 0.15:
            one["spec"].setdefault("exportTo", dice.choice([["."], ["shop", "ingress"], ["ingress"], ["*"]]))
        for route in (one["spec"].get("http") or ()) if one["kind"] == "VirtualService" else ():
            _speak(route, dice)
    gateways = [one for one in manifests if one["kind"] == "Gateway"]
    if gateways and dice.random() < 0.35:
        twin = _twin(gateways[0], dice)
        for one in manifests:
            names = one["spec"].get("gateways") if one["kind"] == "VirtualService" else None
            if names and _name(gateways[0]) in names and dice.random() < 0.5:
                one["spec"]["gateways"] = [_name(twin) if name == _name(gateways[0]) else name for name in names]
        manifests.append(twin)
    if dice.random() < 0.2:
        manifests.append(_elsewhere(dice))
    _wildcards(manifests, random.Random(f"wildcards {seed}"))  # noqa: S311 - the same for everybody


def _wildcards(manifests: list[Manifest], dice: random.Random) -> None:
    """Give subsets to rules with a wildcard, and lead some destinations there."""
    wild = [one for one in manifests if one["kind"] == "DestinationRule" and one["spec"]["host"].startswith("*")]
    # A route that sets the environment has that one's pods, also where its subset is none: asked by cases alone.
    if not wild or dice.random() < 0.3 or _HEADER in str([one["spec"].get("http") for one in manifests]):
        return
    kinds = {"v1": {"version": "v1"}, "every": {}, "base": {LABEL: "dev"}}
    for one in wild:
        names = dice.sample(list(kinds), dice.randint(1, 3))
        one["spec"]["subsets"] = [{"name": name, "labels": kinds[name]} for name in names]
    for one in manifests:
        for route in one["spec"].get("http") or () if one["kind"] == "VirtualService" else ():
            entries = route.get("route") or []
            if len(entries) == 1 and "subset" not in entries[0]["destination"] and dice.random() < 0.5:
                entries[0]["destination"]["subset"] = dice.choice(list(kinds))


def _limit(rule: Manifest, dice: random.Random) -> None:
    """Have a rule hold for some namespaces, or for some pods of its own, only."""
    if dice.random() < 0.4:
        rule["spec"]["workloadSelector"] = {"matchLabels": {"app": dice.choice(["web", "cart"])}}
    else:
        rule["spec"].setdefault("exportTo", dice.choice([["."], ["other"], ["shop", "other"], ["*"]]))


def _speak(route: Manifest, dice: random.Random) -> None:
    """Have a route, or a destination of one, or one that hands over, change a header: that of environments, too."""
    if dice.random() >= 0.12 or "redirect" in route or "directResponse" in route or "headers" in route:
        return
    name = dice.choice([_HEADER, "x-by", "x-by"])
    changes: dict[str, Any] = dice.choice(
        [
            {"set": {name: "dev.a"}},
            {"add": {name: "dev.b"}},
            {"remove": [name]},
            {"remove": [name], "add": {name: "dev.a"}},
        ]
    )
    entries = route.get("route") or []
    names = [entry["destination"]["host"].partition(".")[0] for entry in entries]
    # Of two that lead to one Service nobody could tell which of them a pod heard.
    where = dice.choice([route, *(one for one, name in zip(entries, names, strict=True) if names.count(name) == 1)])
    where.setdefault("headers", {"request": changes})


def _twin(gateway: Manifest, dice: random.Random) -> Manifest:
    """Make a second Gateway of the same pods, on the same port."""
    spec = {**gateway["spec"], "servers": [{**gateway["spec"]["servers"][0]}]}
    return istio("Gateway", f"{gateway['metadata']['name']}-{dice.choice(['a', 'z'])}", "ingress", **spec)


def _name(gateway: Manifest) -> str:
    return f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}"


def _elsewhere(dice: random.Random) -> Manifest:
    """Make another namespace's VirtualService for a Service, which leaves some of its requests open."""
    name = dice.choice(["cart", "api"])
    match = dice.choice([{"port": 81}, {"sourceLabels": {"app": "web"}}, {"sourceNamespace": "other"}])
    route = {"match": [match], "route": [{"destination": {"host": _FULL.format(name)}}], "timeout": "9s"}
    return istio("VirtualService", "from-other", "other", hosts=[_FULL.format(name)], http=list(_either(route, dice)))


def _either(route: Manifest, dice: random.Random) -> Iterator[Manifest]:
    if dice.random() < 0.5:
        yield {**route, "match": [{**route["match"][0], "uri": {"prefix": "/a"}}], "timeout": "8s"}
    yield route
