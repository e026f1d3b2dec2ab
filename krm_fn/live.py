"""Objects as a cluster gives them: what it filled in, which must not be applied again.

An object with the version that it had is refused as soon as it has another (`Conflict`); with `managedFields` always.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.objects import Object, annotations_of
from krm_fn.text.edits import Edit, Path, outcome
from krm_fn.values import Value, mapping

_METADATA = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")


def cleaned(one: Object, edit: Edit) -> Edit:
    """Return an edit of an object, and with it all goes that a cluster filled in, where the object is from one."""
    gone = set(edit.removals)
    return edit._replace(removals=(*edit.removals, *(path for path in filled_in(one.whole) if path not in gone)))


def without(value: Value) -> Value:
    """Return an object without what a cluster filled in."""
    rest: Value = outcome(value, Edit(0, tuple(filled_in(value)), ()))
    return rest


def filled_in(value: Value) -> Iterator[Path]:
    """Yield the places of what a cluster filled in; none in a manifest that was in no cluster."""
    metadata = mapping(value, "metadata")
    if "uid" in metadata or "resourceVersion" in metadata:
        yield from left_over(value)


def left_over(value: Value) -> Iterator[Path]:
    """Yield the same places, also where somebody took the object's version out before keeping the manifest."""
    metadata = mapping(value, "metadata")
    if "status" in value:
        yield ("status",)
    for key in _METADATA:
        if key in metadata:
            yield ("metadata", key)
    annotations = annotations_of(value)
    found = [key for key in _ANNOTATIONS if key in annotations]
    if found and len(found) == len(annotations):
        yield ("metadata", "annotations")
    else:
        for key in found:
            yield ("metadata", "annotations", key)
