"""The places in a workload's manifest where its copy says otherwise, or nothing. Pure: no text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from krm_fn.names import nearest
from krm_fn.objects import HOST_IDS, INDEXES, PATHS, Object, annotations_of, labels_of
from krm_fn.plan.fork_findings import Path, at
from krm_fn.plan.services import Workload
from krm_fn.results import Code, FunctionError, Ref, Result
from krm_fn.values import Value, mapping, mappings

# What tools noted by which they find again, and prune, what is theirs.
_REMEMBERED = (
    "argocd.argoproj.io/tracking-id",
    "config.k8s.io/owning-inventory",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
)
_BELONGS = (
    "applyset.kubernetes.io/part-of",
    "argocd.argoproj.io/instance",
    "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace",
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
)
# What controllers write into the pods, and into the selectors, of what they made; the API server refuses it anew.
_BY_CONTROLLERS = (
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
)
_JOB_SELECTORS = ("controller-uid", "batch.kubernetes.io/controller-uid")


def refused(message: str, ref: Ref | None = None, field: str = "") -> Result:
    """Return the finding about a copy that would not be right."""
    return Result(Code.FORK_IMPOSSIBLE, message, ref or Ref(kind="fork"), field)


def selectors(source: Object, template: Path, label: str) -> Iterator[Path]:
    """Yield the place of the labels by which the workload finds its own pods.

    A workload that has no selector gets none: its kind knows none, or takes the labels of its pods.

    Raises:
        FunctionError: where an expression names the label.
    """
    path = (*template[:-1], "selector")
    selector = at(source.whole, path) if template else {}
    if any(one.get("key") == label for one in mappings(selector.get("matchExpressions"))):
        message = f"finds its pods by an expression about {label!r}, which is not rewritten: use matchLabels for it"
        field = ".".join(map(str, (*path, "matchExpressions")))
        raise FunctionError(refused(message, source.ref, field))
    if "matchLabels" in selector or "matchExpressions" in selector:
        if not _is_of_job(selector):
            yield (*path, "matchLabels")
    elif selector:
        yield path


def _is_of_job(selector: Value) -> bool:
    """Tell whether the cluster made a selector for a Job, and will make one for its copy."""
    return any(key in mapping(selector, "matchLabels") for key in _JOB_SELECTORS)


def about_itself(source: Object, pod: Path, workload: Workload, label: str) -> Iterator[Path]:
    """Yield the places of labels by which pods keep away from, or close to, others of their own workload."""
    spec = at(source.whole, pod)
    for field in ("affinity", "topologySpreadConstraints"):
        for path, selector in _selectors(spec.get(field), (*pod, field)):
            if label in selector and selector.items() <= workload.labels.items():
                yield path


def _selectors(value: object, path: Path) -> Iterator[tuple[Path, Value]]:
    """Yield each `matchLabels` somewhere in a value, with its place."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _selectors(one, (*path, place))
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "matchLabels" and isinstance(one, dict):
                yield (*path, key), one
            else:
                yield from _selectors(one, (*path, key))


def of_claims(source: Object, label: str) -> Iterator[Path]:
    """Yield the places of the environment among the labels of the volumes that a StatefulSet makes."""
    path: Path = ("spec", "volumeClaimTemplates")
    for place, claim in enumerate(mappings(mapping(source.whole, "spec").get("volumeClaimTemplates"))):
        if label in labels_of(claim):
            yield (*path, place, "metadata", "labels")


def images_of(source: Object, pod: Path, images: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    places: dict[str, Path] = {}
    spec = at(source.whole, pod)
    for field in ("initContainers", "containers"):
        for place, container in enumerate(mappings(spec.get(field))):
            places[str(container.get("name"))] = (*pod, field, place, "image")
    only = [path for path in places.values() if "containers" in path]
    for name, image in images.items():
        path = only[0] if not name and len(only) == 1 else places.get(name)
        if path is None:
            close = nearest(places, name)
            message = f"has no container {name!r}" + (f"; did you mean {close!r}?" if close else "")
            message = message if name else f"has several containers: give CONTAINER=IMAGE ({', '.join(places)})"
            raise FunctionError(refused(message, source.ref, ".".join(map(str, (*pod, "containers")))))
        yield path, image


def left_out(source: Object, template: Path) -> Iterator[Path]:
    """Yield what belongs to the source alone: what hosts, tools and controllers noted in it, and who owns it."""
    metadata = mapping(source.whole, "metadata")
    for key in ("ownerReferences", "generateName"):
        if key in metadata:
            yield ("metadata", key)
    for key in (*HOST_IDS, *PATHS, *INDEXES, *_REMEMBERED):
        if key in annotations_of(source.whole):
            yield ("metadata", "annotations", key)
    selector: Path = (*template[:-1], "selector") if template else ()
    if template and _is_of_job(at(source.whole, selector)):
        yield selector
        selector = ()
    places = {("metadata", "labels"), (*template, "metadata", "labels"), (*selector, "matchLabels")}
    for path in sorted(places, key=str):
        has = at(source.whole, path)
        yield from ((*path, key) for key in (*_BELONGS, *_BY_CONTROLLERS) if key in has)
    spec: Path = (*template, "spec")
    if not template and "uid" in metadata and "nodeName" in at(source.whole, spec):
        yield (*spec, "nodeName")
