"""Manifests into the list: what to add, replace, keep and prune. The user's own objects are never touched."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from krm_fn.config.reader import Configs
from krm_fn.objects import (
    DEPENDS_ON,
    INDEXES,
    MANAGED_BY,
    ORDER,
    OWNER,
    PATHS,
    Object,
    annotations_of,
    labels_of,
    ref_of,
)
from krm_fn.results import Code, Ref, Result

Manifest = Mapping[str, Any]
_Identity = tuple[str, str, str, str]
_NOT_IN_A_NAME = re.compile(r"[^-a-zA-Z0-9]")


@dataclass(slots=True)
class Changes:
    """Edits of the list: by position what to replace and to remove, then what to add, and findings."""

    replaced: dict[int, Manifest] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: list[Manifest] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


def merge(objects: Sequence[Object], manifests: Sequence[Manifest], configs: Configs, *, place: bool) -> Changes:
    """Compute the edits that leave exactly `manifests` of this owner in the list.

    Args:
        objects: the list as it is.
        manifests: what is wanted, with the names that they would like to have.
        configs: whose run this is, and where new objects go.
        place: whether the host wants to be told the file of a new object (kpt does).
    """
    changes = Changes()
    theirs: set[_Identity] = set()
    ours: dict[_Identity, Object] = {}
    others: dict[tuple[str, str, str], Object] = {}  # by what they are about: of other configs
    for one in objects:
        owner = one.owner
        if owner != configs.owner:
            theirs.add(_identity(one.ref))
            if owner:
                others[_subject(one.value)] = one
        elif ours.setdefault(_identity(one.ref), one) is not one and one.position is not None:
            changes.removed.add(one.position)
    free = _FreeIndexes(objects) if place else None
    names = {_identity(ref_of(one)) for one in manifests}
    for wanted in manifests:
        if (other := others.get(_subject(wanted))) is not None:
            changes.results.append(_meets_other_config(wanted, other))
            continue
        manifest = _named(wanted, theirs, names)
        existing = ours.pop(_identity(ref_of(manifest)), None)
        if existing is None:
            changes.added.append(_new(manifest, configs, free))
            continue
        updated = _updated(existing.value, manifest, configs.owner)
        if updated == existing.value:
            continue
        if existing.position is None:
            changes.results.append(_stays_in_list(existing))
        else:
            changes.replaced[existing.position] = updated
    changes.removed |= {one.position for one in ours.values() if one.position is not None}
    changes.results += [_stays_in_list(one) for one in ours.values() if one.position is None]
    return changes


def _stays_in_list(one: Object) -> Result:
    message = (
        "was made by this function and is out of date, and stands in a v1 List, which is not edited: delete it there, "
        "and it is made anew where it is needed"
    )
    return Result(Code.NOT_EDITABLE, message, one.ref)


def _identity(ref: Ref) -> _Identity:
    return (ref.api_version.rpartition("/")[0], ref.kind, ref.namespace, ref.name)


def _subject(value: Manifest) -> tuple[str, str, str]:
    """Return what a generated object is about, whatever its name: its kind, namespace and host."""
    ref, spec = ref_of(value), value.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    hosts = spec.get("hosts", spec.get("host", ref.name))
    return (ref.kind, ref.namespace, str(hosts[0] if isinstance(hosts, list) and hosts else hosts))


def _meets_other_config(wanted: Manifest, other: Object) -> Result:
    if other.value.get("spec") == wanted["spec"]:
        message = f"was made by the config {other.owner!r} and is what this one would make: left alone"
        return Result(Code.SAME_AS_OTHER_CONFIG, message, other.ref)
    message = (
        f"was made by the config {other.owner!r}, and this one wants it otherwise; let one of them be responsible "
        f"for it, or delete it if {other.owner!r} is gone"
    )
    return Result(Code.OTHER_CONFIG, message, other.ref, f"metadata.annotations.{OWNER}")


def _named(manifest: Manifest, theirs: set[_Identity], names: set[_Identity]) -> Manifest:
    """Give a manifest a name that no object of somebody else's has; `names` are those that manifests would like."""
    group, kind, namespace, wanted = _identity(ref_of(manifest))
    if (group, kind, namespace, wanted) not in theirs:
        return manifest
    name, count = f"{wanted}-virtual-env", 1
    while (group, kind, namespace, name) in theirs | names:
        count += 1
        name = f"{wanted}-virtual-env-{count}"
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def _updated(existing: Manifest, manifest: Manifest, owner: str) -> Manifest:
    """Return an object of ours as it should be: everything that others added to its metadata stays."""
    metadata = dict(existing["metadata"])
    kept = {key: text for key, text in annotations_of(existing).items() if not _is_order(key, text)}
    metadata["labels"] = {**labels_of(existing), **MANAGED_BY}
    metadata["annotations"] = {**kept, **annotations_of(manifest), OWNER: owner}
    return {**existing, **manifest, "metadata": {**metadata, "name": manifest["metadata"]["name"]}}


def _is_order(key: str, text: object) -> bool:
    """Tell whether an annotation of ours is about the order of applying, which another run may want otherwise."""
    return key == DEPENDS_ON or text in ORDER.get(key, ())


class _FreeIndexes:
    """Places in files that no object of the list has. kpt refuses two objects at one place."""

    def __init__(self, objects: Sequence[Object]) -> None:
        self.used: dict[str, set[int]] = defaultdict(set)
        self.tried: dict[str, int] = defaultdict(int)
        for one in objects:
            if one.position is not None and one.ref.file:
                self.used[one.ref.file].add(one.ref.file_index or 0)

    def take(self, path: str) -> int:
        index = self.tried[path]
        while index in self.used[path]:
            index += 1
        self.tried[path] = index + 1
        return index


def _new(manifest: Manifest, configs: Configs, free: _FreeIndexes | None) -> Manifest:
    metadata = dict(manifest["metadata"])
    annotations = {**annotations_of(manifest), OWNER: configs.owner}
    if free:
        namespace = metadata.get("namespace", "")
        # A namespace that the user's tools have yet to fill in (`${NS}`), or a hostile one, must not leave the package.
        folder = _NOT_IN_A_NAME.sub("-", namespace) or "default"
        path = configs.of(namespace).config.placement.replace("{namespace}", folder)
        annotations |= {INDEXES[0]: str(free.take(path)), PATHS[0]: path}
    return {**manifest, "metadata": {**metadata, "labels": MANAGED_BY, "annotations": annotations}}
