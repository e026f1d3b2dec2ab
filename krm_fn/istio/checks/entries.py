"""ServiceEntries that have the pods of Services of several environments, or are other names of such Services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from krm_fn.istio.hosts import Hosts
from krm_fn.names import full_name
from krm_fn.objects import Object
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings, strings


def find(one: Object, split: Mapping[Key, ServicePlan], hosts: Hosts) -> Iterator[Result]:
    """Yield what there is to say about a ServiceEntry, by the Services of several environments."""
    spec = mapping(one.value, "spec")
    names = strings(spec.get("hosts"))
    own = [split[key] for name in names if "." in name and (key := hosts.find(name, ""))]
    if len(own) < len(names):
        yield from _selecting(one, spec, split.values())
        yield from _leading(one, spec, split, hosts)
    for plan in own:
        if plan.service.ref.namespace == one.ref.namespace:
            yield from _beside(one, spec, plan)


def _selecting(one: Object, spec: Value, split: Iterable[ServicePlan]) -> Iterator[Result]:
    """Yield a finding where a ServiceEntry has pods of several environments under a host of its own."""
    wanted = mapping(mapping(spec, "workloadSelector"), "labels").items()
    pods = [
        (name, plan)
        for plan in (split if wanted else ())
        for name, own in plan.own.items()
        if any(pod.ref.namespace == one.ref.namespace and wanted <= pod.labels.items() for pod in own.workloads)
    ]
    environments = {name for name, _ in pods}
    if len(environments) > 1:
        refs = tuple(dict.fromkeys(plan.service.ref for _, plan in pods))
        hosts = ", ".join(strings(spec.get("hosts")))
        message = (
            f"selects pods of {', '.join(sorted(environments))} for {hosts}: requests for that host pass no routes of "
            f"{', '.join(map(str, refs))} and reach pods of any environment; call the Service by its own name, or add "
            "the base's label to the selector"
        )
        yield Result(Code.OUTSIDE_DOOR, message, one.ref, "spec.workloadSelector", refs)


def _leading(one: Object, spec: Value, split: Mapping[Key, ServicePlan], hosts: Hosts) -> Iterator[Result]:
    """Yield a finding where a name of its own is looked up, by DNS, as a Service's: nothing there knows its routes."""
    if not str(spec.get("resolution", "")).startswith("DNS"):
        return
    addresses = [
        (f"spec.endpoints[{place}].address", str(each.get("address", "")))
        for place, each in enumerate(mappings(spec.get("endpoints")))
    ]
    for field, address in addresses:
        name, _, rest = address.rstrip(".").partition(".")
        place, _, suffix = rest.partition(".")
        full = full_name(place, name, hosts.domain)
        if suffix in ("", "svc", f"svc.{hosts.domain}") and (key := hosts.find(full, "")):
            plan = split[key]
            message = (
                f"leads to {plan.service.ref} by its name in DNS: such requests pass none of its routes and reach pods "
                f"of any environment ({', '.join(plan.own)}); call the Service by its own name, or lead there by a "
                f"VirtualService with the destination {full}"
            )
            yield Result(Code.OUTSIDE_DOOR, message, one.ref, field, (plan.service.ref,))


def _beside(one: Object, spec: Value, plan: ServicePlan) -> Iterator[Result]:
    """Yield a finding where endpoints stand beside a Service's pods: Istio joins those of one host and namespace."""
    label = plan.config.env_label.name
    for place, each in enumerate(mappings(spec.get("endpoints"))):
        environment = mapping(each, "labels").get(label)
        if environment not in plan.own:
            carries = f"carries {environment!r}, which no pod has" if environment else f"carries no label {label!r}"
            message = (
                f"stands beside the pods of {plan.service.ref}, and {carries}: no route leads there any more; add the "
                "label (the base's value if it is the base), or give the ServiceEntry a host of its own"
            )
            field = f"spec.endpoints[{place}].labels"
            yield Result(Code.UNLABELLED_WORKLOAD, message, one.ref, field, (plan.service.ref,))
