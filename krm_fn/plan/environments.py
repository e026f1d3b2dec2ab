"""Names of environments: levels, parents, depth. A name is a label value such as `dev.proj1.user1`."""

from __future__ import annotations

from collections.abc import Iterable

from krm_fn.names import label_value_problem

_SHORTEST_LIKE = 4  # shorter names are alike by chance


def environment_problem(value: object, splitter: str) -> str:
    """Say why `value` cannot name an environment; empty if it can."""
    problem = label_value_problem(value)
    if not problem and isinstance(value, str) and not all(value.split(splitter)):
        problem = f"it has an empty level (levels are split by {splitter!r})"
    return problem


def levels(environment: str, splitter: str) -> list[str]:
    """Return the environment and its ancestors, deepest first: a.b.c, a.b, a."""
    parts = environment.split(splitter)
    return [splitter.join(parts[:count]) for count in range(len(parts), 0, -1)]


def depth(environment: str, splitter: str) -> int:
    """Return how many levels the name has; a root has one."""
    return environment.count(splitter) + 1


def deepest_first(environments: Iterable[str], splitter: str) -> list[str]:
    """Return the names in the order in which routes must be tried: deepest first, then by name."""
    return sorted(environments, key=lambda name: (-depth(name, splitter), name))


def likely_typos(names: Iterable[str], splitter: str) -> dict[str, list[str]]:
    """Return, for each name that is one slip of the finger away from others, those.

    One letter more, less, other or swapped, in one level. Numbers count things on purpose: proj1 and proj2 are two.
    """
    by_shape: dict[tuple[object, ...], set[str]] = {}
    for name in sorted(names):
        for shape in _slips(name, splitter):
            by_shape.setdefault(shape, set()).add(name)
    alike: dict[str, set[str]] = {}
    for group in by_shape.values():
        for name in group if len(group) > 1 else ():
            alike.setdefault(name, set()).update(group - {name})
    return {name: sorted(others) for name, others in sorted(alike.items())}


def _slips(name: str, splitter: str) -> set[tuple[object, ...]]:
    """Return keys of which two names share one where a single slip parts them."""
    parts = name.split(splitter)
    keys: set[tuple[object, ...]] = set()
    for level, part in enumerate(parts):
        around = (tuple(parts[:level]), tuple(parts[level + 1 :]))
        if len(part) < _SHORTEST_LIKE:
            continue
        for place, letter in enumerate(part):
            if not letter.isdecimal():
                keys.add((*around, "less", part[:place] + part[place + 1 :]))  # this letter is one too many, or other
        keys.add((*around, "less", part))  # a letter is missing here
        keys.add((*around, "swapped", "".join(sorted(part)), part[:1]))
    return keys
