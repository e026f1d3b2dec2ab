"""What holds of the function whatever the input: the name of what does not, or nothing."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from yaml.cyaml import CParser

from krm_fn import function
from krm_fn.function import Outcome
from krm_fn.objects import objects_of, ref_of
from krm_fn.plan import kinds
from krm_fn.results import Code, FunctionError
from krm_fn.text import document
from krm_fn.text.readback import same
from krm_fn.text.yaml_ends import tolerant

SECONDS = 20


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


def broken(raw: bytes) -> str:
    """Say what does not hold of an input; empty if all does."""
    try:
        with _limit():
            return _broken(raw)
    except TooLongError:
        return "hang"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
        return f"defect: {type(error).__name__}: {error}"


def _broken(raw: bytes) -> str:  # noqa: PLR0911 - a line for each thing that must hold
    first = function.run(raw)
    for result in first.results:
        if result.code is Code.INTERNAL:
            return "internal"
        if len(result.line().splitlines()) != 1:
            return "a finding of several lines"
        str(result.as_item()).encode()
    whole = _whole(raw)
    if (whole.output, whole.results) != (first.output, first.results):
        return "cut and whole differ"
    if first.failed:
        return _of_failure(raw, first)
    before, after = document.parse(raw), document.parse(first.output)
    kept = [one.source for one in after.items]
    if not after.is_json:
        CParser(tolerant(first.output.decode().removeprefix("\ufeff")).encode()).raw_parse()
    if lost := [one for one in before.items if one.source.strip() not in " ".join(kept) and _is_others(one)]:
        return f"text lost of {ref_of(lost[0].value)}"
    if fault := _values(before, after):
        return fault
    again = function.run(first.output)
    if again.failed or _sources(document.parse(again.output)) != _sources(after):  # what was said may differ: `adopted`
        return "twice is not once"
    names = Counter(
        (one.ref.api_version, one.ref.kind, one.ref.namespace, one.ref.name)
        for one in objects_of(after.items)
        if one.owner
    )
    return "two objects of one identity" if any(count > 1 for count in names.values()) else ""


def _is_others(item: document.Item) -> bool:
    """Whether nobody edits an object of its kind: those that are woven or adopted change."""
    return ref_of(item.value).kind in ("Service", "ConfigMap", "VirtualEnvironment")


def _values(before: document.Document, after: document.Document) -> str:
    left = [one.whole for one in after.items]
    for one in before.items:
        if _is_others(one) and not any(same(one.whole, other) for other in left):
            return f"the value of {ref_of(one.value)} changed"
    return ""


def _of_failure(raw: bytes, outcome: Outcome) -> str:
    try:
        before = document.parse(raw)
    except FunctionError:
        return "" if outcome.output == raw else "an input that cannot be read does not come back"
    if before.form is document.Form.STREAM:
        return "" if outcome.output == raw else "a refused stream does not come back"
    after = document.parse(outcome.output)
    return "" if _sources(before) == _sources(after) else "a refused list changed"


def _sources(listed: document.Document) -> list[str]:
    """The objects' texts; where the last one had no line end, results may bring one."""
    return [one.source.rstrip("\r\n") for one in listed.items]


def _whole(raw: bytes) -> Outcome:
    asked = kinds.asked
    try:
        kinds.asked = document.everything
        return function.run(raw)
    finally:
        kinds.asked = asked
