"""An output into the list: what to add, replace, keep, prune and rewrite. The user's own objects are only edited."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from krm_fn import members
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
from krm_fn.output import Output
from krm_fn.results import Code, Ref, Result
from krm_fn.values import NOTHING, Value, mapping

_Identity = tuple[str, str, str, str]
_NOT_IN_A_NAME = re.compile(r"[^-a-zA-Z0-9]")


class Changes(NamedTuple):
    """Edits of the list: by position what to replace, rewrite and remove, then what to add, and findings.

    Attributes:
        replaced: objects of ours, with their new value.
        rewritten: objects of the user's, with their new text in the shape of `document.Item.source`.
        removed: objects of ours that are no longer wanted.
        added: new objects.
        results: what is in the way.
        members: members of Lists that change, as they will be; their text is in that of their List.
    """

    replaced: Mapping[int, Value] = NOTHING
    rewritten: Mapping[int, str] = NOTHING
    removed: frozenset[int] = frozenset()
    added: tuple[Value, ...] = ()
    results: tuple[Result, ...] = ()
    members: Mapping[int, Value] = NOTHING


def merge(
    objects: Sequence[Object],
    made: Output,
    configs: Configs,
    *,
    place: bool,
    anew: bool = False,
    grows: int | None = None,
) -> Changes:
    """Compute the edits that leave exactly what was made, of this owner, in the list.

    Args:
        objects: the list as it is.
        made: what is wanted.
        configs: whose run this is, and where new objects go.
        place: whether the host wants to be told the file of a new object (kpt does).
        anew: whether what this owner made before counts as not there.
        grows: the position of a List that takes new objects; None: they stand beside the others.
    """
    identities = [_identity(ref_of(one)) for one in made.manifests]
    names = set(identities)
    present = _Present(objects, configs.owner, {kind for _, kind, *_ in names}, anew=anew)
    free = _FreeIndexes(objects) if place else None
    replaced: dict[int, Value] = {}
    added: list[Value] = []
    results: list[Result] = []
    wanted: set[_Identity] = set()
    for one, liked in zip(made.manifests, identities, strict=True):
        if present.others and (other := present.others.get(_subject(one))) is not None:
            results.append(_meets_other_config(one, other))
            continue
        identity = _free(liked, present.theirs, names)
        manifest = one if identity == liked else _named(one, identity[-1])
        existing = present.ours.get(identity) if identity not in wanted else None
        wanted.add(identity)
        if existing is None:
            added.append(_new(manifest, configs, free))
            continue
        updated = _updated(existing.value, manifest, configs.owner)
        if updated == existing.value:
            continue
        replaced[existing.position] = updated
    left = [*present.twice, *(one for identity, one in present.ours.items() if identity not in wanted)]
    removed = frozenset(one.position for one in left)
    if anew:
        results += [_left_behind(one) for one in present.before if _identity(one.ref) not in wanted]
    rewritten, refused = members.rewritten(objects, made.edits, anew=anew)
    growing = (-1, ()) if grows is None else (grows, added)
    within = members.within(objects, made.edits, replaced, removed, growing, anew=anew)
    inside = {one.position for one in objects if one.inside}
    return Changes(
        {position: value for position, value in replaced.items() if position not in inside},
        {**rewritten, **within.rewritten},
        removed - inside,
        () if grows is not None else tuple(added),
        (*results, *refused, *within.results),
        within.members,
    )


class _Present:
    """What the list has already.

    Attributes:
        ours: what this owner made; `twice` are further objects of one identity.
        theirs: the identities of everybody else's, of the kinds that are made.
        others: what other configs made, by what it is about.
        before: what this owner made, where that counts as not there.
    """

    def __init__(self, objects: Iterable[Object], owner: str, kinds: Collection[str], *, anew: bool) -> None:
        self.theirs: set[_Identity] = set()
        self.ours: dict[_Identity, Object] = {}
        self.twice: list[Object] = []
        self.others: dict[tuple[str, str, str], Object] = {}
        self.before: list[Object] = []
        for one in objects:
            if one.owner != owner:
                if one.ref.kind in kinds:
                    self.theirs.add(_identity(one.ref))
                if one.owner:
                    self.others[_subject(one.value)] = one
            elif anew:
                self.before.append(one)
            elif self.ours.setdefault(_identity(one.ref), one) is not one:
                self.twice.append(one)


def _left_behind(one: Object) -> Result:
    name = f"{one.ref.kind.lower()} {one.ref.name}" + (f" -n {one.ref.namespace}" if one.ref.namespace else "")
    message = (
        f"was made by this config and nobody needs it any more; it is not printed: delete it (kubectl delete {name}), "
        "VirtualServices before DestinationRules"
    )
    return Result(Code.LEFT_BEHIND, message, one.ref)


def _identity(ref: Ref) -> _Identity:
    return (ref.api_version.rpartition("/")[0], ref.kind, ref.namespace, ref.name)


def _subject(value: Value) -> tuple[str, str, str]:
    """Return what a generated object is about, whatever its name: its kind, namespace and host."""
    ref, spec = ref_of(value), mapping(value, "spec")
    hosts = spec.get("hosts", spec.get("host", ref.name))
    return (ref.kind, ref.namespace, str(hosts[0] if isinstance(hosts, list) and hosts else hosts))


def _meets_other_config(wanted: Value, other: Object) -> Result:
    if other.value.get("spec") == wanted["spec"]:
        message = f"was made by the config {other.owner!r} and is what this one would make: left alone"
        return Result(Code.SAME_AS_OTHER_CONFIG, message, other.ref)
    message = (
        f"was made by the config {other.owner!r}, and this one wants it otherwise; let one of them be responsible "
        f"for it, or delete it if {other.owner!r} is gone"
    )
    return Result(Code.OTHER_CONFIG, message, other.ref, f"metadata.annotations.{OWNER}")


def _free(liked: _Identity, theirs: Collection[_Identity], names: Collection[_Identity]) -> _Identity:
    """Return an identity that no object of somebody else's has; `names` are those that manifests would like."""
    if liked not in theirs:
        return liked
    group, kind, namespace, wanted = liked
    name, count = f"{wanted}-virtual-env", 1
    while any((group, kind, namespace, name) in taken for taken in (theirs, names)):
        count += 1
        name = f"{wanted}-virtual-env-{count}"
    return (group, kind, namespace, name)


