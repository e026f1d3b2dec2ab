"""Fuzz the whole function.

python -m tests.fuzz --seconds 3600            # from a random number on, for an hour
python -m tests.fuzz --from 0 --inputs 1000000 # these inputs
python -m tests.fuzz --show 4711               # the input of that number
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from tests.fuzz.invariants import broken
from tests.fuzz.texts import text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int)
    parser.add_argument("--from", dest="first", type=int, default=random.SystemRandom().randrange(2**40))
    parser.add_argument("--show", type=int)
    options = parser.parse_args()
    if options.show is not None:
        sys.stdout.buffer.write(text(options.show))
        sys.stderr.write(f"{broken(text(options.show))}\n")
        return 0
    end, number, faults = time.monotonic() + options.seconds, 0, Counter[str]()
    while number < options.inputs if options.inputs else time.monotonic() < end:
        seed = options.first + number
        if fault := broken(text(seed)):
            kind = fault.split(":")[0]
            faults[kind] += 1
            if faults[kind] <= 3:
                print(f"{seed}: {fault}", flush=True)  # noqa: T201 - what it is for
        number += 1
    print(f"{number:,} inputs from {options.first}, {sum(faults.values())} faults")  # noqa: T201 - as above
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main())
