"""The way the data takes: bytes → list → configuration → inventory → plan → outputs → list → bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from krm_fn import kubernetes, sizes
from krm_fn.config.gather import gather
from krm_fn.config.reader import Configs
from krm_fn.merge import Changes, merge
from krm_fn.objects import Object, in_namespace, objects_of
from krm_fn.output import Output, together
from krm_fn.plan import inventory, kinds, planner
from krm_fn.plan.answers import Plan
from krm_fn.results import FunctionError, Result, Severity, in_order
from krm_fn.signatures import PREFIX
from krm_fn.text import document
from krm_fn.text.document import Form
from krm_fn.values import Value

# By the option `output`: the package of each, which is imported only where it has something to do.
OUTPUTS = {"istio": "krm_fn.istio", "gatewayAPI": "krm_fn.gateway_api"}


class Outcome(NamedTuple):
    """What a run gives: the bytes for stdout, and what there is to say, most severe first."""

    output: bytes
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        return _failed(self.results)


class Computation(NamedTuple):
    """What the objects of a list lead to: how it is to change, and all there is to say, most severe first."""

    configs: Configs
    plan: Plan
    made: Output
    changes: Changes
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        return _failed(self.results)

    @property
    def safe_changes(self) -> Changes:
        """The changes, or none where there is an error."""
        return Changes() if self.failed else self.changes


def run(raw: bytes, function_config: Value | None = None, overrides: Mapping[str, str] | None = None) -> Outcome:
    """Run the function on a ResourceList or a stream of documents.

    Args:
        raw: the input, as it came.
        function_config: wins over the list's own.
        overrides: dotted paths and values that win over any configuration.

    Never raises on bad input: where the results have an error, the output is the input, unchanged but for
    the results in it.
    """
    try:
        listed = document.parse(raw, kinds.asked)
    except FunctionError as error:
        return Outcome(raw, error.results)
    try:
        place = listed.form is Form.RESOURCE_LIST
        given = function_config or listed.function_config
        computed = compute(list(objects_of(listed.items)), given, overrides, place=place, grows=listed.grows)
        changes, results = computed.safe_changes, computed.results
    except FunctionError as error:
        changes, results = Changes(), tuple(in_order(error.results))
    output = listed.apply(
        replaced={**changes.replaced, **changes.rewritten},
        removed=changes.removed,
        added=changes.added,
        results=[result.as_item() for result in results],
    )
    return Outcome(output, results)


def compute(
    objects: Sequence[Object],
    given: Value | None = None,
    overrides: Mapping[str, str] | None = None,
    *,
    place: bool = False,
    anew: bool = False,
    grows: int | None = None,
) -> Computation:
    """Compute what a list leads to; `place`, `anew` and `grows` are the merge's.

    Raises:
        FunctionError: for configurations that cannot be read; all else is among the results.
    """
    configs = gather(given, objects, overrides)
    if namespace := configs.default.config.namespace:
        objects, configs = in_namespace(objects, namespace), configs.in_namespace(namespace)
    plan = planner.make(inventory.read(objects, configs), configs)
    made = together([kubernetes.output(objects, plan, configs), *_outputs(objects, plan, configs)])
    changes = merge(objects, made, configs, place=place, anew=anew, grows=grows)
    large = sizes.find(objects, made, changes, configs.owner)
    results = in_order([*plan.results, *made.results, *changes.results, *large])
    return Computation(configs, plan, made, changes, tuple(results))


def _outputs(objects: Sequence[Object], plan: Plan, configs: Configs) -> Iterator[Output]:
    """Yield what each output makes of what is configured for it, and takes out of what it made before."""
    wanted = {one.config.output for one in (configs.default, *configs.by_namespace.values())}
    for name, package in OUTPUTS.items():
        if name in wanted or (name == "istio" and _has_additions(objects)):
            yield import_module(f"{package}.output").output(objects, plan.of(name), configs)


def _has_additions(objects: Sequence[Object]) -> bool:
    """Tell whether something was added to an object of the user's: only the output that did so can take it out."""
    marked = (one for one in objects if one.group == "networking.istio.io" and one.is_source)
    return any(one.item and one.item.text.find(PREFIX, one.item.start, one.item.end) >= 0 for one in marked)


def _failed(results: Sequence[Result]) -> bool:
    return any(result.severity is Severity.ERROR for result in results)
