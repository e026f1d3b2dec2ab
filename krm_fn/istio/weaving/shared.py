"""What the copies of routes share, all over the run: each is made once for all that are made of the same parts.

Equal parts of what was read are one value (`yaml_whole`), so that parts are known by their identity.
"""

from __future__ import annotations

from collections.abc import Sequence

from krm_fn.istio import matches
from krm_fn.signatures import Digests
from krm_fn.values import Manifest, Value


class Shared:
    """Keeps what it was asked for as long as it lives: nothing of it may change."""

    def __init__(self) -> None:
        self.digests = Digests()
        self._combined: dict[tuple[int, int], list[Manifest]] = {}
        self._kept: list[object] = []  # an identity is that of one value while it is kept

    def combined(self, found: object, carriers: Sequence[Value]) -> list[Manifest]:
        """Return a route's matches, each with each carrier, as `matches.combined` does."""
        key = (id(found), id(carriers))
        if key not in self._combined:
            self._kept += [found, carriers]
            self._combined[key] = matches.combined(found, carriers)
        return self._combined[key]
