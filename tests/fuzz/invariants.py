"""What holds of the function whatever the input: the name of what does not, or nothing."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from yaml.cyaml import CParser

from krm_fn import function
from krm_fn.function import Outcome
from krm_fn.objects import objects_of, ref_of
from krm_fn.results import Code, FunctionError
from krm_fn.text import document, yaml_shapes
from krm_fn.text.readback import same
from krm_fn.text.yaml_ends import tolerant
from tests.fuzz import crowds

SECONDS = 20
_INDEX = re.compile(r"internal\.config\.kubernetes\.io/index\W+[0-9]+")  # of what is new, in its file


class TooLongError(Exception):
    """The function has not ended."""


@contextmanager
def _limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLongError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


@contextmanager
def _learning_soon() -> Iterator[None]:
    often, yaml_shapes.OFTEN = yaml_shapes.OFTEN, crowds.OFTEN
    try:
        yield
    finally:
        yaml_shapes.OFTEN = often


def broken(raw: bytes, tell: Callable[[Outcome], object] = id) -> str:
    """Say what does not hold of an input; empty if all does. `tell` gets what the function makes of it."""
    try:
        with _limit(), _learning_soon():
            return _broken(raw, tell)
    except TooLongError:
        return "hang"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
        return f"defect: {type(error).__name__}: {error}"


def _broken(raw: bytes, tell: Callable[[Outcome], object]) -> str:
    first = function.run(raw)
    tell(first)
    if fault := _of_findings(first):
        return fault
    before = _read(raw)
    whole = _whole(raw, before)
    if (whole.output, whole.results) != (first.output, first.results):
        return "cut and whole differ"
    if first.failed:
        return _of_failure(raw, first, before)
    if isinstance(before, FunctionError):
        return "what cannot be read is no failure"
    if first.output == raw:
        return ""  # what is run again is the same
    after = document.parse(first.output)
    if not after.is_json:
        CParser(tolerant(first.output.decode().removeprefix("\ufeff")).encode()).raw_parse()
    return (
        _of_texts(before, after) or _of_a_second_run(first, after) or _of_names(after) or _of_a_way_out(before, after)
    )


def _of_findings(outcome: Outcome) -> str:
    for result in outcome.results:
        if result.code is Code.INTERNAL:
            return "internal"
        if len(result.line().splitlines()) != 1:
            return "a finding of several lines"
        str(result.as_item()).encode()
    return ""


def _of_texts(before: document.Document, after: document.Document) -> str:
    kept = " ".join(one.source for one in after.items)
    if lost := [one for one in _others(before) if one.source.strip() not in kept]:
        return f"text lost of {ref_of(lost[0].value)}"
    return _values(before, after)


def _of_a_second_run(first: Outcome, after: document.Document) -> str:
    again = function.run(first.output)
    if again.failed:
        return "twice is not once"
    if again.output != first.output and _sources(document.parse(again.output)) != _sources(after):
        return "twice is not once"  # what was said may differ: `adopted`
    return ""


def _of_a_way_out(before: document.Document, after: document.Document) -> str:
    """Let all environments but the base's go: what was made of them goes without a trace."""
    without, left = _without_environments(before), _without_environments(after)
    if isinstance(without, str) or isinstance(left, str):
        return f"{without}{left}"
    if not (without and left) or len(_of_environments(before)) != len(_of_environments(after)):
        return ""  # adopted pods are some
    plain, again = function.run(without), function.run(left)
    if plain.failed != again.failed:
        return "in and out is not nothing: refused"
    if plain.failed or _alike(plain.output, again.output):
        return ""
    return "in and out is not nothing"


def _without_environments(listed: document.Document) -> bytes | str:
    """Return the input without the pods of the environments; empty where there are none, or nothing would be left."""
    gone = _of_environments(listed)
    if not gone or len(gone) == len(listed.items):
        return b""
    raw = listed.apply(replaced={}, removed=gone, added=[], results=[])
    kept = [one.whole for one in listed.items if one.index not in gone]
    found = [one.whole for one in document.parse(raw).items]
    if len(kept) != len(found) or not all(map(same, kept, found)):
        return "taking objects out took others, or changed them"
    return raw


