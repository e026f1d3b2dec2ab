"""The order in which a cluster should take the manifests: subsets before the routes that name them, and after them out.

Istio answers 503 on a route to a subset that does not exist. Each subset gets a DestinationRule of its own (Istio joins
those of one host), so that one can come first and another go last.

- Argo CD: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/ and …/sync-options/ (PruneLast)
- kpt live apply: https://kpt.dev/reference/annotations/depends-on/
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from krm_fn.config.reader import Configs
from krm_fn.istio.destinations import destinations
from krm_fn.istio.hosts import service_of
from krm_fn.objects import DEPENDS_ON, PRUNE_LAST, ROUTES_WAVE, RULES_WAVE, SYNC_OPTIONS, SYNC_WAVE
from krm_fn.signatures import digest
from krm_fn.values import Value, mappings


def ordered(manifests: Sequence[Value], configs: Configs) -> list[Value]:
    """Return the manifests with the annotations that their namespace's `applyOrder` asks for."""
    if {one.config.apply_order for one in (configs.default, *configs.by_namespace.values())} == {"none"}:
        return list(manifests)
    split = [one for manifest in manifests for one in _split(manifest, _order(manifest, configs))]
    rules: dict[tuple[str, str], list[str]] = defaultdict(list)  # Service → the DestinationRules for it
    for one in split:
        if one["kind"] == "DestinationRule":
            namespace = one["metadata"].get("namespace", "")
            service = service_of(one["spec"]["host"], namespace, configs.cluster_domain)
            if service:
                rules[service].append(_reference(one))
    return [_annotated(one, configs, rules) for one in split]


def _order(manifest: Value, configs: Configs) -> str:
    return configs.of(manifest["metadata"].get("namespace", "")).config.apply_order


def _split(manifest: Value, order: str) -> Iterator[Value]:
    if order == "none" or manifest["kind"] != "DestinationRule":
        yield manifest
        return
    times = Counter(subset["name"].lower() for subset in manifest["spec"]["subsets"])
    for subset in manifest["spec"]["subsets"]:
        # No Service has a dot in its name, so no other rule can have this one. Names of objects are in lower case.
        name = f"{manifest['metadata']['name']}.{subset['name'].lower()}"
        name += f"-{digest(name, subset)}" if times[subset["name"].lower()] > 1 else ""
        metadata = {**manifest["metadata"], "name": name}
        yield {**manifest, "metadata": metadata, "spec": {**manifest["spec"], "subsets": [subset]}}


def _annotated(manifest: Value, configs: Configs, rules: Mapping[tuple[str, str], Sequence[str]]) -> Value:
    annotations: dict[str, str] = {}
    order = _order(manifest, configs)
    if order == "argocd":
        if manifest["kind"] == "DestinationRule":
            annotations = {SYNC_WAVE: RULES_WAVE, SYNC_OPTIONS: PRUNE_LAST}
        elif manifest["kind"] == "VirtualService":
            annotations = {SYNC_WAVE: ROUTES_WAVE}
    elif order == "kpt" and manifest["kind"] == "VirtualService":
        namespace = manifest["metadata"].get("namespace", "")
        services = {service_of(host, namespace, configs.cluster_domain) for host in _hosts(manifest)}
        needed = {one for service in services if service for one in rules.get(service, ())}
        annotations = {DEPENDS_ON: ",".join(sorted(needed))} if needed and namespace else {}
    if not annotations:
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


def _hosts(virtual_service: Value) -> Iterable[str]:
    spec = virtual_service["spec"]
    for protocol in ("http", "tcp"):
        for route in mappings(spec.get(protocol)):
            for _, destination in destinations(route):
                yield destination["host"]


def _reference(rule: Value) -> str:
    namespace, name = rule["metadata"].get("namespace", ""), rule["metadata"]["name"]
    return f"networking.istio.io/namespaces/{namespace}/DestinationRule/{name}"
