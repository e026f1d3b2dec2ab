"""Names of environments: levels, parents, depth. A name is a label value such as `dev.proj1.user1`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from krm_fn.names import label_value_problem

_SHORTEST_LIKE = 4  # shorter words are alike by chance
_SHORTEST_SWAPPED = 3
_WORD = re.compile(r"[A-Za-z]+")
_TWICE = re.compile(r"([A-Za-z])\1+")


@cache  # as levels below
def environment_problem(value: str, splitter: str) -> str:
    """Say why `value` cannot name an environment; empty if it can."""
    problem = label_value_problem(value)
    if not problem and not all(value.split(splitter)):
        problem = f"it has an empty level (levels are split by {splitter!r})"
    return problem


@cache  # asked for again and again, of the few names that a list has
def levels(environment: str, splitter: str) -> tuple[str, ...]:
    """Return the environment and its ancestors, deepest first: a.b.c, a.b, a."""
    parts = environment.split(splitter)
    return tuple(splitter.join(parts[:count]) for count in range(len(parts), 0, -1))


def depth(environment: str, splitter: str) -> int:
    """Return how many levels the name has; a root has one."""
    return environment.count(splitter) + 1


def deepest_first(environments: Iterable[str], splitter: str) -> list[str]:
    """Return the names in the order in which routes must be tried: deepest first, then by name."""
    return sorted(environments, key=lambda name: (-depth(name, splitter), name))


def likely_typos(names: Iterable[str], splitter: str) -> dict[str, list[str]]:
    """Return, for each name that is one slip of the finger away from others, those.

    In one level, and there in one word: a letter more, less, other, twice, or swapped with the next, or upper for lower
    case. Digits count things on purpose: proj1 and proj2, pr-123 and pr-132 are two. Short words are alike by chance,
    so only swapped or repeated letters and another case count in them.
    """
    by_shape: dict[tuple[object, ...], set[str]] = {}
    for name in sorted(names):
        for shape in _slips(name, splitter):
            by_shape.setdefault(shape, set()).add(name)
    alike: dict[str, set[str]] = {}
    for shape, group in by_shape.items():
        for name in group if len(group) > 1 else ():
            # Two words of one length that lose a letter each are two slips apart.
            others = {one for one in group if shape[1] != "less" or len(one) != len(name)}
            alike.setdefault(name, set()).update(others - {name})
    return {name: sorted(others) for name, others in sorted(alike.items()) if others}


def _slips(name: str, splitter: str) -> set[tuple[object, ...]]:
    """Return keys of which two names share one where a single slip parts them."""
    parts = name.split(splitter)
    keys: set[tuple[object, ...]] = {("case", tuple(part.lower() for part in parts))}
    for level, part in enumerate(parts):
        above, below = tuple(parts[:level]), tuple(parts[level + 1 :])
        for word in _WORD.finditer(part):
            around = (above, part[: word.start()], part[word.end() :], below)
            keys |= {(around, *key) for key in _word_slips(word[0])}
    return keys


def _word_slips(word: str) -> Iterator[tuple[str, str]]:
    if len(word) < _SHORTEST_SWAPPED:
        return
    yield "repeated", _TWICE.sub(r"\1", word)
    for place in range(len(word) - 1):
        pair = "".join(sorted(word[place : place + 2]))
        yield f"swapped {place}", word[:place] + pair + word[place + 2 :]
    yield "less", word  # a letter is missing here
    if len(word) >= _SHORTEST_LIKE:
        for place in range(len(word)):
            yield "less", word[:place] + word[place + 1 :]  # this letter is one too many
            yield f"other {place}", word[:place] + word[place + 1 :]
