"""Names of subsets, as Istio allows them: letters, digits and '-', at most 63 characters."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from krm_fn.plan.environments import dashed

_MAX = 63


def subset_names(environments: Iterable[str], prefix: str = "") -> dict[str, str]:
    """Return a subset name for each environment: `prefix`, then its name with '.' and '_' as '-'.

    Environments whose names would be the same get a hash of their own, all of them, so that none of them depends on
    which came first.
    """
    environments = sorted(environments)
    plain = {name: prefix + dashed(name) for name in environments}
    times = Counter(plain.values())
    names: dict[str, str] = {}
    taken = {name for name, count in times.items() if count == 1 and len(name) <= _MAX}
    for environment in environments:
        names[environment] = plain[environment]
        if times[plain[environment]] > 1 or len(plain[environment]) > _MAX:
            names[environment] = _hashed(environment, plain[environment], taken)
            taken.add(names[environment])
    return names


def _hashed(environment: str, plain: str, taken: set[str]) -> str:
    digest = hashlib.sha256(environment.encode()).hexdigest()
    for length in range(8, _MAX):
        name = f"{plain[: _MAX - 1 - length].rstrip('-')}-{digest[:length]}".lstrip("-")
        if name not in taken:
            return name
    raise AssertionError(environment)  # 55 names of the list would have to be chosen against this hash
