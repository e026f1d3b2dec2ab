"""Objects → Services and Workloads: plain typed data, with every mistake in them as a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from krm_fn.config.reader import Configs
from krm_fn.objects import Object, added_label, annotations_of, is_list
from krm_fn.plan import controllers, kinds, owners
from krm_fn.plan.controllers import Claim, claims
from krm_fn.plan.services import Key, Port, Service, Workload, traffic_of
from krm_fn.results import Code, Ref, Result, Severity, shown
from krm_fn.values import mapping


class Inventory(NamedTuple):
    """What a list holds, in the order of the list.

    `namespaces` are those that it has anything in, or defines; `claims` the Services that controllers take.
    """

    services: tuple[Service, ...]
    workloads: tuple[Workload, ...]
    results: tuple[Result, ...]
    namespaces: frozenset[str] = frozenset()
    claims: Mapping[Key, Claim] = MappingProxyType({})


# Kinds that the label concerns in a way of their own.
_READ_OTHERWISE = {("networking.istio.io", "WorkloadEntry"), ("networking.istio.io", "WorkloadGroup")}
_ANNOTATIONS = tuple(f"metadata.annotations.kt-virtual-environment/{name}" for name in ("gateways", "hosts", "rule"))
_MAX_PORT = 65535


def read(objects: Sequence[Object], configs: Configs) -> Inventory:
    """Read every source among the objects; configurations may name further kinds of workloads.

    The result's findings hold every mistake in what was read; an object with mistakes is left out. A mistake in a
    workload that takes no part in environments is nobody's business here.
    """
    results = [found for one in objects for found in _kind_twice(one)]
    services: list[Service] = []
    drafts: list[tuple[_Reader, Workload | None]] = []
    templates = kinds.templates(configs)
    woken = _woken(objects)
    made = owners.made(objects, (one for one in objects if (one.group, one.ref.kind) in templates and one.is_source))
    for one in objects:
        key = (one.group, one.ref.kind)
        if one.position in made:
            continue
        if one.ref.kind == "Service" and one.ref.api_version == "v1" and one.is_source:
            reader = _Reader(one)
            service = reader.service(added_label(one.value, configs.owner))
            services += [service] if service else []
            results += reader.results
        elif key in templates and one.is_source:
            # Of a kind with another template than we know, more may be asked for than was read.
            partial = one.item is not None and one.item.partial and templates[key] != kinds.TEMPLATES.get(key)
            reader = _Reader(one._replace(value=one.item.whole) if one.item and partial else one)
            drafts.append((reader, reader.workload(templates[key], _named(one.ref) in woken)))
        elif key not in _READ_OTHERWISE and one.is_source and not is_list(one.value):
            results += _label_unread(one, configs.of(one.ref.namespace).config.env_label.name)
    results += _of_participants(drafts, services, configs)
    workloads = tuple(workload for _, workload in drafts if workload)
    sources = [one.ref for one in objects if one.is_source]
    namespaces = {ref.name if ref.kind == "Namespace" else ref.namespace for ref in sources}
    return Inventory(tuple(services), workloads, tuple(results), frozenset(namespaces), claims(objects))


def _kind_twice(one: Object) -> Iterator[Result]:
    for path in one.duplicates:
        if path in ("apiVersion", "kind"):
            message = (
                "is given twice with different values: readers disagree on what the object is; keep one, or part two "
                "objects by a line of ---"
            )
            yield Result(Code.DUPLICATE_KEY, message, one.ref, path)


def _label_unread(one: Object, label: str) -> Iterator[Result]:
    """Yield a finding if an object of a kind that is not read has a pod template with the label."""
    if one.item and (one.item.partial or one.item.text.find(label, one.item.start, one.item.end) < 0):
        return
    path = next(_labelled(one.value, label, ""), None)
    if path is not None:
        message = (
            f"pods made of it carry the label {label!r}, and {one.ref.kind} of {one.ref.api_version} is not read: name "
            "it in the option workloads (apiVersion, kind, templatePath), or make plain objects of it before"
        )
        yield Result(Code.LABEL_UNREAD, message, one.ref, f"{path}.metadata.labels")


def _labelled(value: object, label: str, path: str) -> Iterator[str]:
    """Yield the paths below an object where something has metadata with the label."""
    if isinstance(value, dict):
        for key, child in value.items():
            below = f"{path}.{key}".lstrip(".")
            metadata = child.get("metadata") if isinstance(child, dict) else None
            labels = metadata.get("labels") if isinstance(metadata, dict) else None
            if isinstance(labels, dict) and label in labels:
                yield below
            yield from _labelled(child, label, below)
    elif isinstance(value, list):
        for place, child in enumerate(value):
            yield from _labelled(child, label, f"{path}[{place}]")


def _of_participants(
    drafts: Sequence[tuple[_Reader, Workload | None]], services: Sequence[Service], configs: Configs
) -> Iterator[Result]:
    """Yield what was found in workloads that name an environment, or share a Service with such ones."""
    if not any(reader.results for reader, _ in drafts):
        return
    named = [(reader.one.ref.namespace, reader.labels, configs.of(reader.one.ref.namespace)) for reader, _ in drafts]
    labelled = [(name, labels) for name, labels, source in named if source.config.env_label.name in labels]
    selectors = [
        (one.ref.namespace, one.selector.items())
        for one in services
        if one.selector and any(name == one.ref.namespace and _fits(one.selector, has) for name, has in labelled)
    ]
    for reader, _ in drafts:
        namespace, labels = reader.one.ref.namespace, reader.labels
        has_label = configs.of(namespace).config.env_label.name in labels
        if has_label or any(name == namespace and pairs <= labels.items() for name, pairs in selectors):
            yield from reader.results


def _fits(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


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

    __slots__ = ("labels", "one", "results")

    def __init__(self, one: Object) -> None:
        self.one = one
        self.results: list[Result] = []
        self.labels: Mapping[str, str] = {}  # of its pods, as text whatever they are

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
        path = ""
        for step in template_path.split(".") if template_path else ():
            path = f"{path}.{step}".lstrip(".")
            if at.get(step) is None:
                return None  # a Rollout that names its Deployment, a kind that is not used as one with pods
            at = self.mapping(at, step, path)
        self.identity()
        meta_path = f"{path}.metadata".lstrip(".")
        labels_field = f"{meta_path}.labels"
        self.no_duplicates("metadata.name", "metadata.namespace", labels_field, "spec.replicas")
        metadata = self.mapping(at, "metadata", meta_path)
        labels = self.strings(metadata, "labels", labels_field)
        self.labels = (
            {key: str(value) for key, value in mapping(metadata, "labels").items()} if self.results else labels
        )
        absent = "" if woken else self.absent(self.mapping(self.one.value, "spec", "spec"))
        if any(found.severity is Severity.ERROR for found in self.results):
            return None
        serves = kind not in kinds.RUN_TO_COMPLETION
        own = self.mapping(self.one.value, "metadata", "metadata").get("labels")
        own = own if isinstance(own, dict) else {}
        later = controllers.pod_labels(self.one) if kind == "Rollout" else frozenset()
        return Workload(self.one.ref, labels, labels_field, absent, serves, self.one.position, own, later)

    def absent(self, spec: Mapping[str, Any]) -> str:
        kind = self.one.ref.kind
        for name in ("replicas", "parallelism"):
            count = spec.get(name)
            if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
                message = f"is no number of pods, but {shown(count)}: it counts as having pods"
                self.results.append(Result(Code.REPLICAS_UNREAD, message, self.one.ref, f"spec.{name}"))
        if kind == "Pod":
            return ""
        if spec.get("replicas") == 0 and kind != "DaemonSet":
            return "replicas: 0"
        if kind in kinds.RUN_TO_COMPLETION and spec.get("parallelism") == 0:
            return "parallelism: 0"
        return "suspend: true" if kind in kinds.RUN_TO_COMPLETION and spec.get("suspend") is True else ""

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
