"""What makes a random list of a user's one of joined namespaces, by dice of its own: environments in `team`, too."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

from .worlds import LABEL, istio

if TYPE_CHECKING:
    from collections.abc import Collection

    from .model import Manifest

BASE, MEMBER = "shop", "team"
_APPS = ("cart", "api")
_FULL = "{}.{}.svc.cluster.local"
_SHARE = 0.2  # of all lists


def change(manifests: list[Manifest], spec: dict[str, Any], seed: int) -> None:
    """Change a list and its configuration in place."""
    dice = random.Random(f"joined {seed}")  # noqa: S311 - the same for everybody
    if dice.random() >= _SHARE:
        return
    spec["namespaces"] = {"base": BASE, "members": [MEMBER]}
    moving = [app for app in _APPS if dice.random() < 0.8]
    homes = {(app, one): dice.choice([BASE, MEMBER]) for app in moving for one in ("dev.a", "dev.a.b", "dev.b")}
    for one in manifests:
        labels = one["spec"].get("template", {}).get("metadata", {}).get("labels", {})
        home = homes.get((labels.get("app"), labels.get(LABEL)))
        if home and one["metadata"]["namespace"] == BASE:
            one["metadata"]["namespace"] = home
    here = {one["spec"]["selector"]["app"]: one for one in manifests if one["kind"] == "Service"}
    for app in moving:
        used = any(
            one["metadata"].get("namespace") == MEMBER and one["kind"] == "Deployment" and _app(one) == app
            for one in manifests
        )
        if used or dice.random() < 0.3:
            manifests.append({**copy.deepcopy(here[app]), "metadata": {"name": app, "namespace": MEMBER}})
            if dice.random() < 0.4:
                manifests.append(_routes(app, dice))
            if dice.random() < 0.4:
                manifests.append(_rule(app, dice))


def _app(one: Manifest) -> str:
    return str(one["spec"]["template"]["metadata"]["labels"]["app"])


def _routes(app: str, dice: random.Random) -> Manifest:
    """Make a VirtualService of the member's own for its Service."""
    host = dice.choice([app, _FULL.format(app, MEMBER), _FULL.format(app, BASE)])
    http: list[Manifest] = [{"timeout": "6s", "route": [{"destination": {"host": host}}]}]
    if dice.random() < 0.5:
        other = dice.choice(["cart", "api"])
        destination = {"host": _FULL.format(other, BASE), "port": {"number": 80}}
        http.insert(0, {"match": [{"uri": {"prefix": "/a"}}], "route": [{"destination": destination}]})
    return istio("VirtualService", f"team-{app}", MEMBER, hosts=[app], http=http)


def _rule(app: str, dice: random.Random) -> Manifest:
    place = dice.choice([MEMBER, BASE])
    policy = {"trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 999}}}}
    subsets = {"subsets": [{"name": "v1", "labels": {"version": "v1"}}]} if dice.random() < 0.5 else {}
    return istio("DestinationRule", f"team-{app}", place, host=_FULL.format(app, MEMBER), **policy, **subsets)


def gathered(manifests: list[Manifest], places: Collection[str]) -> list[Manifest]:
    """Return a list in which each joined namespace that has a Service has all pods of its name: as one Service."""
    pods = [one for one in manifests if one["kind"] == "Deployment" and one["metadata"].get("namespace") in places]
    there = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in pods}
    services = [one for one in manifests if one["kind"] == "Service" and one["metadata"].get("namespace") in places]
    further = [
        {**copy.deepcopy(pod), "metadata": {"name": pod["metadata"]["name"], "namespace": place}}
        for pod in pods
        for place in sorted(
            {one["metadata"]["namespace"] for one in services if one["spec"]["selector"]["app"] == _app(pod)}
        )
        if (place, pod["metadata"]["name"]) not in there
    ]
    return [*manifests, *further]
