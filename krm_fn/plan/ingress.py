"""The Services to which an Ingress lets requests in: https://kubernetes.io/docs/concepts/services-networking/ingress/."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.objects import Object
from krm_fn.plan.services import Key
from krm_fn.values import mapping, mappings


def backends(ingress: Object) -> Iterator[tuple[str, Key]]:
    """Yield the path of each backend of an Ingress that is a Service, and the Service's namespace and name."""
    spec = mapping(ingress.value, "spec")
    found = [("spec.defaultBackend", mapping(spec, "defaultBackend"))]
    for number, rule in enumerate(mappings(spec.get("rules"))):
        for place, path in enumerate(mappings(mapping(rule, "http").get("paths"))):
            found.append((f"spec.rules[{number}].http.paths[{place}].backend", mapping(path, "backend")))
    for field, backend in found:
        name = mapping(backend, "service").get("name")
        if isinstance(name, str):
            yield field, (ingress.ref.namespace, name)
