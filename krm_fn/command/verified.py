"""What a verify found, to be read: text, Markdown, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from krm_fn.results import Result
from krm_fn.verify.cell import Cell
from krm_fn.verify.judging import Difference
from krm_fn.verify.verifying import Verified
from krm_fn.views import facts, markdown, paint
from krm_fn.views.paint import Line, Style, clean, line

_SHOWN = 6  # cells of a group
BY_NAME = (
    "the dump has no endpoints, so who answers is taken from the subsets' labels in the list; "
    "add ?include_eds to look at the pods"
)


def as_text(found: Sequence[Verified], *, terminal: bool) -> str:
    """Return lines for people."""
    return (paint.text if terminal else paint.plain)(one for proxy in found for one in _lines(proxy))


def _lines(found: Verified) -> Iterator[Line]:
    yield [(_head(found), Style.HEAD), (f": {_count(found)}", Style.PLAIN)]
    for note in _notes(found):
        yield line(f"  note: {clean(note)}", Style.LOUD)
    for cause, blame, service, members in found.groups():
        yield line("")
        yield [(f"  {clean(service)}", Style.NAME), (f": {_sentence(cause.sentence, blame)}", Style.BAD)]
        for one in members[:_SHOWN]:
            yield line(f"    {clean(_cell(one))}")
        if len(members) > _SHOWN:
            yield line(f"    and {len(members) - _SHOWN} more", Style.FAINT)
    for reason, cells in _untold(found).items():
        yield line("")
        yield [("  cannot tell", Style.LOUD), (f": {clean(reason)}: {_some(cells)}", Style.PLAIN)]
    yield from (line(f"  not asked: {clean(one)}", Style.FAINT) for one in found.not_asked)


def _head(found: Verified) -> str:
    kind = {"sidecar": "sidecar", "router": "gateway"}[found.kind]
    return clean(f"{kind} {found.proxy}" + (f" (Istio {found.version})" if found.version else ""))


def _count(found: Verified) -> str:
    if not found.asked:
        return "nothing of the list could be asked there"
    different, untold = len(found.differences), len(found.untold)
    if not different and not untold:
        return f"{found.asked} cells asked, all as the plan says"
    parts = [f"{found.asked} cells asked", f"{different} differ{'s' * (different == 1)}"]
    return ", ".join([*parts, *([f"{untold} cannot be told"] if untold else [])])


def _notes(found: Verified) -> list[str]:
    return [*([BY_NAME] if found.by_name else []), *found.notes]


def _sentence(sentence: str, blame: str) -> str:
    return clean(f"{sentence}: {blame}" if blame else sentence)


def _cell(one: Difference) -> str:
    cell = one.cell
    asked = f"{cell.host} at port {cell.request.port}" if cell.host else f"port {cell.port.number}"
    asked += f", path {cell.request.path}" if cell.request.path != "/" else ""
    carried = f"{cell.carrier} {cell.value!r}" if cell.value is not None else cell.carrier
    route = f", by route {one.route}" if one.route else ""
    return f"{asked}, {carried}: {_wanted(one)} should answer; gets {one.found}{route}"


def _wanted(one: Difference) -> str:
    expected = one.cell.expected
    if expected.environments:
        return " and ".join(sorted(expected.environments))
    return f"nobody ({expected.status})" if expected.status else "nobody (the connection ends)"


def _untold(found: Verified) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for one in found.untold:
        names = reasons.setdefault(one.reason, [])
        name = f"{one.cell.plan.service.ref.name}:{one.cell.port.number}"
        names += [name] if name not in names else []
    return reasons


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return clean(", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else ""))


def as_markdown(found: Sequence[Verified]) -> str:
    """Return the same in the Markdown of GitHub and GitLab."""
    parts: list[str] = []
    for one in found:
        parts.append(f"### {markdown.code(_head(one))}\n\n{_count(one)}")
        parts += [f"Note: {markdown.code(note)}" for note in _notes(one)]
        rows = [
            [
                markdown.code(service),
                cause.sentence,
                markdown.code(blame) if blame else "",
                str(len(members)),
                markdown.code(_cell(members[0])),
            ]
            for cause, blame, service, members in one.groups()
        ]
        parts += [markdown.table(["Service", "Cause", "Object", "Cells", "For example"], rows)] if rows else []
        parts += [f"Cannot tell: {markdown.code(reason)}: {_some(cells)}" for reason, cells in _untold(one).items()]
        parts += [f"Not asked: {markdown.code(text)}" for text in one.not_asked]
    return "\n\n".join(parts) + "\n"


def as_json(found: Sequence[Verified], results: Sequence[Result]) -> str:
    """Return the same as data; docs/verify.md describes it."""
    made = facts.document("Verify", results, proxies=[_proxy(one) for one in found])
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _proxy(found: Verified) -> dict[str, Any]:
    return {
        "name": found.proxy,
        "kind": found.kind,
        "version": found.version,
        "asked": found.asked,
        "clean": found.clean,
        "endpoints": not found.by_name,
        "notes": found.notes,
        "differences": [_difference(one) for one in found.differences],
        "untold": [{**where(one.cell), "reason": one.reason} for one in found.untold],
        "notAsked": found.not_asked,
    }


def where(cell: Cell) -> dict[str, Any]:
    """Return which cell it is, as data."""
    return {
        "service": cell.plan.service.ref.name,
        "namespace": cell.plan.service.ref.namespace,
        "port": cell.port.number,
        "host": cell.host or None,
        "path": cell.request.path,
        "carrier": cell.carrier,
        "value": cell.value,
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        **where(one.cell),
        "cause": one.cause.slug,
        "sentence": _sentence(one.cause.sentence, one.blame),
        "object": one.blame or None,
        "expected": sorted(one.cell.expected.environments),
        "found": one.found,
        "route": one.route or None,
    }
