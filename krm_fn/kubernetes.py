"""The output that every mesh needs: Services that namespaces lack, and labels that pods lack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.config.reader import Configs
from krm_fn.names import full_name
from krm_fn.objects import Object
from krm_fn.output import Output
from krm_fn.plan.answers import Adoption, Copy, Plan
from krm_fn.plan.services import Port
from krm_fn.results import Code, Result
from krm_fn.text.edits import Edit, Put
from krm_fn.values import Manifest


def output(_: Sequence[Object], plan: Plan, __: Configs) -> Output:
    """Return the Services of base namespaces that members lack, and the base's label for pods that are to have it."""
    return Output(
        tuple(map(_service, plan.copies)),
        tuple(_labelled(plan.adoptions)),
        tuple(map(_adopted, plan.adoptions)),
    )


def _service(copy: Copy) -> Manifest:
    """Return a Service without a selector where its original takes part, an alias for every other."""
    ref, original = copy.service.ref, copy.original.ref
    spec: Manifest = {}
    if copy.is_alias:
        spec = {"type": "ExternalName", "externalName": full_name(original.namespace, original.name)}
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
    message = f"counts as {one.environment!r}: its pods get the label {one.label}: {one.environment}"
    return Result(Code.ADOPTED, message, one.workload.ref, one.workload.labels_field)
