"""Plan → what Istio needs for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.config.reader import Configs
from krm_fn.istio import inject, rule, theirs
from krm_fn.istio.checks import filters, gateways, rules, subsets, visibility
from krm_fn.istio.manifests import Weaving, manifests
from krm_fn.istio.order import ordered
from krm_fn.istio.theirs import Theirs
from krm_fn.objects import Object
from krm_fn.output import Output
from krm_fn.plan import previews
from krm_fn.plan.answers import Plan
from krm_fn.results import Result


def output(objects: Sequence[Object], plan: Plan, configs: Configs) -> Output:
    """Return the objects of Istio's that make the plan true, and what is to be woven into the user's own."""
    own = theirs.read(objects)
    weaving = _woven(own, objects, plan, configs)
    made = [*inject.manifests(plan), *manifests(plan, weaving)]
    said = (*weaving.results, *_checked(own, objects, plan, configs.cluster_domain))
    return Output(tuple(ordered(made, configs)), weaving.edits, said)


def _woven(own: Theirs, objects: Sequence[Object], plan: Plan, configs: Configs) -> Weaving:
    if not (own.routes or own.rules or own.wrong):
        return Weaving()
    from krm_fn.istio.weaving.loom import weave  # noqa: PLC0415 - a list without such objects need not load it

    return weave(own, objects, plan, configs)


def _checked(own: Theirs, objects: Sequence[Object], plan: Plan, domain: str) -> Iterator[Result]:
    yield from rule.findings(plan)
    yield from gateways.find(own, plan)
    yield from previews.find(plan)
    yield from visibility.find(own, objects, plan, domain)
    yield from subsets.find(own, plan, domain)
    yield from rules.find(own, plan, domain)
    yield from filters.find(own, objects, plan, domain)
