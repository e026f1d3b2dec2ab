"""Objects of one shape in a row, as charts and generators write them, and here and there one that is almost like them.

The function learns the shape of objects that it has met some times (`krm_fn/text/yaml_shapes.py`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

OFTEN = 2  # after so many objects a shape is learned here, where lists are short
_CUT = ("Service", "Deployment", "Pod", "Job", "ConfigMap")  # kinds of which not all is read, or not in one piece
_ENDS = [" # c", ":", " :", ",", "]", '"', "'", " |", " {", " &a", "\t", " b"]


def written(listed: list[dict], write: Callable[[dict], list[str]], rng: random.Random, odd: list[str]) -> list[str]:
    """The lines of objects, and in some lists those of more objects that are like one of them.

    `write` throws the dice of `rng`: thrown again in the same way, they write in the same way. `odd`: scalars.
    """
    cut = [number for number, one in enumerate(listed) if one["kind"] in _CUT]
    crowd = rng.choice(cut) if cut and rng.random() < 0.4 else None
    texts = []
    for number, one in enumerate(listed):
        before = rng.getstate()
        texts.append(write(one))
        if number != crowd:
            continue
        after = rng.getstate()
        copies = []
        for count in range(2 * OFTEN):
            rng.setstate(before)
            copies.append(write(_named(one, count)))
        rng.setstate(after)
        texts += [_edited(lines, rng, odd) if rng.random() < 0.3 else lines for lines in copies]
        rng.shuffle(texts)
    return ["\n".join(lines) for lines in texts]


def _named(one: dict, count: int) -> dict:
    """The same with another name, and another environment if it has one; written in as many characters or more."""
    copy = json.loads(json.dumps(one))
    if "metadata" in copy:
        copy["metadata"]["name"] += f"-{count}"
    template = (copy.get("spec") or {}).get("template", copy)
    labels = template.get("metadata", {}).get("labels", {})
    if labels.get("virtual-env", "").startswith("dev"):
        labels["virtual-env"] = f"dev.e{count}"
    return copy


def _edited(lines: list[str], rng: random.Random, odd: list[str]) -> list[str]:
    """The lines of an object with one of them written otherwise, twice, or not at all."""
    at = rng.randrange(len(lines))
    line = lines[at]
    head, blank = line.partition(":")[0], " " * (len(line) - len(line.lstrip(" ")))
    instead = rng.choice(
        [
            [line, line],
            [line, f"{head}: z"],
            [f"{head}: z", line],
            [f"{head}: {rng.choice(odd)}"],
            [line, f"{blank}# a remark"],
            [line, ""],
            [],
            [f" {line}"],
            [line[1:]],
            [line + rng.choice(_ENDS)],
            [line, f"{blank}z: {rng.choice(odd)}"],
        ]
    )
    return [*lines[:at], *instead, *lines[at + 1 :]]
