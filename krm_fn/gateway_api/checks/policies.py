"""Policies that are attached to a Service or a route of the user's, beside which requests now go.

https://gateway-api.sigs.k8s.io/reference/policy-attachment/: a policy names its targets, and holds for no others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from krm_fn.gateway_api.backends import GROUP, Backends
from krm_fn.gateway_api.routes import Wanted
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan
from krm_fn.results import Code, Result
from krm_fn.values import mapping, mappings

_MOST_SHOWN = 3
_Target = tuple[str, str, str]  # kind, namespace, name


def find(objects: Sequence[Object], plan: Plan, backends: Backends, woven: Sequence[Wanted]) -> Iterator[Result]:
    """Yield a finding for each policy that holds for a Service or a route, and not for what requests follow instead."""
    beside = _beside(plan, backends, woven)
    if not beside:
        return
    targets = [
        (one, field, target)
        for one in objects
        if _may_be_a_policy(one) and one.is_source
        for field, target in _targets(one)
    ]
    named: dict[str, set[_Target]] = defaultdict(set)
    for one, _, target in targets:
        named[one.ref.kind].add(target)
    for one, field, target in targets:
        left = sorted(set(beside.get(target, ())) - named[one.ref.kind])
        if left:
            yield _passed_by(one, field, target, left)


def _beside(plan: Plan, backends: Backends, woven: Sequence[Wanted]) -> Mapping[_Target, Collection[_Target]]:
    """Return what requests follow instead of a Service or a route."""
    found: dict[_Target, list[_Target]] = defaultdict(list)
    homes = {(one.home(name), one.key[1], name): one for one in plan.services for name in one.own}
    for one, name in backends.names.items():
        if one in homes and homes[one].is_split:
            found["Service", *homes[one].key].append(("Service", one[0], name))
    for route in woven:
        found[route.kind, route.namespace, route.source[0]].append((route.kind, route.namespace, route.name))
    return found


def _may_be_a_policy(one: Object) -> bool:
    """Tell whether a kind may attach to Services or routes; Istio's hold for the name that was asked for."""
    return ("." in one.group and not one.group.endswith((".istio.io", ".k8s.io"))) or one.group == GROUP


def _targets(one: Object) -> Iterator[tuple[str, _Target]]:
    spec = mapping(one.value, "spec")
    single = mapping(spec, "targetRef")
    listed = [("spec.targetRef", single)] if single else []
    listed += [(f"spec.targetRefs[{place}]", each) for place, each in enumerate(mappings(spec.get("targetRefs")))]
    for field, target in listed:
        namespace = str(target.get("namespace") or one.ref.namespace)
        yield field, (str(target.get("kind")), namespace, str(target.get("name")))


def _passed_by(one: Object, field: str, target: _Target, left: Sequence[_Target]) -> Result:
    kind, _, name = target
    names = ", ".join(each[2] for each in left[:_MOST_SHOWN]) + (", …" if len(left) > _MOST_SHOWN else "")
    why = (
        "routes lead to a Service for each environment"
        if kind == "Service"
        else "requests that name an environment follow the generated routes beside it"
    )
    message = (
        f"holds for {kind} {name} itself, and {why}, for which it does not hold: name those as well ({names}), or say "
        "it for the whole Gateway or namespace"
    )
    return Result(Code.RULE_PASSED_BY, message, one.ref, field)
