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
from typing import Any, NamedTuple

from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.services import Workload
from krm_fn.results import Ref, Result
from krm_fn.views import facts
from krm_fn.views.change import Comparison
from krm_fn.views.diff import HEADS, change_json, warnings
from krm_fn.views.facts import Json
from krm_fn.views.who import answers, fixed, follows_header, word

# The data of a page must not end its own block, nor start a comment in it, whatever names it holds.
_IN_SCRIPT = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_SCRIPTS = ("model.js", "elements.js", "grid.js", "why.js", "choosing.js", "input.js")  # one scope, in this order


class Side(NamedTuple):
    """A plan to show, what there is to say about its list, and the label that names environments there."""

    plan: Plan
    results: Sequence[Result]
    label: str = "virtual-env"


class Overlay(NamedTuple):
    """What a running proxy does otherwise, or what of it nobody can tell, for one Service and one value.

    Attributes:
        service: NAME or NAMESPACE/NAME, as the plan has it.
        value: the environment that the request carries; None for none.
        differs: whether the proxy does something else; otherwise nobody can tell.
        text: the same in words.
    """

    service: str
    value: str | None
    differs: bool
    text: str


class Verified(NamedTuple):
    """What was found of one proxy: in a line, and cell by cell."""

    summary: str
    cells: Sequence[Overlay]


def page(
    title: str,
    now: Side,
    before: Side | None = None,
    comparison: Comparison | None = None,
    verified: Sequence[Verified] = (),
) -> str:
    """Return the page of a plan, or of what separates it from an earlier one.

    Args:
        title: what the page is about, as text.
        now: the plan to show.
        before: the plan that the page can be switched to.
        comparison: what separates the two.
        verified: what running proxies do, to be shown over the plan.
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
        "mesh": [{"summary": one.summary, "cells": [cell._asdict() for cell in one.cells]} for one in verified],
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
    """Return one side's data, short: what many Services have alike stands once, and they have its place."""
    shared = _Shared(environments)
    services = [shared.service(one) for one in side.plan.services]
    return {
        "known": [sorted(map(shared.environment, one)) for one in shared.known],
        "settings": [json.loads(one) for one in shared.settings],
        "ports": [json.loads(one) for one in shared.ports],
        "texts": list(shared.texts),
        "services": services,
        "apart": [facts.apart_json(one) for one in side.plan.apart],
        "label": side.label,
        "findings": [
            {
                "severity": str(one.severity),
                "text": one.line(),
                "places": [_place(one.ref)] if one.ref else [],
                "about": [_place(ref) for ref in one.about],
            }
            for one in side.results
        ],
    }


class _Shared:
    """What the Services of a side have alike, each with its place; model.js puts it back."""

    def __init__(self, environments: Sequence[str]) -> None:
        self._environments = {name: place for place, name in enumerate(environments)}
        self.known: dict[frozenset[str], int] = {}
        self.settings: dict[str, int] = {}
        self.ports: dict[str, int] = {}
        self.texts: dict[str, int] = {}

    def environment(self, name: str) -> int:
        return self._environments[name]

    def service(self, plan: ServicePlan) -> Json:
        """Return a Service; an answer is a letter, from 0 on: the place of its environment in `own`; / is nobody."""
        own = list(plan.own)
        letters: dict[str | None, str] = {None: "/", **{name: chr(48 + place) for place, name in enumerate(own)}}
        who = answers(plan)
        ports = json.dumps(
            [[one.number, one.name, facts.port_rule(plan, one)] for one in plan.service.ports], ensure_ascii=False
        )
        always = fixed(plan)
        whole = all(one.exact == (one.environment,) and one.prefix for one in plan.routes)
        return {
            **_without_nothing(facts.identity(plan.service)),
            "known": self.known.setdefault(plan.known, len(self.known)),
            "settings": _place_in(self.settings, json.dumps(facts.settings(plan), ensure_ascii=False)),
            "ports": _place_in(self.ports, ports),
            "own": [[self.environment(name), self._workloads(plan, plan.own[name].workloads)] for name in own],
            "answers": "".join(letters[who(name).environment] for name in self._environments),
            "routes": [self.environment(one.environment) for one in plan.routes]
            if whole
            else [[one.environment, list(one.exact), one.prefix] for one in plan.routes],
            **_without_nothing(
                {
                    "absent": [
                        [name, self._workloads(plan, found), [one.absent for one in found]]
                        for name, found in plan.absent.items()
                    ],
                    "baseAnswer": plan.base_answer,
                    "notRouted": not plan.needs_routes,
                    "exception": facts.exception(plan),
                    "otherwise": word(plan),
                    "always": always is not None,
                    "byCaller": always is None and plan.is_split and not follows_header(plan),
                }
            ),
        }

    def _workloads(self, plan: ServicePlan, workloads: Sequence[Workload]) -> list[Json | list[Any]]:
        found: list[Json | list[Any]] = []
        for one in workloads:
            ref = one.ref
            place = [_place_in(self.texts, text) for text in (ref.kind, ref.file)]
            elsewhere = [ref.namespace] if ref.namespace != plan.service.ref.namespace else []
            found.append([place[0], ref.name, place[1], *elsewhere])
        return found


def _without_nothing(value: Json) -> Json:
    return {key: one for key, one in value.items() if one}


def _place_in(places: dict[str, int], text: str) -> int:
    return places.setdefault(text, len(places))


def _place(ref: Ref) -> str:
    return f"{ref.kind}/{ref.namespace}/{ref.name}"


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
