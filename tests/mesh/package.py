"""A package as a cluster gets it: its manifests after the function, and the names that its requests use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from krm_fn import function
from krm_fn.command import files

from . import outputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .model import Manifest


@dataclass(frozen=True, slots=True)
class Package:
    """What `kustomize build` or `kpt fn render` would print; `label` and `header` by namespace, `""` the rest's."""

    text: bytes
    manifests: list[Manifest]
    label: Mapping[str, str]
    header: Mapping[str, str]


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
    return Package(
        output,
        outputs.read(output),
        {name: one.config.env_label.name for name, one in sources_.items()},
        {name: one.config.env_header.name for name, one in sources_.items()},
    )


def run(manifests: list[Manifest], config: Mapping[str, Any] | None = None) -> bytes:
    """Run the function on a stream of manifests. FunctionError: its findings, where one of them is an error."""
    outcome = function.run(yaml.safe_dump_all(manifests, sort_keys=False).encode(), config)
    if outcome.failed:
        raise function.FunctionError(*outcome.results)
    outputs.keep(outcome.output)
    return outcome.output
