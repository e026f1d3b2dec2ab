"""What the command line says for every subcommand alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration that the command line gives: a `--config` file's object, and `--set` pairs."""

    config: Mapping[str, Any] | None
    overrides: Mapping[str, str]
