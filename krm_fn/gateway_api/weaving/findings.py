"""What keeps a user's route from being woven, and which requests do not follow its copies."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.gateway_api.theirs import Reference
from krm_fn.gateway_api.weaving.loom import Loom, names_of
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.carriers import carriers
from krm_fn.plan.previews import about, host_of
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings

_MOST_HEADERS = _MOST_FILTERS = 16


def find(loom: Loom) -> Iterator[Result]:
    """Yield what keeps a route from being woven, and what it does not follow."""
    ref = loom.one.object.ref
    for reference, plan in loom.found:
        if reference.key == plan.key and not plan.is_narrowed and _needs_base(plan):
            yield _spreads(loom, reference, plan)
    if loom.plans:
        yield from _reading(loom)
        yield from _full(loom)
    if not all(part.fits for part in loom.parts()):
        message = (
            f"has {len(loom.one.rules)} rules, and each would have to stand once more with every carrier of an "
            "environment: more than 16 rules or 128 matches in one route; make several routes of it, by hostname "
            "or by path"
        )
        yield Result(Code.ROUTE_LIMIT, message, ref, "spec.rules")
    taken = {host.lower(): f"the {ref.kind} itself" for host in loom.one.hosts}
    pattern = loom.shown[0].config.preview_hosts if loom.shown else ""
    for environment in loom.known() if pattern else ():
        for host in loom.preview_hosts():
            name = host_of(pattern, environment, host)
            yield from about(ref, "spec.hostnames", pattern=pattern, environment=environment, host=name, taken=taken)


def _full(loom: Loom) -> Iterator[Result]:
    """Yield a finding where a match has no room for the environment's header, or a rule none for a preview's filter."""
    for place, rule in enumerate(loom.one.rules):
        for number, match in enumerate(mappings(rule.get("matches"))):
            if len(mappings(match.get("headers"))) >= _MOST_HEADERS:
                message = (
                    f"has {_MOST_HEADERS} headers, as many as the API takes, and the environment's would be one more: "
                    "take one out, or make it a match of the path"
                )
                where = f"spec.rules[{place}].matches[{number}].headers"
                yield Result(Code.ROUTE_LIMIT, message, loom.one.object.ref, where)
        filters = mappings(rule.get("filters"))
        changed = [mapping(one, "requestHeaderModifier") for one in filters if "requestHeaderModifier" in one]
        is_full = any(len(mappings(one.get("set"))) >= _MOST_HEADERS for one in changed)
        if loom.preview_hosts() and (is_full or (not changed and len(filters) >= _MOST_FILTERS)):
            message = (
                "has as many filters, or sets as many headers, as the API takes, and on a preview host it would set "
                "one more, the environment's: take one out"
            )
            yield Result(Code.ROUTE_LIMIT, message, loom.one.object.ref, f"spec.rules[{place}].filters")


def _spreads(loom: Loom, reference: Reference, plan: ServicePlan) -> Result:
    home = plan.home(plan.base_answer)
    base = loom.backends.names[home, plan.key[1], plan.base_answer or plan.base]
    message = (
        f"leads to {plan.service.ref}, which has pods of several environments ({', '.join(plan.own)}): requests "
        f"that name none of them would reach all of those; set base: selector, so that the Service has the "
        f"base's pods alone, or name {base} here, the generated Service of the base"
    )
    return Result(Code.ROUTE_SPREADS, message, loom.one.object.ref, f"{reference.field}.name")


def _reading(loom: Loom) -> Iterator[Result]:
    ref, header = loom.one.object.ref, loom.plans[0].config.env_header
    known = {one.name: one for one in carriers(header)}
    for place, rule in enumerate(loom.one.rules):
        for number, match in enumerate(mappings(rule.get("matches"))):
            for name in names_of(match) & known.keys():
                where = f"spec.rules[{place}].matches[{number}].headers"
                if known[name].shared:
                    message = (
                        f"matches the header {name}, which may carry the environment, too, and a match names a "
                        "header once: requests that it takes have their environment read from the other carriers "
                        f"only, such as {header.name}"
                    )
                    yield Result(Code.ROUTE_READS_ENVIRONMENT, message, ref, where)
                else:
                    message = (
                        f"matches the header {name}, which carries the environment: it could not be told from the "
                        "generated rules, which match it, too; leave the environments to this function and remove "
                        "that match"
                    )
                    yield Result(Code.ROUTE_UNWOVEN, message, ref, where)
        for number, one in enumerate(mappings(rule.get("filters"))):
            if header.name.lower() in _set_by(one):
                where = f"spec.rules[{place}].filters[{number}]"
                message = (
                    f"sets the header {header.name}, which says the environment, and leads to a Service "
                    "of several: name the generated Service of that environment as its backend, and it stays"
                )
                yield Result(Code.ROUTE_UNWOVEN, message, ref, where)


def _needs_base(plan: ServicePlan) -> bool:
    return plan.base_answer is not None or plan.config.unmatched == "reject"


def _set_by(one: Value) -> set[str]:
    change = mapping(one, "requestHeaderModifier")
    return {str(each.get("name", "")).lower() for key in ("set", "add") for each in mappings(change.get(key))}
