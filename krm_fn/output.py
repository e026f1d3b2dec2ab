"""What every output returns: objects that are wanted, edits of the user's own, and what there is to say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from krm_fn.results import Result
from krm_fn.text.edits import Edit
from krm_fn.values import Value


class Output(NamedTuple):
    """What makes a plan true.

    Attributes:
        manifests: the objects that are wanted, in a fixed order, with the names that they would like to have.
        edits: what must change in the user's own objects.
        results: what there is to say.
    """

    manifests: tuple[Value, ...] = ()
    edits: tuple[Edit, ...] = ()
    results: tuple[Result, ...] = ()


def together(outputs: Iterable[Output]) -> Output:
    """Return several outputs as one, in their order."""
    outputs = list(outputs)
    return Output(
        tuple(one for output in outputs for one in output.manifests),
        tuple(one for output in outputs for one in output.edits),
        tuple(one for output in outputs for one in output.results),
    )
