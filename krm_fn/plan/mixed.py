"""What of the user's is kept apart from a Service because only one of the two names its namespace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from krm_fn.objects import Object
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result

# What to do about objects of which some name their namespace.
ONE_NAMESPACE = (
    "write metadata.namespace in all of them, or set the option namespace to what objects without one will get "
    "(Helm: the release's namespace)"
)


class Mixed:
    """The Services of a list, to find those that a name may have been meant for.

    Args:
        routed: those with routes.
        every: all of them.
    """

    def __init__(self, routed: Iterable[Key], every: Collection[Key]) -> None:
        self._every = every
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for namespace, name in sorted(routed):
            self._by_name[name].append(namespace)

    def finding(self, one: Object, field: str, shown: str, key: Key) -> Result | None:
        """Return a finding if no Service is what a field of an object names, and one is but for its namespace."""
        if key in self._every:
            return None
        found = next((other for other in self._by_name.get(key[1], ()) if bool(other) != bool(key[0])), None)
        if found is None:
            return None
        meant = f"in namespace {key[0]!r}" if key[0] else "without a namespace, as the object is"
        theirs = f"stands in namespace {found!r}" if found else "has none"
        message = (
            f"{shown!r} means a Service {meant}, and {key[1]} of the list {theirs}: they are kept apart, and no "
            f"environment of it is routed here; {ONE_NAMESPACE}"
        )
        return Result(Code.NAMESPACE_MIXED, message, one.ref, field)
