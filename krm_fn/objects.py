"""Objects of the list as far as any room must know them: identity, annotations, who owns them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from krm_fn.results import FUNCTION, Ref
from krm_fn.text.document import Item
from krm_fn.values import mapping

OWNER = "virtual-env-fn.dev/owner"
MANAGED_BY = {"app.kubernetes.io/managed-by": FUNCTION}  # the label of all that is generated, to select it by
SYNC_WAVE, SYNC_OPTIONS = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/sync-options"
PRUNE_LAST = "PruneLast=true"
RULES_WAVE, ROUTES_WAVE = "-1", "1"  # the user's own objects stand in wave 0: their pods are there before routes
LAST_WAVE = "2"
ORDER = {SYNC_WAVE: (RULES_WAVE, ROUTES_WAVE, LAST_WAVE), SYNC_OPTIONS: (PRUNE_LAST,)}  # what this function writes
DEPENDS_ON = "config.kubernetes.io/depends-on"
# By these kpt finds an object's input again, and lays the input's comments and order of keys over the output: by their
# place in a list, so that with entries put before others they land on the wrong ones.
HOST_IDS = ("internal.config.kubernetes.io/id", "config.k8s.io/id")
SELECTOR = "virtual-env-fn.dev/selector"  # on a Service of the user's whose selector this function added a label to
LOCAL_CONFIG = "config.kubernetes.io/local-config"
PATHS = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
INDEXES = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")


class Object(NamedTuple):
    """One object of the list.

    Attributes:
        value: the object as Kubernetes reads it, as far as anybody asks for it.
        ref: how findings name it.
        position: its number: of an item its place in the list; members of Lists have the numbers behind those.
        item: where its text stands; for a member, the text of the outermost List.
        inside: the path of a member in that List, empty for an item.
        owner: the config that made it, or an empty string: it is the user's.
        is_source: whether it describes the user's application.
    """

    value: Mapping[str, Any]
    ref: Ref
    position: int
    item: Item | None = None
    inside: tuple[str | int, ...] = ()
    owner: str = ""
    is_source: bool = True

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Dotted paths of keys that its text gives twice with different values."""
        if not self.inside or not self.item:
            return self.item.duplicates if self.item else ()
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.inside).lstrip(".") + "."
        return tuple(one.removeprefix(path) for one in self.item.duplicates if one.startswith(path))

    @property
    def whole(self) -> Mapping[str, Any]:
        """All of it, also what the reading passed over because nobody asks for it."""
        return self.value if self.inside or not self.item else self.item.whole

    @property
    def group(self) -> str:
        return group_of(self.ref.api_version)


def added_label(value: Mapping[str, Any], owner: str) -> str:
    """Return the label that a config added to the selector of a Service of the user's, or an empty string."""
    mark = annotations_of(value).get(SELECTOR)
    whose, _, label = mark.partition(" ") if isinstance(mark, str) else ("", "", "")
    return label if whose == owner else ""


@cache  # asked for again and again, of the few that a list has
def group_of(api_version: str) -> str:
    """Return the API group: `apps` for `apps/v1`, empty for `v1`."""
    return api_version.rpartition("/")[0]


def annotations_of(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the annotations, or nothing where they or the metadata are no mapping."""
    return mapping(mapping(value, "metadata"), "annotations")


def labels_of(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the labels of the object itself, or nothing where they or the metadata are no mapping."""
    return mapping(mapping(value, "metadata"), "labels")


def ref_of(value: Mapping[str, Any], file: str = "") -> Ref:
    """Return how findings name an object; `file` where its host did not annotate it with one."""
    return _ref(value, annotations_of(value), file)


def _ref(value: Mapping[str, Any], annotations: Mapping[str, Any], file: str) -> Ref:
    metadata = mapping(value, "metadata")
    for key in PATHS:
        if isinstance(path := annotations.get(key), str):
            break
    else:
        path = file
    index = annotations.get(INDEXES[0], annotations.get(INDEXES[1]))
    return Ref(
        _text(value.get("apiVersion")),
        _text(value.get("kind")),
        _text(metadata.get("name")),
        _text(metadata.get("namespace")),
        path,
        int(index) if isinstance(index, str) and index.isdecimal() and len(index) <= 9 else None,  # noqa: PLR2004 - an int32
    )


def objects_of(items: Sequence[Item], file: str = "") -> Iterator[Object]:
    """Yield the objects of a list, the members of each `v1 List` and typed list (`DeploymentList`) behind it."""
    number = len(items)
    for position, item in enumerate(items):
        one = _object(item.value, file, position, item)
        yield one
        if one.ref.kind.endswith("List") and is_list(item.value):
            for inside, value in _members(item.value, ()):
                yield _object(value, one.ref.file, number, item, inside)
                number += 1


def _object(
    value: Mapping[str, Any], file: str, position: int, item: Item, inside: tuple[str | int, ...] = ()
) -> Object:
    annotations = annotations_of(value)
    owner = _text(annotations.get(OWNER))
    local = annotations.get(LOCAL_CONFIG, "false")
    is_source = not owner and (local == "false" or str(local).lower() == "false")
    return Object(value, _ref(value, annotations, file), position, item, inside, owner, is_source)


def is_list(value: Mapping[str, Any]) -> bool:
    """Tell whether an object holds others: its kind ends with List, and its items are one."""
    return str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list)


def _members(value: Mapping[str, Any], inside: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the members of a List, each with its path. Those of a typed list may not say what they are."""
    kind, version = str(value["kind"]).removesuffix("List"), value.get("apiVersion")
    implied = {"apiVersion": version, "kind": kind} if kind else {}
    for place, member in enumerate(value["items"]):
        if not isinstance(member, dict):
            continue
        path = (*inside, "items", place)
        missing = {key: said for key, said in implied.items() if not member.get(key)}
        yield path, {**member, **missing} if missing else member
        if is_list(member):
            yield from _members(member, path)


def in_namespace(objects: Iterable[Object], namespace: str) -> list[Object]:
    """Return the objects as they will be when those without a namespace get this one."""
    return [one if one.ref.namespace else one._replace(ref=one.ref._replace(namespace=namespace)) for one in objects]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
