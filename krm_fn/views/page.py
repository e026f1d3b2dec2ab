"""One self-contained HTML page: the environments as a tree beside the Services, and who answers where.

The page runs no script and no style but its own, loads nothing, and shows every name as text: the data stands in a
block that no browser executes, and the script writes it by `textContent` only.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import NamedTuple

from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.results import Result
from krm_fn.views import facts
from krm_fn.views.change import Comparison
from krm_fn.views.diff import HEADS, change_json, warnings
from krm_fn.views.facts import Json

# The data of a page must not end its own block, nor start a comment in it, whatever names it holds.
_IN_SCRIPT = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_SCRIPTS = ("model.js", "elements.js", "grid.js", "why.js", "choosing.js", "input.js")  # one scope, in this order


class Side(NamedTuple):
    """A plan to show, and what there is to say about its list."""

    plan: Plan
    results: Sequence[Result]


def page(title: str, now: Side, before: Side | None = None, comparison: Comparison | None = None) -> str:
    """Return the page of a plan, or of what separates it from an earlier one.

    Args:
        title: what the page is about, as text.
        now: the plan to show.
        before: the plan that the page can be switched to.
        comparison: what separates the two.
    """
    sides = [one for one in (now, before) if one]
    environments = _environments([one.plan for one in sides])
    names = {facts.full_name(one.service) for side in sides for one in side.plan.services}
    data: Json = {
        "names": sorted(names, key=facts.natural),
        "sides": [_side(one, [node["name"] for node in environments]) for one in sides],
        "changes": _changes(comparison) if comparison else None,
        "settings": ["".join(text for text, _ in one) for one in warnings(comparison)] if comparison else [],
        "environments": environments,
    }
    style = _asset("page.css")
    script = '"use strict";\n{\n' + "\n".join(map(_asset, _SCRIPTS)) + "}\n"
    return _filled(
        _asset("page.html"),
        {
            "title": escape(title),
            "policy": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'",
            "style": style,
            "script": script,
            "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT),
        },
    )


def _changes(comparison: Comparison) -> list[Json]:
    return [change_json(one) | {"heading": HEADS[one.kind]} for one in comparison.changes]


def _side(side: Side, environments: Sequence[str]) -> Json:
    """Return one side's data; what the Services of a namespace know alike stands once."""
    known = [sorted(one) for one in dict.fromkeys(service.known for service in side.plan.services)]
    return {
        "known": known,
        "services": [
            _service(one, environments) | {"known": known.index(sorted(one.known))} for one in side.plan.services
        ],
        "apart": [facts.apart_json(one) for one in side.plan.apart],
        "findings": [{"severity": str(one.severity), "text": one.line(), "place": _place(one)} for one in side.results],
    }


def _service(plan: ServicePlan, environments: Sequence[str]) -> Json:
    """Return a Service with its answers: places in `owners` for each environment, -1 for nobody."""
    owners = {name: place for place, name in enumerate(plan.own)}
    found = [plan.answer(name).environment for name in environments]
    return {
        **facts.service_json(plan),
        "owners": list(owners),
        "answers": [-1 if one is None else owners[one] for one in found],
    }


def _place(result: Result) -> str:
    return f"{result.ref.kind}/{result.ref.namespace}/{result.ref.name}" if result.ref else ""


def _environments(plans: Sequence[Plan]) -> list[Json]:
    """Return every environment of the plans as one tree, the bases' trees first."""
    services = [one for plan in plans for one in plan.services]
    known = frozenset[str]().union(*(one.known for one in services))
    if not services:
        return []
    nodes = facts.tree(known, services[0].splitter, services[0].base)
    return [{"name": node.name, "depth": node.depth} for node in nodes]


def _asset(name: str) -> str:
    return files("krm_fn.views").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return a source expression of https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """Fill {{name}} in one pass, so that no part is looked at for marks of another."""
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled += [parts[name], rest]
    return "".join(filled)
