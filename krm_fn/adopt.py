"""Unlabelled workloads of Services that take part → the label, as an edit of their text."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.plan.answers import Plan
from krm_fn.results import Code, Result
from krm_fn.text.edits import Edit, Put


def adopt(plan: Plan) -> tuple[list[Edit], list[Result]]:
    """Return the edits that give the base's label to the pod templates that are to have it. Selectors stay."""
    edits = [
        Edit(one.workload.position, (), (Put(tuple(one.workload.labels_field.split(".")), one.label, one.environment),))
        for one in plan.adoptions
        if one.workload.position is not None
    ]
    return edits, list(_refused(plan))


def _refused(plan: Plan) -> Iterator[Result]:
    for one in plan.adoptions:
        if one.workload.position is None:
            message = f"must get the label {one.label}: {one.environment}, but members of a v1 List are not edited"
            yield Result(Code.NOT_EDITABLE, message, one.workload.ref, one.workload.labels_field)
        else:
            message = f"counts as {one.environment!r}: its pods get the label {one.label}: {one.environment}"
            yield Result(Code.ADOPTED, message, one.workload.ref, one.workload.labels_field)
