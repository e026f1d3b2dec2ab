"""What the function put out, read as a cluster's tools read it: a key given twice is no YAML to them.

Every output that goes into a mesh comes through here. Each is kept, and in the end `istioctl validate` is asked about
all of them at once (test_valid.py).
"""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Manifest

_kept: dict[bytes, None] = {}


class Refused(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """An output is none that a cluster would take."""


def read(output: bytes, *, kept: bool = True) -> list[Manifest]:
    """Return the objects of a stream of documents. Refused: a key stands twice in one mapping."""
    try:
        manifests = [one for one in yaml.load_all(output, Loader=_Strict) if one]
    except yaml.YAMLError as error:
        raise Refused(str(error)) from error
    if kept:
        keep(output)
    return manifests


def keep(output: bytes) -> None:
    """Keep an output for the validation of all."""
    _kept[output] = None


def all_kept() -> list[bytes]:
    """Return every output that was kept so far, each once."""
    return list(_kept)


def refused(found: list[bytes]) -> list[str]:
    """Return what `istioctl validate` says against the Istio objects of each of these outputs that it refuses."""
    objects = {output: [one for one in _documents(output) if b"networking.istio.io/" in one] for output in found}
    objects = {output: texts for output, texts in objects.items() if texts}
    return list(_refused(list(objects.values())))


def _refused(groups: list[list[bytes]]) -> Iterator[str]:
    """Ask about all; where that is refused, about each half."""
    if not groups:
        return
    text = b"\n---\n".join(document for group in groups for document in group)
    said = _istioctl(text)
    if said and len(groups) == 1:
        yield f"{said}\n{text.decode()}"
    elif said:
        middle = len(groups) // 2
        yield from _refused(groups[:middle])
        yield from _refused(groups[middle:])


@cache
def _istioctl(text: bytes) -> str:
    done = subprocess.run(["istioctl", "validate", "-f", "-"], input=text, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode() if done.returncode else ""


def _documents(output: bytes) -> list[bytes]:
    """Split a stream at its `---` lines, as kubectl does."""
    return (b"\n" + output).replace(b"\n--- ", b"\n---\n").split(b"\n---\n")


class _Strict(yaml.CSafeLoader):
    """Refuses a key that a mapping has twice, as the readers of kubectl, kustomize and istioctl do."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"given twice: {sorted(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)
