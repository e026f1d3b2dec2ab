"""What a controller writes into a cluster while it rolls out: the list as it then is.

Read from the sources: argoproj/argo-rollouts 9f8d111d (rollout/trafficrouting/istio/istio.go: UpdateHash,
processRoutes, ValidateHTTPRoutes; rollout/service.go: ensureSVCTargets) and fluxcd/flagger 15bd6ad5 (pkg/router:
istio.go, kubernetes_default.go). Not theirs: the pods of the old and the new version, and their names.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .model import Manifest

HASH = "rollouts-pod-template-hash"
STABLE, CANARY = "aaa", "bbb"


class Stuck(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """The controller refuses to go on; the message is its own."""


def argo(manifests: Iterable[Manifest], rollout: str, weight: int) -> list[Manifest]:
    """Return the list while a Rollout has this weight on its canary: pods NAME-aaa are stable, NAME-bbb new."""
    after = copy.deepcopy(list(manifests))
    given = _one(after, "Rollout", rollout)
    namespace = given["metadata"].get("namespace")
    canary = given["spec"]["strategy"]["canary"]
    istio = canary["trafficRouting"]["istio"]
    hashes = {canary.get("stableService"): STABLE, canary.get("canaryService"): CANARY}
    for service in _of(after, "Service", namespace):
        if service["metadata"]["name"] in hashes:
            service["spec"]["selector"][HASH] = hashes[service["metadata"]["name"]]
    subsets: dict[str, str] = {}
    if named := istio.get("destinationRule"):
        subsets = {named["stableSubsetName"]: STABLE, named["canarySubsetName"]: CANARY}
        _set_hashes(_one(after, "DestinationRule", named["name"], namespace), subsets)
    for virtual_service in _virtual_services(istio):
        name, _, place = virtual_service["name"].partition(".")  # GetVirtualServiceNamespaceName
        http = _one(after, "VirtualService", name, place or namespace)["spec"].get("http") or []
        for route in _patched(http, virtual_service.get("routes") or []):
            route["route"] = _weighted(route["route"], hashes, subsets, weight)
    after.remove(given)
    return [*after, *_pods(given)]


def flagger(manifests: Iterable[Manifest], name: str, weight: int) -> list[Manifest]:
    """Return the list while a Canary has this weight on the new version."""
    after = copy.deepcopy(list(manifests))
    spec = _one(after, "Canary", name)["spec"]
    namespace = _one(after, "Canary", name)["metadata"].get("namespace")
    target = _one(after, spec["targetRef"]["kind"], spec["targetRef"]["name"], namespace)
    labels = target["spec"]["template"]["metadata"]["labels"]
    apex = spec["service"].get("name") or spec["targetRef"]["name"]
    key = next(key for key in ("app", "name", "app.kubernetes.io/name") if key in labels)  # its own default list
    primary = copy.deepcopy(target)
    primary["metadata"]["name"] += "-primary"
    primary["spec"]["template"]["metadata"]["labels"][key] += "-primary"
    made = [_service(apex, namespace, key, f"{labels[key]}-primary", spec)]
    made += [_service(f"{apex}-primary", namespace, key, f"{labels[key]}-primary", spec)]
    made += [_service(f"{apex}-canary", namespace, key, labels[key], spec)]
    for one in ("primary", "canary"):
        made.append(_istio("DestinationRule", f"{apex}-{one}", namespace, {"host": f"{apex}-{one}"}))
    given = spec["service"]
    route = [_to(f"{apex}-primary", 100 - weight), _to(f"{apex}-canary", weight)]
    http = {key: given[key] for key in ("match", "timeout", "retries", "headers") if key in given} | {"route": route}
    hosts = [*given.get("hosts", ()), *([] if {apex, "*"} & {*given.get("hosts", ())} else [apex])]
    gateways = given.get("gateways") or ["mesh"]
    made.append(_istio("VirtualService", apex, namespace, {"hosts": hosts, "gateways": gateways, "http": [http]}))
    ours = {(one["kind"], one["metadata"]["name"]) for one in made}
    rest = [
        one
        for one in after
        if (one["kind"], one["metadata"]["name"]) not in ours or one["metadata"].get("namespace") != namespace
    ]
    return [*rest, *made, primary]


def _set_hashes(rule: Manifest, subsets: dict[str, str]) -> None:
    """Set the hashes; subsets that the Rollout does not name are dropped (UpdateHash)."""
    kept = [one for one in rule["spec"].get("subsets") or [] if one["name"] in subsets]
    for one in kept:
        one["labels"] = {**(one.get("labels") or {}), HASH: subsets[one["name"]]}
    rule["spec"]["subsets"] = kept


def _virtual_services(istio: Manifest) -> list[Manifest]:
    return [*([istio["virtualService"]] if "virtualService" in istio else []), *istio.get("virtualServices", ())]


def _patched(http: list[Manifest], names: list[str]) -> list[Manifest]:
    """Return the routes whose weights are set. Stuck: as ValidateHTTPRoutes says."""
    if not names:
        if len(http) != 1:
            raise Stuck("spec.http[] … must have exactly one route when omitting … virtualService.routes")
        return http
    by_name = {route.get("name"): route for route in reversed(http)}
    if missing := [name for name in names if name not in by_name]:
        raise Stuck(f"HTTP Route '{missing[0]}' is not found in the defined Virtual Service.")
    return [by_name[name] for name in names]


def _weighted(route: list[Manifest], hashes: dict[Any, str], subsets: dict[str, str], weight: int) -> list[Manifest]:
    """Set the weights; a destination that is neither stable nor canary is deleted, unless its weight is 0."""
    weights, kept = {STABLE: 100 - weight, CANARY: weight}, []
    for one in route:
        destination = one["destination"]
        found = hashes.get(destination["host"].partition(".")[0]) or subsets.get(destination.get("subset"))
        if found:
            kept.append({**one, "weight": weights[found]})
        elif not one.get("weight"):
            kept.append(one)
    return kept


def _pods(rollout: Manifest) -> list[Manifest]:
    """Return a ReplicaSet of the old version and one of the new."""
    template, metadata = rollout["spec"]["template"], rollout["metadata"]
    made = []
    canary = rollout["spec"]["strategy"]["canary"]
    for one, given in ((STABLE, "stableMetadata"), (CANARY, "canaryMetadata")):
        labels = {**template["metadata"]["labels"], **(canary.get(given) or {}).get("labels", {}), HASH: one}
        spec = {"template": {**template, "metadata": {**template["metadata"], "labels": labels}}}
        named = {**metadata, "name": f"{metadata['name']}-{one}"}
        made.append({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": named, "spec": spec})
    return made


def _service(name: str, namespace: str | None, key: str, value: str, spec: Manifest) -> Manifest:
    given = spec["service"]
    port = {"name": given.get("portName", "http"), "port": given["port"], "targetPort": given.get("targetPort", 80)}
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    ports = [port if "targetPort" in given else {**port, "targetPort": given["port"]}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": {key: value}, "ports": ports},
    }


def _istio(kind: str, name: str, namespace: str | None, spec: Manifest) -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


def _to(host: str, weight: int) -> Manifest:
    return {"destination": {"host": host}, "weight": weight}


def _of(manifests: list[Manifest], kind: str, namespace: str | None) -> list[Manifest]:
    return [one for one in manifests if one["kind"] == kind and one["metadata"].get("namespace") == namespace]


def _one(manifests: list[Manifest], kind: str, name: str, namespace: str | None = None) -> Manifest:
    for one in manifests:
        place = one["metadata"].get("namespace")
        if (one["kind"], one["metadata"]["name"]) == (kind, name) and namespace in (None, place):
            return one
    raise Stuck(f"{kind} {name} is not found")
