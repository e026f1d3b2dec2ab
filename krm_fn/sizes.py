"""What is too large to be applied: an object that a client, or the API server, would refuse for its size.

Measured against an API server of Kubernetes 1.36 in tests/cluster/test_sizes.py.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterator, Sequence

from krm_fn.merge import Changes
from krm_fn.objects import MANAGED_BY, OWNER, Object, annotations_of, ref_of
from krm_fn.output import Output
from krm_fn.results import Code, Ref, Result
from krm_fn.text.edits import outcome
from krm_fn.values import Value, mapping, mappings

# Bytes that the annotations of an object may have together: client-side apply keeps the whole object, as JSON, in one.
ANNOTATIONS = 262_144
# Bytes that the API server's store takes for an object, as JSON; the server adds what it notes of its own.
STORED = 1_572_864
_LISTS = ("http", "tcp", "tls", "subsets", "rules")
_WOVEN = ("VirtualService", "DestinationRule")


def find(objects: Sequence[Object], made: Output, changes: Changes, owner: str) -> Iterator[Result]:
    """Yield a finding for each object of ours, or that we added to, that is too large to be applied in some way."""
    for one in made.manifests:
        marks = {"labels": MANAGED_BY, "annotations": {**annotations_of(one), OWNER: owner}}
        marked = {**one, "metadata": {**one["metadata"], **marks}}
        if _may_be_large(marked):
            yield from _about(marked, ref_of(one), is_generated=True)
    edits = {edit.position: edit for edit in made.edits}
    for user in objects:
        if user.owner or user.ref.kind not in _WOVEN:
            continue
        # A List's member has no text of its own.
        text = changes.rewritten.get(user.position, user.item.source) if user.item and not user.inside else "*"
        # Text has more bytes than the object as JSON, but for what aliases repeat: most objects are seen at a glance.
        if len(text) > ANNOTATIONS // 2 or "*" in text:
            edit = edits.get(user.position)
            value = outcome(user.value, edit) if edit else user.value
            if _may_be_large(value) and any(_copies(mappings(mapping(value, "spec").get(name))) for name in _LISTS):
                yield from _about(value, user.ref, is_generated=False)


def _may_be_large(value: Value) -> bool:
    """Tell whether an object is worth measuring.

    JSON takes six bytes at most for each of this older format, which writes out what is shared, too: for a control
    character, or for `false` and a comma.
    """
    return len(marshal.dumps(dict(value), 2)) > ANNOTATIONS // 6


def _about(value: Value, ref: Ref, *, is_generated: bool) -> Iterator[Result]:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))
    if size <= ANNOTATIONS:
        return
    what = _contents(value, is_generated=is_generated)
    if size > STORED:
        message = (
            f"has {size:,} bytes as JSON, {what}; the API server takes {STORED:,}: give it fewer routes of its own, as "
            "each has a copy for each environment, or split its Service or hosts among several objects"
        )
        yield Result(Code.OBJECT_TOO_LARGE, message, ref)
        return
    message = (
        f"has {size:,} bytes as JSON, {what}; client-side apply takes {ANNOTATIONS:,}: apply it by the server "
        "(kubectl apply --server-side, in Argo CD the sync option ServerSideApply=true), or create and replace it"
    )
    yield Result(Code.OBJECT_LARGE, message, ref)


def _contents(value: Value, *, is_generated: bool) -> str:
    spec = mapping(value, "spec")
    counts = []
    for name in _LISTS:
        entries = mappings(spec.get(name))
        if is_generated and entries:
            counts.append(f"{len(entries)} entries of spec.{name}")
        elif copies := _copies(entries):
            counts.append(f"{copies} of its {len(entries)} entries of spec.{name} added for environments")
    return " and ".join(counts) or "without routes"


def _copies(entries: Sequence[Value]) -> int:
    if not entries:
        return 0
    from krm_fn.istio.marks import is_marked  # noqa: PLC0415 - a list without such objects need not load it

    return sum(is_marked(one) for one in entries)
