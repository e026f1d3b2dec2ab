"""The output that every mesh needs: Services that namespaces lack, labels that pods lack or that Services ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.config.reader import Configs
from krm_fn.names import full_name
from krm_fn.objects import SELECTOR, Object, added_label, annotations_of
from krm_fn.output import Output
from krm_fn.plan import target_ports
from krm_fn.plan.answers import Adoption, Copy, Plan
from krm_fn.plan.services import Port
from krm_fn.results import Code, Result
from krm_fn.text.edits import Edit, Path, Put
from krm_fn.values import Manifest, mapping


def output(objects: Sequence[Object], plan: Plan, configs: Configs) -> Output:
    """Return the Services of base namespaces that members lack, and the base's label where it is to be added.

    That is to pods without it (`unlabelled: adopt`), and to Services that are to select the base alone
    (`base: selector`).
    """
    return Output(
        tuple(_service(one, configs.cluster_domain) for one in plan.copies),
        (*_labelled(plan.adoptions), *_narrowed(objects, plan, configs.owner)),
        (*map(_adopted, plan.adoptions), *target_ports.find(objects, plan)),
    )


_ANNOTATIONS = ("metadata", "annotations")


def _narrowed(objects: Sequence[Object], plan: Plan, owner: str) -> Iterator[Edit]:
    """Yield the edits of Services that are to select the base alone, and of those that no longer are."""
    wanted = {one.key: one for one in plan.services if one.is_narrowed}
    for one in objects:
        if one.ref.kind != "Service" or one.ref.api_version != "v1" or not one.is_source:
            continue
        service = wanted.get((one.ref.namespace, one.ref.name))
        added = added_label(one.value, owner)
        label = service.config.env_label.name if service else ""
        base = (service.base_answer or service.base) if service else ""
        selector = mapping(mapping(one.value, "spec"), "selector")
        if added != label or (label and selector.get(label) != base):
            is_alone = bool(added) and annotations_of(one.value).keys() == {SELECTOR}
            emptied = (_ANNOTATIONS,) * is_alone
            removals = tuple(_of_mark(one, added, is_alone=is_alone))
            yield Edit(one.position, removals, tuple(_mark(owner, label, base)), emptied)


def _of_mark(one: Object, added: str, *, is_alone: bool) -> Iterator[Path]:
    """Yield the places of what was added to a Service's selector, and of the annotation that says so beside others."""
    if added:
        if added in mapping(mapping(one.value, "spec"), "selector"):
            yield ("spec", "selector", added)
        if not is_alone:
            yield (*_ANNOTATIONS, SELECTOR)


def _mark(owner: str, label: str, base: str) -> Iterator[Put]:
    if label:
        yield Put(("spec", "selector"), label, base)
        yield Put(_ANNOTATIONS, SELECTOR, f"{owner} {label}")


def _service(copy: Copy, domain: str) -> Manifest:
    """Return a Service without a selector where its original takes part, an alias for every other."""
    ref, original = copy.service.ref, copy.original.ref
    spec: Manifest = {}
    if copy.is_alias:
        spec = {"type": "ExternalName", "externalName": full_name(original.namespace, original.name, domain)}
    spec |= {"ports": [_port(port) for port in copy.service.ports]} if copy.service.ports else {}
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _port(port: Port) -> Manifest:
    fields = {
        "name": port.name or None,
        "port": port.number,
        "protocol": None if port.transport == "TCP" else port.transport,
        "appProtocol": port.app_protocol,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _labelled(adoptions: Sequence[Adoption]) -> Iterator[Edit]:
    """Yield the edits of pod templates. Selectors stay."""
    for one in adoptions:
        path = tuple(one.workload.labels_field.split("."))
        yield Edit(one.workload.position, (), (Put(path, one.label, one.environment),))


def _adopted(one: Adoption) -> Result:
    message = (
        f"counts as {one.environment!r}: its pods get the label {one.label}: {one.environment}; where they run "
        "without it, they restart once when it is applied: routes after them"
    )
    return Result(Code.ADOPTED, message, one.workload.ref, one.workload.labels_field)
