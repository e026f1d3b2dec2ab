"""The small process with Go's readers, asked from Python (see `main.go`), and what must hold between them and us."""

from __future__ import annotations

import json
import math
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from krm_fn.function import Outcome
from krm_fn.text import document

Answer = dict[str, dict[str, Any]]  # of each reader: "value", or "error"
Ask = Callable[..., Answer]  # a text, and `whole`: whether it is a whole input, whose objects are wanted
PROGRAM = Path(__file__).resolve().parents[2] / ".tools" / "bin" / "go-readers"
_BIG = 2**53  # beyond it JSON's readers have no whole numbers


@contextmanager
def readers() -> Iterator[Ask]:
    """Run the process, and yield what asks it."""
    with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

        def ask(raw: bytes, *, whole: bool = False) -> Answer:
            process.stdin.write(b"%d%b\n%b" % (len(raw), b" all" * whole, raw))
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


def not_passed_on(ask: Ask, raw: bytes, outcome: Outcome) -> str:
    """Say what a reader in Go loses by the function: what it read before and does not read now, or reads otherwise.

    Empty where all is well: whoever reads the input reads the output, and each object that nobody edits in it.
    """
    if outcome.failed or outcome.output == raw:
        return ""
    before, after = ask(raw, whole=True), ask(outcome.output, whole=True)
    count = len(list(flat([one.value for one in document.parse(raw).items])))
    for name, found in before.items():
        if "error" in found or len(list(flat(found["value"]))) < count:
            continue  # it lost some before, as kustomize and kpt do of JSON objects in a row
        if "error" in after[name]:
            return f"{name} read the input and not the output: {after[name]['error']}"
        left = Counter(map(_key, flat(after[name]["value"])))
        for one in flat(found["value"]):
            if _is_others(one) and not left[_key(one)]:
                return f"{name} no longer finds {one}"
            left[_key(one)] -= 1
        added = outcome.output.count(b"virtual-env-fn.dev/owner") - raw.count(b"virtual-env-fn.dev/owner")
        seen = sum("virtual-env-fn.dev/owner" in key for key in map(_key, flat(after[name]["value"])))
        had = sum("virtual-env-fn.dev/owner" in key for key in map(_key, flat(found["value"])))
        if seen - had < added:
            return f"{name} finds {seen - had} of {added} new objects"
    return ""


def _is_others(one: Any) -> bool:
    """Tell whether nobody edits an object; the labels of pods and selectors may be."""
    return not isinstance(one, dict) or one.get("kind") in ("ConfigMap", "Secret")


def _key(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True)


def flat(values: list[Any]) -> Iterator[Any]:
    """Yield the objects of a list, those within a List or ResourceList instead of it."""
    for value in values:
        if isinstance(value, dict) and str(value.get("kind")).endswith("List") and isinstance(value.get("items"), list):
            yield from flat(value["items"])
        else:
            yield value


def plain(value: Any) -> Any:
    """The value as JSON has it: one kind of number, and infinities as the process writes them."""
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"!float": {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")}
    if isinstance(value, int) and abs(value) >= _BIG:
        return float(value) if abs(value) < 10**300 else str(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _BIG else value
