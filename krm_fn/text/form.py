"""What the input is, a ResourceList or a plain stream of documents, and whether it is whole.

The functions specification:
https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
"""

from __future__ import annotations

from enum import Enum

from krm_fn.results import Code
from krm_fn.text.pages import Node, Page, fail, line_of

_GROUP = "config.kubernetes.io/"
_VERSIONS = ("v1", "v1beta1", "v1alpha1")


class Form(Enum):
    """What the input is: a ResourceList, or a plain stream of documents."""

    RESOURCE_LIST = "ResourceList"
    STREAM = "stream"


def of(pages: list[Page], text: str) -> Form:
    """Return what the input is. Raises FunctionError when it is nothing, or only nearly a ResourceList."""
    filled = [page for page in pages if page.value is not None]
    if not filled:
        fail(
            Code.INPUT_EMPTY,
            "the input holds no object; send a ResourceList, or YAML documents, on stdin. Where that may be (a Helm "
            "chart of hooks only), --allow-empty lets it pass",
        )
    for number, page in enumerate(pages, 1):
        value = page.value if isinstance(page.value, dict) else {}
        version, kind = value.get("apiVersion"), value.get("kind")
        ours = isinstance(version, str) and version.startswith(_GROUP)
        if kind != "ResourceList" and not (ours and len(filled) == 1):
            continue
        where = f"line {line_of(text, page.start)}"
        if kind != "ResourceList":
            fail(
                Code.INPUT_SHAPE,
                f"{where}: apiVersion {version} with kind {kind!r}: was ResourceList meant? Write kind: ResourceList",
            )
        if not ours or str(version).removeprefix(_GROUP) not in _VERSIONS:
            known = ", ".join(_GROUP + version for version in _VERSIONS)
            fail(Code.INPUT_SHAPE, f"{where}: a ResourceList with apiVersion {version!r}; known are {known}")
        if len(filled) > 1:
            fail(
                Code.INPUT_SHAPE,
                f"{where}: a ResourceList beside other documents (it is number {number} of "
                f"{len(pages)}); send it alone, with all objects in its items",
            )
        return Form.RESOURCE_LIST
    return Form.STREAM


def check_list(pages: list[Page], text: str) -> Page:
    """Return the page of a ResourceList. Raises FunctionError if it is none that a host could have sent."""
    page = next(page for page in pages if page.value is not None)
    if page.shared_alias:
        fail(Code.SHARED_ALIAS, page.shared_alias)
    if page.repeated:
        fail(Code.DUPLICATE_KEY, f"the ResourceList has the key {page.repeated[0]!r} twice; keep one of them")
    if twice := next((path for path in page.duplicates if path.startswith("functionConfig.")), ""):
        fail(Code.DUPLICATE_KEY, f"{twice} is given twice with different values; keep one")
    for key in ("items", "results"):
        _check_listing(page, key, text)
    config = page.value.get("functionConfig")
    if config is not None and not isinstance(config, dict):
        fail(
            Code.INPUT_SHAPE, f"functionConfig is {_kind_of(config)}, but must be an object; correct it or leave it out"
        )
    return page


def _check_listing(page: Page, key: str, text: str) -> None:
    if key not in page.value:
        if key == "items":
            fail(Code.INPUT_SHAPE, "the ResourceList has no items; without any object, write items: []")
        return
    if key not in page.listings:
        fail(Code.INPUT_SHAPE, f"{key} of the ResourceList is {_kind_of(page.value[key])}, but must be a list")
    for index, entry in enumerate(page.listings[key].entries):
        if not isinstance(entry.value, dict):
            fail(
                Code.INPUT_SHAPE,
                f"line {line_of(text, entry.start)}: {key}[{index}] is {_kind_of(entry.value)}, "
                "but must be an object; correct it or take it out",
            )


def check_stream(pages: list[Page], text: str) -> None:
    """Raise FunctionError if a document of a stream is no object."""
    for number, page in enumerate(pages, 1):
        wrong = _glued(page.value) or _not_an_object(page.value)
        if wrong:
            fail(Code.INPUT_SHAPE, f"document {number}, line {line_of(text, page.start)}: {wrong}")


def _glued(value: Node) -> str | None:
    """Return what is wrong with a key like `---apiVersion`."""
    key = next((key for key in value if key.startswith("---")), None) if isinstance(value, dict) else None
    if key is None:
        return None
    return f"the key {key!r} begins with the mark that parts documents; write --- in a line of its own"


def _not_an_object(value: Node) -> str | None:
    """Return what keeps a document from being a Kubernetes object; an empty one is fine."""
    if value is None:
        return None
    if not isinstance(value, dict):
        return f"{_kind_of(value)}, but must be an object with apiVersion and kind; correct it or take it out"
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key), str):
            return (
                f"the object has no {key} that is a string; every Kubernetes object has one, so add it or take "
                "the document out"
            )
    return None


def _kind_of(value: Node) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "empty"}
    return names.get(type(value), "a number")
