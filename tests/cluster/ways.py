"""Ways to deliver a package to a cluster: the recipes of docs/apply-order.md, run as they stand there."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from . import life, parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .servers import Cluster

Manifest = dict[str, Any]
_RECIPES = (parts.ROOT / "docs" / "apply-order.md").read_text()
_CHART = "apiVersion: v2\nname: demo\nversion: 0.1.0\n"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to deliver.

    Attributes:
        recipe: the heading of docs/apply-order.md under which its commands stand.
        order: the `applyOrder` for it.
        needs: the programs, each with the script of .ci/parts that installs it.
        by_hand: whether somebody deletes workloads that the package no longer has, because the way never does.
        waits: whether it waits for pods, so that somebody must stand in for them.
    """

    recipe: str
    order: str
    needs: Mapping[str, str]
    by_hand: bool = False
    waits: bool = False


_KUBECTL = {"kubectl": "kubectl", "kustomize": "kustomize"}
WAYS = {
    "kubectl apply": Way("kubectl, without pruning", "list", _KUBECTL, by_hand=True),
    "kubectl --prune -l": Way("kubectl, pruning by label", "list", _KUBECTL),
    "kubectl ApplySet": Way("kubectl, an ApplySet", "list", _KUBECTL),
    "kpt live": Way("kpt live", "kpt", {"kpt": "kpt"}, waits=True),
    "Helm 3": Way("Helm 3", "list", {"helm": "helm"}),
    "Helm 4": Way("Helm 4", "list", {"helm4": "helm4"}),
}


def recipe(heading: str) -> tuple[str, str]:
    """Return the commands under a heading: those for once, empty where there are none, and those for each time."""
    section = re.search(rf"^### {re.escape(heading)}$\n(.*?)(?=^##|\Z)", _RECIPES, re.MULTILINE | re.DOTALL)
    assert section, f"docs/apply-order.md has no heading {heading!r}"
    blocks = re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert 1 <= len(blocks) <= 2, heading
    return ("", *blocks) if len(blocks) == 1 else tuple(blocks)


class Delivery:
    """A package, and the commands that bring it to a namespace of the cluster, again after each change."""

    def __init__(self, way: Way, cluster: Cluster, namespace: str, folder: Path, configuration: Manifest) -> None:
        for name, part in way.needs.items():
            parts.program(name, part)
        self.way, self.cluster, self.namespace, self.folder = way, cluster, namespace, folder
        self.once, self.each = recipe(way.recipe)
        self.given: list[Manifest] = []
        (folder / "virtual-env.yaml").write_text(life.text([configuration]))
        self.manifests = folder / "manifests.yaml"
        if "helm" in self.each:
            (folder / "chart" / "templates").mkdir(parents=True)
            (folder / "chart" / "Chart.yaml").write_text(_CHART)
            self.manifests = folder / "chart" / "templates" / "all.yaml"
        elif "kpt" in self.each:
            (folder / "Kptfile").write_text(yaml.safe_dump(_kptfile()))
        else:
            kustomization = {"resources": ["manifests.yaml"], "labels": [{"pairs": {"team": "demo"}}]}
            (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    def deliver(self, manifests: list[Manifest]) -> None:
        """Write the package as it is now and run the commands."""
        self.manifests.write_text(life.text(manifests))
        if not self.given:
            self._run(self.once)
        self._run(self.each)
        gone = [one for one in self.given if one not in manifests and one["kind"] == "Deployment"]
        for one in gone if self.way.by_hand else ():
            self.cluster.api.delete(one)
        self.given = manifests

    def _run(self, commands: str) -> None:
        self.cluster.run("sh", "-euc", commands, cwd=self.folder, NS=self.namespace, **self.environment())

    def environment(self) -> dict[str, str]:
        """Return what the commands find in their environment: Helm 4 under its usual name, and its plugins."""
        if self.way.recipe != "Helm 4":
            return {}
        programs = self.folder.parent / "programs"
        programs.mkdir(exist_ok=True)
        if not (programs / "helm").exists():
            (programs / "helm").symlink_to(parts.program("helm4"))
        search = f"{programs}:{self.cluster.env['PATH']}"
        return {"PATH": search, "HELM_DATA_HOME": str(self.folder.parent / "helm"), "REPOSITORY": str(parts.ROOT)}


def without(manifests: list[Manifest], found: list[Manifest]) -> list[str]:
    """Return the generated objects of a cluster that are not among the manifests."""
    wanted = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    kinds = ("VirtualService", "DestinationRule")
    left = [(one["kind"], one["metadata"]["name"]) for one in found if one["kind"] in kinds]
    return sorted(f"{kind} {name}" for kind, name in left if (kind, name) not in wanted)


def copy_plugin(target: Path) -> None:
    """Put Helm 4's plugin of this repository where Helm looks for plugins."""
    shutil.copytree(parts.ROOT / "hosts" / "helm4", target)


def _kptfile() -> Manifest:
    return {
        "apiVersion": "kpt.dev/v1",
        "kind": "Kptfile",
        "metadata": {"name": "demo", "annotations": {"config.kubernetes.io/local-config": "true"}},
        "pipeline": {"mutators": [{"exec": "virtual-env-fn", "configPath": "virtual-env.yaml"}]},
    }
