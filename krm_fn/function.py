"""The way the data takes: bytes → list → configuration → inventory → plan → manifests → list → bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krm_fn import copies
from krm_fn.adopt import adopt
from krm_fn.config.gather import gather
from krm_fn.config.reader import Configs
from krm_fn.istio import gateway_manifests, inject, manifests
from krm_fn.istio.checks import gateways, joined, visibility
from krm_fn.istio.order import ordered
from krm_fn.istio.weaving.loom import weave
from krm_fn.merge import merge
from krm_fn.objects import Object, objects_of
from krm_fn.plan import inventory, planner, previews
from krm_fn.plan.answers import Plan
from krm_fn.plan.inventory import TEMPLATES
from krm_fn.results import Code, FunctionError, Result, Severity, in_order
from krm_fn.text import document
from krm_fn.text.document import Document, Form
from krm_fn.text.edits import Edit
from krm_fn.text.rewrite import rewrite


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gives: the bytes for stdout, and what there is to say, most severe first."""

    output: bytes
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        return any(result.severity is Severity.ERROR for result in self.results)


@dataclass(frozen=True, slots=True)
class Computation:
    """What the objects of a list lead to."""

    configs: Configs
    plan: Plan
    manifests: Sequence[Mapping[str, Any]]
    edits: Sequence[Edit]
    results: tuple[Result, ...]


def run(
    raw: bytes, function_config: Mapping[str, Any] | None = None, overrides: Mapping[str, str] | None = None
) -> Outcome:
    """Run the function on a ResourceList or a stream of documents.

    Args:
        raw: the input, as it came.
        function_config: wins over the list's own.
        overrides: dotted paths and values that win over any configuration.

    Never raises on bad input: where the results have an error, the output is the input, unchanged but for
    the results in it.
    """
    try:
        listed = document.parse(raw, inventory.asked)
    except FunctionError as error:
        return Outcome(raw, error.results)
    try:
        objects = list(objects_of((item.value, item.duplicates) for item in listed.items))
        computed = compute(objects, function_config or listed.function_config, overrides)
        changes = merge(objects, computed.manifests, computed.configs, place=listed.form is Form.RESOURCE_LIST)
        texts, refused = rewritten(listed, objects, computed.edits)
        results = tuple(in_order([*computed.results, *changes.results, *refused]))
    except FunctionError as error:
        results = tuple(in_order(error.results))
    if any(result.severity is Severity.ERROR for result in results):
        said = [result.as_item() for result in results]
        return Outcome(listed.apply(replaced={}, removed=(), added=(), results=said), results)
    output = listed.apply(
        replaced={**changes.replaced, **texts},
        removed=changes.removed,
        added=changes.added,
        results=[result.as_item() for result in results],
    )
    return Outcome(output, results)


def compute(
    objects: Sequence[Object],
    function_config: Mapping[str, Any] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Computation:
    """Compute plan and manifests of a list.

    Raises:
        FunctionError: for configurations that cannot be read; all else is among the results.
    """
    configs = gather(function_config, objects, overrides)
    plan = planner.make(inventory.read(objects, _templates(configs)), configs)
    weaving = weave(objects, plan, configs.owner)
    adopting, adopted = adopt(plan)
    made = [
        *copies.manifests(plan),
        *inject.manifests(plan),
        *manifests.manifests(plan, weaving.theirs),
        *gateway_manifests.manifests(plan, weaving.theirs),
        *weaving.previews,
    ]
    found = (
        *gateways.find(objects, plan),
        *previews.find(plan),
        *joined.find(objects, plan),
        *visibility.find(objects, plan),
    )
    return Computation(
        configs,
        plan,
        ordered(made, configs),
        [*weaving.edits, *adopting],
        (*plan.results, *weaving.results, *adopted, *found),
    )


def rewritten(
    listed: Document, objects: Sequence[Object], edits: Iterable[Edit], first: int = 0
) -> tuple[dict[int, str], list[Result]]:
    """Return the new text of each object of a document that an edit changes, and findings about those it cannot.

    `first` is the position of the document's first object among `objects`.
    """
    texts: dict[int, str] = {}
    refused: list[Result] = []
    for edit in edits:
        place = edit.position - first
        if not 0 <= place < len(listed.items):
            continue
        item = listed.items[place]
        source = listed.source(item)
        text = rewrite(source, item.column, listed.whole(item), edit)
        if text is None:
            message = (
                "must be edited, and its text does not let those places be changed alone (an anchor &x, an alias *x, a "
                "merge key <<, a key given twice): write those parts out where they stand"
            )
            ref = next(one.ref for one in objects if one.position == edit.position)
            refused.append(Result(Code.NOT_EDITABLE, message, ref))
        elif text != source:
            texts[edit.position] = text
    return texts, refused


def _templates(configs: Configs) -> Mapping[tuple[str, str], str]:
    sources = [configs.default, *configs.by_namespace.values()]
    further = [kind for source in sources for kind in source.config.workloads]
    return {**TEMPLATES, **{(kind.api_version.rpartition("/")[0], kind.kind): kind.template_path for kind in further}}
