"""The order in which a cluster should take the manifests: a Service before the routes that lead to it, and last out.

Requests of a route to a Service that does not exist get a 500. Where the routes of a Service come to stand one per
environment, they come before the one of all environments shrinks; where they no longer do, they go last.

- Argo CD: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/ and …/sync-options/ (PruneLast)
- kpt live apply: https://kpt.dev/reference/annotations/depends-on/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from krm_fn.config.reader import Configs
from krm_fn.gateway_api.backends import backend_refs
from krm_fn.objects import DEPENDS_ON, LAST_WAVE, PRUNE_LAST, ROUTES_WAVE, RULES_WAVE, SYNC_OPTIONS, SYNC_WAVE
from krm_fn.plan.services import Key
from krm_fn.values import Value, mapping, mappings


def ordered(manifests: Sequence[Value], configs: Configs) -> list[Value]:
    """Return the manifests with the annotations that their namespace's `applyOrder` asks for."""
    made = {_key(one) for one in manifests if one["kind"] == "Service"}
    return [_annotated(one, configs.of(_key(one)[0]).config.apply_order, made) for one in manifests]


def _key(manifest: Value) -> Key:
    return (manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"])


def _annotated(manifest: Value, order: str, made: Collection[Key]) -> Value:
    annotations: Mapping[str, str] = {}
    is_route = manifest["kind"] in ("HTTPRoute", "GRPCRoute")
    if order == "argocd":
        if not is_route:
            annotations = {SYNC_WAVE: RULES_WAVE, SYNC_OPTIONS: PRUNE_LAST}
        else:
            annotations = {SYNC_WAVE: LAST_WAVE if _is_for_all(manifest) else ROUTES_WAVE, SYNC_OPTIONS: PRUNE_LAST}
    elif order == "kpt" and is_route:
        namespace = manifest["metadata"].get("namespace", "")
        backends = {(one.get("namespace", namespace), one["name"]) for one in backend_refs(manifest)}
        needed = [f"/namespaces/{place}/Service/{name}" for place, name in sorted(backends & set(made)) if place]
        annotations = {DEPENDS_ON: ",".join(needed)} if needed and namespace else {}
    if not annotations:
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": dict(annotations)}}


def _is_for_all(route: Value) -> bool:
    """Tell whether a route has a rule for requests that carry no environment."""
    return any("matches" not in rule for rule in mappings(mapping(route, "spec").get("rules")))
