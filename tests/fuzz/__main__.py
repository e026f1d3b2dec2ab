"""Fuzz the whole function.

python -m tests.fuzz --seconds 3600            # from a random number on, for an hour
python -m tests.fuzz --from 0 --inputs 1000000 # these inputs
python -m tests.fuzz --go                      # Go's readers are asked, too (.ci/parts/go_readers)
python -m tests.fuzz --routes                  # with as many odd routes of a user's as the mesh's tests ask
python -m tests.fuzz --show 4711               # the input of that number
"""

from __future__ import annotations

import argparse
import gc
import itertools
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext

from krm_fn.function import Outcome
from tests.fuzz import texts
from tests.fuzz.invariants import broken
from tests.go_readers.asking import Ask, not_passed_on, readers

_SHOWN = 3  # faults of a kind
_COLLECT = 1000  # inputs after which garbage is collected


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int)
    parser.add_argument("--from", dest="first", type=int, default=random.SystemRandom().randrange(2**40))
    parser.add_argument("--go", action="store_true")
    parser.add_argument("--routes", action="store_true")
    parser.add_argument("--show", type=int)
    options = parser.parse_args()
    text = texts.text
    if options.routes:
        from tests.mesh.users_texts import text  # noqa: PLC0415 - needs what the mesh's tests need
    if options.show is not None:
        sys.stdout.buffer.write(text(options.show))
        sys.stderr.write(f"{broken(text(options.show))}\n")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    gc.disable()  # one input after the other, each with little garbage
    counts, faults = Counter[str](), Counter[str]()
    begun = time.process_time()
    try:
        with readers() if options.go else nullcontext() as ask:
            for seed in _seeds(options.first, options.inputs, options.seconds):
                counts["inputs"] += 1
                _try(seed, text(seed), ask, counts, faults)
                if not counts["inputs"] % _COLLECT:
                    gc.collect()
    finally:
        rate = counts["inputs"] / max(time.process_time() - begun, 1e-9) * 60
        print(  # noqa: T201 - what it is for
            f"{counts['inputs']:,} inputs from {options.first} ({counts['refused']:,} refused, {counts['changed']:,} "
            f"changed), {sum(faults.values())} faults; {rate:,.0f} a minute of the processor"
        )
    return int(bool(faults))


def _seeds(first: int, inputs: int | None, seconds: float) -> Iterator[int]:
    if inputs:
        yield from range(first, first + inputs)
        return
    end = time.monotonic() + seconds
    for seed in itertools.count(first):
        if time.monotonic() >= end:
            return
        yield seed


def _try(seed: int, raw: bytes, ask: Ask | None, counts: Counter[str], faults: Counter[str]) -> None:
    outcomes: list[Outcome] = []
    fault = broken(raw, outcomes.append)
    for outcome in outcomes:
        counts["refused" if outcome.failed else "same" if outcome.output == raw else "changed"] += 1
        fault = fault or (not_passed_on(ask, raw, outcome) if ask else "")
    if fault:
        kind = fault.split(":")[0]
        faults[kind] += 1
        if faults[kind] <= _SHOWN:
            print(f"{seed}: {fault}", flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    raise SystemExit(main())
