"""What the command line says for every subcommand alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Flags(NamedTuple):
    """How kustomizations are built: kustomize's own flags, and whether containers that the tree names may run."""

    words: tuple[str, ...] = ()
    allow_containers: bool = False


class Settings(NamedTuple):
    """What holds for every subcommand.

    Attributes:
        config: the object of the `--config` file.
        overrides: the `--set` pairs.
        flags: how kustomizations are built.
    """

    config: Mapping[str, Any] | None
    overrides: Mapping[str, str]
    flags: Flags = Flags()
