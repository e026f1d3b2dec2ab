"""What becomes of the user's own objects: an edit, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.marks import Stripped
from krm_fn.istio.subsets import Subsets
from krm_fn.istio.weaving import rules
from krm_fn.istio.weaving.targets import Additions
from krm_fn.objects import Object
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.text.edits import Edit, made
from krm_fn.values import Value

_LONGEST = 1000
Needed = Mapping[Key | None, Sequence[Value]]  # the subsets that additions lead to, by Service


class Change(NamedTuple):
    """What becomes of an object of the user's: an edit, or a finding that says why there is none."""

    one: Object
    is_woven: bool = False
    edit: Edit | None = None
    results: tuple[Result, ...] = ()


def change(one: Object, found: Stripped, additions: Additions, owner: str) -> Change:
    """Return what becomes of an object that was `found` with what an earlier run added."""
    if not additions.edits and not found.is_marked:
        return Change(one)
    if found.is_marked and made(found.value, additions.edits) == one.value:  # woven already: its text stays as it is
        return Change(one, is_woven=True)
    if strange := found.strange(owner):
        return Change(one, results=(Result(Code.ADDITION_EDITED, _both(strange, additions.added), one.ref),))
    return Change(one, is_woven=True, edit=Edit(one.position, found.removals, additions.edits, found.emptied))


def of_rules(own_rules: rules.Rules, subsets: Mapping[Key, Subsets], needed: Needed, owner: str) -> Iterator[Change]:
    """Yield what becomes of the user's DestinationRules."""
    for key, own in own_rules.items():
        for rule in own:
            additions = rules.additions(rule, subsets[key], needed.get(key, ())) if key else Additions()
            if additions.results:
                yield Change(rule.object, results=additions.results)
            yield change(rule.object, rule.stripped, additions, owner)


def _both(strange: Sequence[Value], added: Sequence[Value]) -> str:
    """Say what stands there, and what this run would put in its place."""
    wanted = {_stem(one): one for one in added}
    pairs = "; ".join(
        f"it is {json.dumps(one)[:_LONGEST]}, and would be {json.dumps(wanted.get(_stem(one)))[:_LONGEST]}"
        for one in strange[:2]
    )
    return (
        "has an addition that is not as this config made it: somebody changed it, or another config added it, and it "
        f"would be lost: {pairs}; move a change into a route of your own and delete what is named virtual-env--…, or "
        "let one config be responsible"
    )


def _stem(entry: Value) -> str:
    return str(entry.get("name", "")).rpartition("-")[0]
