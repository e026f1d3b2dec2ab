"""Where the copy that `fork` makes of a built workload goes: what a kustomization would do to it, and who reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from krm_fn.command import layers
from krm_fn.command.reading import place
from krm_fn.command.tree import is_read
from krm_fn.results import Code, Ref, Result

# What a kustomization does to each of its resources, and does again to what has been through it.
_AGAIN = (
    *("namePrefix", "nameSuffix", "images", "replicas", "replacements"),
    *("patches", "patchesStrategicMerge", "patchesJson6902"),
)


def findings(paths: Sequence[str]) -> Iterator[Result]:
    """Yield a finding for each kustomization that would change the copy a second time."""
    for path in paths:
        if layers.kustomization_of(place(path)):
            top = layers.read(place(path))
            again = [field for field in _AGAIN if top.value.get(field)]
            if again:
                message = (
                    f"built what is copied, and as one of its resources the copy goes through its {', '.join(again)} "
                    "once more: name the copy in a kustomization around this one (resources: this folder, and the copy)"
                )
                yield Result(Code.FORK_SHARES, message, Ref(file=top.shown), again[0])


def unread(output: str, paths: Sequence[str]) -> str:
    """Return the line that says how a new file becomes part of what the paths are; empty where it is."""
    file = Path(output).resolve()
    for path in paths:
        folder = Path(path).resolve()
        if kustomization := layers.kustomization_of(place(path)):
            if next(findings([path]), None):
                return ""
            words = os.path.relpath(file, folder)
            return f"{output} is no part of {kustomization.shown} yet: kustomize edit add resource {words}\n"
        if is_read(file, folder):
            return ""
    return (
        f"{output} is no part of {', '.join(one for one in paths if one != '-') or 'what was read'}: give it as well\n"
    )
