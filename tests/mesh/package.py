"""A package as a cluster gets it: its manifests after the function, and the names that its requests use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from krm_fn import function
from krm_fn.command import files

from . import outputs, workloads
from .before_after import Facts
from .model import NAMESPACE, metadata_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .model import Manifest


_MADE = "virtual-env-fn.dev/owner"  # what the function marks its objects with


@dataclass(frozen=True, slots=True)
class Package:
    """What `kustomize build` or `kpt fn render` would print; what is by namespace has the rest's as `""`.

    `given` is what the user has: without what an earlier run made.
    """

    text: bytes
    manifests: list[Manifest]
    label: Mapping[str, str]
    header: Mapping[str, str]
    given: list[Manifest] = field(default_factory=list)
    facts: Facts | None = None


def is_package(folder: Path) -> bool:
    """Tell whether it is a kpt package or a kustomization."""
    return any((folder / name).is_file() for name in ("Kptfile", "kustomization.yaml"))


def rendered(folder: Path) -> Package:
    """Return a package with the routes that the function generates.

    Raises:
        FunctionError: if the function refuses it, or it cannot be read.
    """
    loaded = files.load([str(folder)])
    configs = function.compute(loaded.objects, loaded.function_config).configs
    given = [one.value for one in loaded.objects if one.position is not None]  # a List's members stand in it
    output = run(given, loaded.function_config)
    sources_ = {"": configs.default, **configs.by_namespace}
    label = {name: one.config.env_label.name for name, one in sources_.items()}
    header = {name: one.config.env_header.name for name, one in sources_.items()}
    own = [one for one in given if _MADE not in (one["metadata"].get("annotations") or {})]
    aliases = [alias for one in sources_.values() for alias in one.config.env_header.aliases]
    carriers = (*header.values(), *(str(getattr(alias, "name", "") or "cookie") for alias in aliases), "baggage")
    base = {name: one.config.env_label.default_subset for name, one in sources_.items()}
    any_pod = any(one.config.unmatched == "anyPod" for one in sources_.values())
    joined = any(one.config.namespaces for one in sources_.values())
    facts = Facts(label, _bases(own, label, base), carriers, joined=joined, any_pod=any_pod)
    return Package(output, outputs.read(output), label, header, own, facts)


def _bases(given: list[Manifest], label: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """Return the base of each namespace: as configured, or the only value without a splitter."""
    found = dict(base)
    for one in given:
        place = one["metadata"].get("namespace") or NAMESPACE
        template = workloads.template_of({**one, "metadata": {"name": "", **one["metadata"]}})
        value = str((metadata_of(template or {}).get("labels") or {}).get(label.get(place, label[""]), ""))
        if value and "." not in value and not base.get(place, base[""]):
            found[place] = value
    return found


def run(manifests: list[Manifest], config: Mapping[str, Any] | None = None) -> bytes:
    """Run the function on a stream of manifests. FunctionError: its findings, where one of them is an error."""
    outcome = function.run(yaml.safe_dump_all(manifests, sort_keys=False).encode(), config)
    if outcome.failed:
        raise function.FunctionError(*outcome.results)
    outputs.keep(outcome.output)
    return outcome.output
