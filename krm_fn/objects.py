"""Objects of the list as far as any room must know them: identity, annotations, who owns them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from krm_fn.results import Ref
from krm_fn.text.document import Item

OWNER = "virtual-env-fn.dev/owner"
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
        value: the object as Kubernetes reads it.
        ref: how findings name it.
        position: its place in the list; None for a member of a v1 List, which is read and never edited.
        item: where its text stands; None for such a member.
    """

    value: Mapping[str, Any]
    ref: Ref
    position: int | None
    item: Item | None = None

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Dotted paths of keys that its text gives twice with different values."""
        return self.item.duplicates if self.item else ()

    @property
    def group(self) -> str:
        return group_of(self.ref.api_version)

    @property
    def owner(self) -> str:
        """The config that made it, or an empty string: it is the user's."""
        owner = annotations_of(self.value).get(OWNER, "")
        return owner if isinstance(owner, str) else ""

    @property
    def is_source(self) -> bool:
        """Whether it describes the user's application."""
        local = annotations_of(self.value).get(LOCAL_CONFIG, "false")
        return not self.owner and str(local).lower() == "false"


def added_label(value: Mapping[str, Any], owner: str) -> str:
    """Return the label that a config added to the selector of a Service of the user's, or an empty string."""
    mark = annotations_of(value).get(SELECTOR)
    whose, _, label = mark.partition(" ") if isinstance(mark, str) else ("", "", "")
    return label if whose == owner else ""


def group_of(api_version: str) -> str:
    """Return the API group: `apps` for `apps/v1`, empty for `v1`."""
    return api_version.rpartition("/")[0]


def annotations_of(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the annotations, or nothing where they or the metadata are no mapping."""
    metadata = value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}


def ref_of(value: Mapping[str, Any], file: str = "") -> Ref:
    """Return how findings name an object; `file` where its host did not annotate it with one."""
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    annotations = annotations_of(value)
    path = next((annotations[key] for key in PATHS if isinstance(annotations.get(key), str)), file)
    index = next((annotations[key] for key in INDEXES if key in annotations), "")
    return Ref(
        _text(value.get("apiVersion")),
        _text(value.get("kind")),
        _text(metadata.get("name")),
        _text(metadata.get("namespace")),
        path,
        int(index) if isinstance(index, str) and index.isdecimal() and len(index) <= 9 else None,  # noqa: PLR2004 - an int32
    )


def objects_of(items: Iterable[Item], file: str = "") -> Iterator[Object]:
    """Yield the objects of a list, the members of each v1 List behind the List."""
    for position, item in enumerate(items):
        ref = ref_of(item.value, file)
        yield Object(item.value, ref, position, item)
        if ref.kind == "List" and ref.api_version == "v1":
            yield from _members(item.value, ref.file)


def _members(value: Mapping[str, Any], file: str) -> Iterator[Object]:
    members = value.get("items")
    for member in members if isinstance(members, list) else ():
        if isinstance(member, dict):
            ref = ref_of(member, file)
            yield Object(member, ref, None)
            if ref.kind == "List" and ref.api_version == "v1":
                yield from _members(member, file)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
