"""The same packages with the other output: rendered with Gateway API routes, and what of a table those cannot do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from krm_fn import function
from krm_fn.command import files
from krm_fn.text import document

from . import table
from .gateways import is_istio
from .package import Package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .mesh import Mesh
    from .model import Manifest
    from .table import Cell


@dataclass(frozen=True, slots=True)
class Rendered:
    """A package after the function: None where it refuses, and what it said."""

    package: Package | None
    codes: frozenset[str]
    services: frozenset[tuple[str, str]]  # code and name of the Service that a finding is about


def rendered(folder: Path, **options: str) -> Rendered:
    """Return a package with the routes of `output: gatewayAPI`; Gateways of Istio's become those of the API."""
    overrides = {"output": "gatewayAPI", **options}
    loaded = files.load([str(folder)])
    given = [_gateway(one.value) for one in loaded.objects if one.position is not None]
    return from_manifests(given, loaded.function_config, overrides)


def from_manifests(given: list[Manifest], config: Any, overrides: dict[str, str]) -> Rendered:
    """Return manifests with the routes of a configuration."""
    raw = yaml.safe_dump_all(given, sort_keys=False).encode()
    outcome = function.run(raw, config, overrides)
    codes = frozenset(result.code.slug for result in outcome.results)
    services = frozenset((one.code.slug, one.ref.name) for one in outcome.results if one.ref)
    if outcome.failed:
        return Rendered(None, codes, services)
    configs = function.compute(list(function.objects_of(document.parse(raw).items)), config, overrides).configs
    sources = {"": configs.default, **configs.by_namespace}
    manifests = [item.value for item in document.parse(outcome.output).items]
    labels = {name: one.config.env_label.name for name, one in sources.items()}
    headers = {name: one.config.env_header.name for name, one in sources.items()}
    return Rendered(Package(outcome.output, manifests, labels, headers), codes, services)


def spreads_without_routes(mesh_of: Callable[..., Mesh], folder: Path) -> bool:
    """Tell whether a mesh of an example reaches every environment once the routes are gone: its tables can fail."""
    found = rendered(folder)
    assert found.package
    bare = [one for one in found.package.manifests if one["kind"] != "HTTPRoute"]
    rows = table.rows([{"service": "app-java", "header": "dev.proj1", "answer": "spread"}])
    with mesh_of(bare, label=found.package.label) as mesh:
        return all(cell.right for cell in table.ask(mesh, rows, found.package.header))


def excuse(cell: Cell, found: Rendered) -> str:
    """Return the finding that says why a request is answered otherwise than by Istio's own routes; empty for none."""
    service = cell.hop[0].partition(".")[0]
    if cell.row.protocol in ("tcp", "tls"):
        return "connections-open" if ("connections-open", service) in found.services else ""
    if cell.expected == "spread" and ("headless", service) in found.services:
        return "headless"
    if cell.row.caller and cell.row.header is None and "option-unsupported" in found.codes:
        return "option-unsupported"
    return ""


def _gateway(item: Manifest) -> Manifest:
    """Return a Gateway of Istio's as one of the Gateway API; everything else as it is."""
    if item.get("kind") != "Gateway" or not is_istio(item):
        return item
    listeners = [
        {
            "name": f"http-{number}-{place}",
            "port": server["port"]["number"],
            "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "All"}},
            **({} if host.rpartition("/")[2] == "*" else {"hostname": host.rpartition("/")[2]}),
        }
        for number, server in enumerate(item["spec"]["servers"])
        for place, host in enumerate(server["hosts"])
    ]
    spec = {"gatewayClassName": "istio", "listeners": listeners}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": item["metadata"], "spec": spec}
