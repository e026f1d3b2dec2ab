"""Objects → Services and Workloads: plain typed data, with every mistake in them as a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from krm_fn.config.reader import Configs
from krm_fn.objects import Object, added_label, annotations_of, group_of
from krm_fn.plan.services import Port, Service, Workload, traffic_of
from krm_fn.results import Code, Ref, Result, shown


class Inventory(NamedTuple):
    """What a list holds, in the order of the list; `namespaces` are those that it has anything in, or defines."""

    services: tuple[Service, ...]
    workloads: tuple[Workload, ...]
    results: tuple[Result, ...]
    namespaces: frozenset[str] = frozenset()


# (API group, kind) → where the pod template stands
_TEMPLATES: Mapping[tuple[str, str], str] = {
    ("apps", "Deployment"): "spec.template",
    ("extensions", "Deployment"): "spec.template",
    ("apps", "StatefulSet"): "spec.template",
    ("apps", "DaemonSet"): "spec.template",
    ("extensions", "DaemonSet"): "spec.template",
    ("apps", "ReplicaSet"): "spec.template",
    ("extensions", "ReplicaSet"): "spec.template",
    ("", "ReplicationController"): "spec.template",
    ("", "Pod"): "",
    ("batch", "Job"): "spec.template",
    ("batch", "CronJob"): "spec.jobTemplate.spec.template",
    ("argoproj.io", "Rollout"): "spec.template",
    ("apps.openshift.io", "DeploymentConfig"): "spec.template",
    ("apps.kruise.io", "CloneSet"): "spec.template",
    ("apps.kruise.io", "StatefulSet"): "spec.template",
    ("apps.kruise.io", "DaemonSet"): "spec.template",
    ("apps.kruise.io", "BroadcastJob"): "spec.template",
    ("apps.kruise.io", "AdvancedCronJob"): "spec.template.jobTemplate.spec.template",
}
_RUN_TO_COMPLETION = {"Job", "CronJob", "BroadcastJob", "AdvancedCronJob"}

_MAX_PORT = 65535


def read(objects: Sequence[Object], configs: Configs) -> Inventory:
    """Read every source among the objects; configurations may name further kinds of workloads.

    The result's findings hold every mistake in what was read; an object with mistakes is left out.
    """
    results: list[Result] = []
    services: list[Service] = []
    workloads: list[Workload] = []
    templates = _templates(configs)
    woken = _woken(objects)
    for one in objects:
        key = (group_of(one.ref.api_version), one.ref.kind)
        if one.ref.kind == "Service" and one.ref.api_version == "v1" and one.is_source:
            service = _Reader(one, results).service(added_label(one.value, configs.owner))
            services += [service] if service else []
        elif key in templates and one.is_source:
            workload = _Reader(one, results).workload(templates[key], _named(one.ref) in woken)
            workloads += [workload] if workload else []
    sources = [one.ref for one in objects if one.is_source]
    namespaces = {ref.name if ref.kind == "Namespace" else ref.namespace for ref in sources}
    return Inventory(tuple(services), tuple(workloads), tuple(results), frozenset(namespaces))


def _templates(configs: Configs) -> Mapping[tuple[str, str], str]:
    sources = [configs.default, *configs.by_namespace.values()]
    further = [kind for source in sources for kind in source.config.workloads]
    return {**_TEMPLATES, **{(group_of(kind.api_version), kind.kind): kind.template_path for kind in further}}


def _named(ref: Ref) -> tuple[str, str, str]:
    return (ref.namespace, ref.kind, ref.name)


def _woken(objects: Iterable[Object]) -> set[tuple[str, str, str]]:
    """Return (namespace, kind, name) of workloads that something else scales up from zero."""
    woken: set[tuple[str, str, str]] = set()
    for one in objects:
        kind, spec = one.ref.kind, one.value.get("spec")
        if kind not in ("ScaledObject", "HorizontalPodAutoscaler", "Rollout") or not isinstance(spec, dict):
            continue
        target = spec.get("workloadRef" if kind == "Rollout" else "scaleTargetRef")
        acts_at_zero = kind != "HorizontalPodAutoscaler" or spec.get("minReplicas") == 0
        rollout_absent = kind == "Rollout" and spec.get("replicas") == 0
        if isinstance(target, dict) and acts_at_zero and not rollout_absent:
            woken.add((one.ref.namespace, str(target.get("kind", "Deployment")), str(target.get("name"))))
    return woken


class _Reader:
    """Reads one object; every mistake becomes a finding that names its field."""

    __slots__ = ("before", "one", "results")

    def __init__(self, one: Object, results: list[Result]) -> None:
        self.one = one
        self.results = results
        self.before = len(results)

    def service(self, added: str) -> Service | None:
        """Read a Service; `added` is the label that an earlier run added to its selector."""
        self.identity()
        spec = self.mapping(self.one.value, "spec", "spec")
        self.no_duplicates("metadata", "spec.selector", "spec.ports", "spec.type", "spec.clusterIP")
        selector = self.strings(spec, "selector", "spec.selector")
        selector = {key: text for key, text in selector.items() if key != added} if added else selector
        ports = tuple(
            port
            for place, value in enumerate(self.sequence(spec, "ports", "spec.ports"))
            if (port := self.port(value, f"spec.ports[{place}]"))
        )
        external = spec.get("type") == "ExternalName"
        headless = spec.get("clusterIP") == "None"
        if len(self.results) > self.before:
            return None
        return Service(self.one.ref, selector or None, ports, headless, external, annotations_of(self.one.value))

    def workload(self, template_path: str, woken: bool) -> Workload | None:
        kind = self.one.ref.kind
        at: Mapping[str, Any] = self.one.value
        path = ""
        for step in template_path.split(".") if template_path else ():
            path = f"{path}.{step}".lstrip(".")
            at = self.mapping(at, step, path)
        if not at:
            return None  # a Rollout that names its Deployment, a kind that is not used as one with pods
        self.identity()
        meta_path = f"{path}.metadata".lstrip(".")
        labels_field = f"{meta_path}.labels"
        self.no_duplicates("metadata.name", "metadata.namespace", meta_path, "spec.replicas")
        labels = self.strings(self.mapping(at, "metadata", meta_path), "labels", labels_field)
        absent = "" if woken else self.absent(self.mapping(self.one.value, "spec", "spec"))
        if len(self.results) > self.before:
            return None
        serves = kind not in _RUN_TO_COMPLETION
        own = self.mapping(self.one.value, "metadata", "metadata").get("labels")
        own = own if isinstance(own, dict) else {}
        return Workload(self.one.ref, labels, labels_field, absent, serves, self.one.position, own)

    def absent(self, spec: Mapping[str, Any]) -> str:
        kind = self.one.ref.kind
        for name in ("replicas", "parallelism"):
            count = spec.get(name)
            if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
                self.wrong(f"must be a whole number of pods, found {shown(count)}", f"spec.{name}")
        if kind == "Pod":
            return ""
        if spec.get("replicas") == 0 and kind != "DaemonSet":
            return "replicas: 0"
        if kind in _RUN_TO_COMPLETION and spec.get("parallelism") == 0:
            return "parallelism: 0"
        return "suspend: true" if kind in _RUN_TO_COMPLETION and spec.get("suspend") is True else ""

    def port(self, value: object, path: str) -> Port | None:
        if not isinstance(value, dict):
            self.wrong(f"must be a mapping with a port, found {shown(value)}", path)
            return None
        number = value.get("port")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= _MAX_PORT:
            self.wrong(f"must be a port number from 1 to {_MAX_PORT}, found {shown(number)}", f"{path}.port")
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
        if all(type(value) is str for value in values.values()):
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


def _not_a_string(value: object) -> str:
    if isinstance(value, (dict, list)):
        return f"must be a string, found {shown(value)}"
    read_as = "a boolean" if isinstance(value, bool) else "a number"
    return f"must be a string, but YAML reads {shown(value)} as {read_as}: put it in quotes"


def _nested(path: str, parent: str) -> bool:
    return path == parent or path.startswith((f"{parent}.", f"{parent}["))
