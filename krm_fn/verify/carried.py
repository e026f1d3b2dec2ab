"""The values to ask for, and the headers in which a request may carry them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from krm_fn.config.options import Alias
from krm_fn.plan.answers import ServicePlan
from krm_fn.verify.matching import regex

STRANGER = "nobody-carries-this"
CHILD = "nobody-knows-this"
_REGEX_ONLY = re.compile(r"\(\?[:iP][^)]*\)|[()^$]|\[[^\]]*\][*+?]?|\\S[*+]|\.[*+]|[*+?]")


@dataclass(frozen=True, slots=True)
class Carried:
    """A carrier: its name in words, the header, and the text that stands before and behind the environment."""

    words: str
    header: str
    before: str = ""
    behind: str = ""


def carriers_of(plan: ServicePlan) -> tuple[list[Carried], list[str]]:
    """Return the carriers of a Service, and those for which no example could be made."""
    header = plan.config.env_header
    found, left = [Carried(f"header {header.name}", header.name)], []
    for alias in header.aliases:
        carried = _alias(alias)
        found += [carried] if carried else []
        left += [] if carried else [f"header {alias.name}"]
    return found, left


def _alias(alias: Alias) -> Carried | None:
    if alias.cookie is not None:
        return Carried(f"cookie {alias.cookie}", "cookie", f"a=b; {alias.cookie}=")
    if alias.baggage is not None:
        return Carried(f"baggage {alias.baggage}", "baggage", f"a=b,{alias.baggage}=")
    name = alias.name or ""
    if alias.pattern is None:
        return Carried(f"header {name}", name)
    before, found, behind = alias.pattern.partition(alias.placeholder)
    texts = [re.sub(r"\\(.)", r"\1", _REGEX_ONLY.sub("", one)) for one in (before, behind)]
    pattern = alias.pattern.replace(alias.placeholder, "dev")
    if not found or alias.placeholder in behind or not regex(pattern)(f"{texts[0]}dev{texts[1]}"):
        return None
    return Carried(f"header {name}", name, *texts)


def values_of(plan: ServicePlan) -> list[str | None]:
    """Return the environments to ask for, None for no header at all."""
    if not plan.is_split:
        return [None, STRANGER, *sorted(plan.own)]
    split = plan.splitter
    alike = [text for one in sorted(plan.own) for text in (f"{one}{split}{CHILD}", f"{one}0", one.swapcase())]
    return [None, *dict.fromkeys([*sorted(plan.known), *alike, STRANGER])]


def asked(carriers: Sequence[Carried], values: Sequence[str | None]) -> Iterator[tuple[Carried, str | None]]:
    """Yield nothing at all, each value in each carrier, and an empty one."""
    yield carriers[0], None
    for carried in carriers:
        yield from ((carried, value) for value in values if value is not None)
    yield carriers[0], ""
