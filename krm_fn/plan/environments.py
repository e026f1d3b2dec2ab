"""Names of environments: levels, parents, depth. A name is a label value such as `dev.proj1.user1`."""

from __future__ import annotations

import re
from collections.abc import Iterable

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")

_MAX_DNS_NAME = 253
_SHORTEST_LIKE = 4  # shorter names are alike by chance


def label_value_problem(value: object) -> str:
    """Say why `value` is no label value of Kubernetes that names something; empty if it is one."""
    if not isinstance(value, str):
        return f"YAML reads it as {_type_name(value)}, not as a string: put it in quotes"
    if not value:
        return "it is empty"
    if not _LABEL_VALUE.fullmatch(value):
        return (
            "a label value has at most 63 characters, letters, digits, '-', '_' and '.', "
            "and starts and ends with a letter or digit"
        )
    return ""


def label_key_problem(key: str) -> str:
    """Say why `key` is no label key of Kubernetes; empty if it is one."""
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= _MAX_DNS_NAME and _LABEL_PREFIX.fullmatch(prefix)):
        return "what stands before its '/' is no DNS name"
    if not _LABEL_VALUE.fullmatch(name):
        return "its name has 1 to 63 characters, letters, digits, '-', '_' and '.', a letter or digit at both ends"
    return ""


def environment_problem(value: object, splitter: str) -> str:
    """Say why `value` cannot name an environment; empty if it can."""
    problem = label_value_problem(value)
    if not problem and isinstance(value, str) and not all(value.split(splitter)):
        problem = f"it has an empty level (levels are split by {splitter!r})"
    return problem


def dashed(environment: str) -> str:
    """Return a name for places that allow letters, digits and '-': '.' and '_' as '-'."""
    return environment.replace(".", "-").replace("_", "-")


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


def nearest(names: Iterable[str], wanted: str) -> str:
    """Return the name that looks most like `wanted`, or an empty string."""
    import difflib  # noqa: PLC0415 - wanted only on the way to an error

    found = difflib.get_close_matches(wanted, sorted(names), n=1, cutoff=0.5)
    return found[0] if found else ""


def _type_name(value: object) -> str:
    if value is None:
        return "nothing"
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)