def _of_environments(listed: document.Document) -> list[int]:
    return [one.index for one in listed.items if _environment(one.whole) not in (None, "dev")]


def _environment(value: dict[str, Any]) -> object:
    spec = value.get("spec")
    made = spec.get("template") if value.get("kind") == "Deployment" and isinstance(spec, dict) else value
    metadata = made.get("metadata") if isinstance(made, dict) and value.get("kind") in ("Pod", "Deployment") else None
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels.get("virtual-env") if isinstance(labels, dict) else None


def _alike(one: bytes, other: bytes) -> bool:
    """Tell whether two outputs are one: all of YAML documents; of other forms the objects and the comments.

    The results of a list differ, JSON is laid out by its neighbours, what has no last line end grows before it, and
    an object of ours that is wanted without environments, too, keeps the place that it has.
    """
    listed = document.parse(one)
    is_whole = one.endswith(b"\n") and other.endswith(b"\n") and b"\r" not in one + other
    has_ours = any(one.owner for one in objects_of(listed.items))
    if listed.form is document.Form.STREAM and not listed.is_json and is_whole and not has_ours:
        return one == other
    return _parts(listed, one) == _parts(document.parse(other), other)


def _parts(listed: document.Document, raw: bytes) -> tuple[list[str], list[str]]:
    """Return the objects, the user's as texts and ours as values, and the comments."""
    comments = [line for line in raw.decode().splitlines() if line.lstrip().startswith("#")]
    ours = {one.position for one in objects_of(listed.items) if one.owner and one.position < len(listed.items)}
    found = [str(item.whole) if item.index in ours else "\n".join(item.source.splitlines()) for item in listed.items]
    return sorted(_INDEX.sub("", one.rstrip()) for one in found), sorted(comments)


def _of_names(after: document.Document) -> str:
    names = Counter(
        (one.ref.api_version, one.ref.kind, one.ref.namespace, one.ref.name)
        for one in objects_of(after.items)
        if one.owner
    )
    return "two objects of one identity" if any(count > 1 for count in names.values()) else ""


def _read(raw: bytes) -> document.Document | FunctionError:
    """Read an input whole, or say why it cannot be read."""
    try:
        return document.parse(raw)
    except FunctionError as error:
        return error


def _others(listed: document.Document) -> list[document.Item]:
    """Return the items that nobody edits: those that are woven or adopted change, and Services by `base: selector`."""
    narrows = any("selector" in str(one.whole) for one in listed.items if one.value.get("kind") == "VirtualEnvironment")
    kinds = ("ConfigMap", "VirtualEnvironment", "" if narrows else "Service")
    return [one for one in listed.items if ref_of(one.value).kind in kinds]


def _values(before: document.Document, after: document.Document) -> str:
    left = [one.whole for one in after.items]
    for one in _others(before):
        if not any(same(one.whole, other) for other in left):
            return f"the value of {ref_of(one.value)} changed"
    return ""


def _of_failure(raw: bytes, outcome: Outcome, before: document.Document | FunctionError) -> str:
    if isinstance(before, FunctionError):
        return "" if outcome.output == raw else "an input that cannot be read does not come back"
    if before.form is document.Form.STREAM:
        return "" if outcome.output == raw else "a refused stream does not come back"
    after = document.parse(outcome.output)
    return "" if _sources(before) == _sources(after) else "a refused list changed"


def _sources(listed: document.Document) -> list[str]:
    """The objects' texts; where the last one had no line end, results may bring one."""
    return [one.source.rstrip("\r\n") for one in listed.items]


def _whole(raw: bytes, read: document.Document | FunctionError) -> Outcome:
    """Run the function on an input that was read whole."""
    if isinstance(read, FunctionError):
        return Outcome(raw, read.results)
    parse = document.parse
    try:
        document.parse = lambda _raw, _asked: read
        return function.run(raw)
    finally:
        document.parse = parse