def _named(manifest: Value, name: str) -> Value:
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def _updated(existing: Value, manifest: Value, owner: str) -> Value:
    """Return an object of ours as it should be: everything that others added to its metadata stays."""
    kept = {key: text for key, text in annotations_of(existing).items() if not _is_order(key, text)}
    labels = {**labels_of(existing), **MANAGED_BY}
    annotations = {**annotations_of(manifest), **kept, **annotations_of(manifest), OWNER: owner}
    metadata = _metadata({**existing["metadata"], "name": manifest["metadata"]["name"]}, labels, annotations)
    return {**existing, **manifest, "metadata": metadata}


def _metadata(metadata: Value, labels: Value, annotations: Value) -> Value:
    """Return metadata with these labels and annotations, in this order whatever was there: the same each time."""
    rest = {key: value for key, value in metadata.items() if key not in ("labels", "annotations")}
    return {**rest, "labels": labels, "annotations": annotations}


def _is_order(key: str, text: object) -> bool:
    """Tell whether an annotation of ours is about the order of applying, which another run may want otherwise."""
    return key == DEPENDS_ON or text in ORDER.get(key, ())


class _FreeIndexes:
    """Places in files that no object of the list has. kpt refuses two objects at one place."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self.used: dict[str, set[int]] = defaultdict(set)
        self.tried: dict[str, int] = defaultdict(int)
        for one in objects:
            if not one.inside and one.ref.file:
                self.used[one.ref.file].add(one.ref.file_index or 0)

    def take(self, path: str) -> int:
        index = self.tried[path]
        while index in self.used[path]:
            index += 1
        self.tried[path] = index + 1
        return index


def _new(manifest: Value, configs: Configs, free: _FreeIndexes | None) -> Value:
    metadata = manifest["metadata"]
    annotations = {**annotations_of(manifest), OWNER: configs.owner}
    if free:
        namespace = metadata.get("namespace", "")
        # A namespace that the user's tools have yet to fill in (`${NS}`), or a hostile one, must not leave the package.
        folder = _NOT_IN_A_NAME.sub("-", namespace) or "default"
        path = configs.of(namespace).config.placement.replace("{namespace}", folder)
        annotations |= {INDEXES[0]: str(free.take(path)), PATHS[0]: path}
    return {**manifest, "metadata": _metadata(metadata, MANAGED_BY, annotations)}
