"""One Service or workload → typed data, with every mistake in it as a finding that names its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from krm_fn.objects import Object, annotations_of, labels_of
from krm_fn.plan import controllers, kinds
from krm_fn.plan.services import Port, Service, Workload, traffic_of
from krm_fn.results import Code, Result, Severity, shown
from krm_fn.values import mapping, whole

_ANNOTATIONS = tuple(f"metadata.annotations.kt-virtual-environment/{name}" for name in ("gateways", "hosts", "rule"))
_MAX_PORT = 65535
_TEXTS = frozenset([str])


class Reader:
    """Reads one object; every mistake becomes a finding that names its field.

    Attributes:
        results: what was found so far.
        labels: those of its pods, as text whatever they are.
    """

    __slots__ = ("labels", "one", "results")

    def __init__(self, one: Object) -> None:
        self.one = one
        self.results: list[Result] = []
        self.labels: Mapping[str, str] = {}

    def service(self, added: str) -> Service | None:
        """Read a Service; `added` is the label that an earlier run added to its selector."""
        self.identity()
        spec = self.mapping(self.one.value, "spec", "spec")
        self.no_duplicates(
            "metadata.name",
            "metadata.namespace",
            *_ANNOTATIONS,
            "spec.selector",
            "spec.ports",
            "spec.type",
            "spec.clusterIP",
        )
        selector = self.strings(spec, "selector", "spec.selector")
        selector = {key: text for key, text in selector.items() if key != added} if added else selector
        ports = tuple(
            port
            for place, value in enumerate(self.sequence(spec, "ports", "spec.ports"))
            if (port := self.port(value, f"spec.ports[{place}]"))
        )
        external = spec.get("type") == "ExternalName"
        headless = spec.get("clusterIP") == "None"
        if self.results:
            return None
        return Service(self.one.ref, selector or None, ports, headless, external, annotations_of(self.one.value))

    def workload(self, template_path: str, woken: bool) -> Workload | None:
        kind = self.one.ref.kind
        at: Mapping[str, Any] = self.one.value
        for step, path in _steps(template_path):
            if at.get(step) is None:
                return None  # a Rollout that names its Deployment, a kind that is not used as one with pods
            at = self.mapping(at, step, path)
        self.identity()
        is_entry = kind == "WorkloadEntry"  # whose labels stand beside its address
        meta_path = template_path if is_entry else f"{template_path}.metadata".lstrip(".")
        labels_field = f"{meta_path}.labels"
        self.no_duplicates("metadata.name", "metadata.namespace", labels_field, "spec.replicas")
        metadata = at if is_entry else self.mapping(at, "metadata", meta_path)
        labels = self.strings(metadata, "labels", labels_field)
        self.labels = (
            {key: str(value) for key, value in mapping(metadata, "labels").items()} if self.results else labels
        )
        absent = "" if woken else self.absent(self.mapping(self.one.value, "spec", "spec"))
        if self.results and any(found.severity is Severity.ERROR for found in self.results):
            return None
        serves = kind not in kinds.RUN_TO_COMPLETION
        own = labels_of(self.one.value)
        later = controllers.pod_labels(self.one) if kind == "Rollout" else frozenset()
        return Workload(self.one.ref, labels, labels_field, absent, serves, self.one.position, own, later)

    def absent(self, spec: Mapping[str, Any]) -> str:
        kind = self.one.ref.kind
        for name in ("replicas", "parallelism"):
            count = spec.get(name)
            if count is not None and ((number := whole(count)) is None or number < 0):
                message = f"is no number of pods, but {shown(count)}: it counts as having pods"
                self.results.append(Result(Code.REPLICAS_UNREAD, message, self.one.ref, f"spec.{name}"))
        if kind == "Pod":
            return ""
        if whole(spec.get("replicas")) == 0 and kind != "DaemonSet":
            return "replicas: 0"
        if kind in kinds.RUN_TO_COMPLETION and whole(spec.get("parallelism")) == 0:
            return "parallelism: 0"
        return "suspend: true" if kind in kinds.RUN_TO_COMPLETION and spec.get("suspend") is True else ""

    def port(self, value: object, path: str) -> Port | None:
        if not isinstance(value, dict):
            self.wrong(f"must be a mapping with a port, found {shown(value)}", path)
            return None
        number = whole(value.get("port"))
        if number is None or not 0 < number <= _MAX_PORT:
            message = f"must be a port number from 1 to {_MAX_PORT}, found {shown(value.get('port'))}"
            self.wrong(message, f"{path}.port")
            return None
        texts: dict[str, str | None] = {}
        for key in ("name", "protocol", "appProtocol"):
            text = value.get(key)
            if text is not None and not isinstance(text, str):
                self.wrong(_not_a_string(text), f"{path}.{key}")
                text = None
            texts[key] = text
        name = texts["name"] or ""
        transport = texts["protocol"] or "TCP"
        traffic, protocol = traffic_of(number, name, transport, texts["appProtocol"])
        return Port(number, name, traffic, protocol, transport, texts["appProtocol"])

    def identity(self) -> None:
        metadata = self.mapping(self.one.value, "metadata", "metadata")
        for key in ("name", "namespace"):
            text = metadata.get(key)
            if text is not None and not isinstance(text, str):
                self.wrong(_not_a_string(text), f"metadata.{key}")
        if not metadata.get("name") and not (self.one.ref.kind != "Service" and metadata.get("generateName")):
            self.wrong("must name the object", "metadata.name")

    def no_duplicates(self, *read_paths: str) -> None:
        for path in self.one.duplicates:
            if any(_nested(path, other) or _nested(other, path) for other in read_paths):
                message = "is given twice with different values: readers disagree on which one holds; keep one"
                self.results.append(Result(Code.DUPLICATE_KEY, message, self.one.ref, path))

    def strings(self, parent: Mapping[str, Any], key: str, path: str) -> Mapping[str, str]:
        values = self.mapping(parent, key, path)
        if _TEXTS.issuperset(map(type, values.values())):
            return values
        texts: dict[str, str] = {}
        for name, value in values.items():
            if value is None or isinstance(value, str):
                texts[name] = value or ""
            else:
                self.wrong(_not_a_string(value), f"{path}.{name}")
        return texts

    def mapping(self, parent: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any]:
        value = parent.get(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(f"must be a mapping, found {shown(value)}", path)
        return value if isinstance(value, dict) else {}

    def sequence(self, parent: Mapping[str, Any], key: str, path: str) -> Sequence[Any]:
        value = parent.get(key)
        if value is not None and not isinstance(value, list):
            self.wrong(f"must be a list, found {shown(value)}", path)
        return value if isinstance(value, list) else []

    def wrong(self, message: str, path: str) -> None:
        self.results.append(Result(Code.OBJECT_INVALID, message, self.one.ref, path))


@cache  # of the few kinds that a list has
def _steps(dotted: str) -> tuple[tuple[str, str], ...]:
    """Return the keys of a dotted path, each with the path that ends there."""
    keys = dotted.split(".") if dotted else []
    return tuple((key, ".".join(keys[: place + 1])) for place, key in enumerate(keys))


def _not_a_string(value: object) -> str:
    if isinstance(value, (dict, list)):
        return f"must be a string, found {shown(value)}"
    read_as = "a boolean" if isinstance(value, bool) else "a number"
    return f"must be a string, but YAML reads {shown(value)} as {read_as}: put it in quotes"


def _nested(path: str, parent: str) -> bool:
    return path == parent or path.startswith((f"{parent}.", f"{parent}["))
