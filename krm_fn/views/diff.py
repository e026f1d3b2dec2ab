"""What a change moves, the consequence first: as text, as Markdown for a pull request, as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.results import Result
from krm_fn.views import facts, markdown
from krm_fn.views.change import Change, Comparison, Kind, Setting
from krm_fn.views.facts import NO_ENVIRONMENT, Json
from krm_fn.views.paint import Line, Span, Style, clean, line
from krm_fn.views.who import ANY_POD, CLOSED, NO_ADDRESS, Who

_SHOWN = 6  # names in a row before "and N more"

HEADS = {
    Kind.BASE: "Requests without an environment are answered differently",
    Kind.UNMATCHED: "No answer any more",
    Kind.BROKEN: "Routes to pods that are gone",
    Kind.RENAMED: "Environments by another name",
    Kind.MOVED: "Answered by another environment",
    Kind.ANSWERED: "Answered now",
    Kind.PORT: "Ports under another rule",
    Kind.NEW: "Services that take part now",
}
_LOUD = {Kind.BASE: Style.BAD, Kind.UNMATCHED: Style.BAD, Kind.BROKEN: Style.BAD}


def diff(found: Comparison) -> Iterator[Line]:
    """Yield what changes as lines, in groups, the most urgent first."""
    for warning in warnings(found):
        yield [("! ", Style.BAD), *warning]
    if found.settings or found.unrelated:
        yield line("")
    for kind, changes in _groups(found):
        yield line(("! " if kind in _LOUD else "") + HEADS[kind], _LOUD.get(kind, Style.HEAD))
        yield from ([("  ", Style.PLAIN), *sentence(change)] for change in changes)
        yield line("")
    yield line(_summary(found), Style.FAINT)


def as_markdown(found: Comparison) -> str:
    """Return the same for a comment on a pull request."""
    parts = ["### Virtual environments: " + _headline(found)]
    parts += [f"> **Warning:** {markdown.sentence(warning)}" for warning in warnings(found)]
    for kind, changes in _groups(found):
        mark = "🔴 " if kind in _LOUD else ""
        listed = "\n".join(f"- {markdown.sentence(sentence(change))}" for change in changes)
        parts.append(f"**{mark}{HEADS[kind]}**\n\n{listed}")
    return "\n\n".join([*parts, _summary(found)]) + "\n"


def as_json(found: Comparison, old: Sequence[Result], new: Sequence[Result]) -> Json:
    """Return the same as data; docs/views.md describes it."""
    return facts.document(
        "Diff",
        new,
        findingsBefore=[one.as_item() for one in old],
        settings=[
            {"name": one.name, "old": one.old, "new": one.new, "services": list(one.services)} for one in found.settings
        ],
        changes=[change_json(one) for one in found.changes],
        cells={"all": found.cells, "changed": found.changed_cells},
        unrelated=bool(found.unrelated),
    )


def change_json(change: Change) -> Json:
    """Return a change and its sentence."""
    return {
        "kind": change.kind.value,
        "losesAnswer": change.loses_answer,
        "service": change.service,
        "values": list(change.values),
        "old": _who_json(change.old),
        "new": _who_json(change.new),
        "reason": change.reason,
        "sentence": "".join(text for text, _ in sentence(change)),
    }


def _who_json(who: Who | None) -> Json | None:
    return {"environment": who.environment, "otherwise": who.otherwise or None} if who else None


def _groups(found: Comparison) -> Iterator[tuple[Kind, list[Change]]]:
    for kind in Kind:
        changes = [change for change in found.changes if change.kind is kind]
        if changes:
            yield kind, changes


def _headline(found: Comparison) -> str:
    if not found.changes:
        return "no answer changes"
    loud = [f"{HEADS[kind].lower()} ({len(changes)})" for kind, changes in _groups(found) if kind in _LOUD]
    return "; ".join(loud) or f"answers of {_count(found.changed_services, 'Service')} change"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _summary(found: Comparison) -> str:
    if not found.cells:
        return "Nothing was compared: neither list has a Service with pods that carry the label."
    if not found.changes:
        return (
            f"No answer changes: {_count(found.cells, 'cell')} of {_count(found.services, 'Service')} are as they were."
        )
    return (
        f"{found.changed_cells} of {found.cells} cells change, "
        f"in {found.changed_services} of {_count(found.services, 'Service')}."
    )


def warnings(found: Comparison) -> Iterator[list[Span]]:
    """Yield what makes the comparison say less than it seems to."""
    if found.unrelated:
        old, new = (_count(count, "Service") for count in found.unrelated)
        text = f"these lists have no Service in common ({old} before, {new} after): is one of them the wrong one?"
        yield [(text, Style.PLAIN)]
    yield from map(_setting, found.settings)


def _setting(setting: Setting) -> list[Span]:
    return _say(
        "the {} ({} → {}), so the cells of {} compare different questions",
        [(f"{setting.name} differ{'' if setting.name == 'aliases' else 's'}", Style.PLAIN)],
        setting.old,
        setting.new,
        _names(setting.services),
    )


def sentence(change: Change) -> list[Span]:
    """Return the consequence of a change in one sentence; names from manifests have the style NAME."""
    if change.kind is Kind.RENAMED and change.old and change.new:
        name = change.old.environment or ""
        told = _say("{} is called {} now: requests that carry {} are ", name, change.new.environment, name)
        return [*told, (change.reason, Style.PLAIN)]
    if change.kind in (Kind.PORT, Kind.BROKEN):
        template = "{} {}" if change.kind is Kind.PORT else "{}: {}"
        return _say(template, change.service, [(clean(change.reason), Style.PLAIN)])
    named = [value for value in change.values if value is not None]
    unnamed = None in change.values
    was = _say(" (was {})", _who(change.old)) if change.old else []
    if change.kind is Kind.NEW:
        values = _names([NO_ENVIRONMENT, *named] if unnamed else named)
        return _say("{}: {} answers {}{}", change.service, _who(change.new), values, was)
    if change.new is None or change.new.environment is None:
        where = [] if unnamed else _say(" in {}", _names(named))
        why = [(f"; {change.reason}", Style.PLAIN)] if change.reason else []
        return _say(
            "{}{} has {}{}{}{}", change.service, where, _lost(change), was, why, _also(named if unnamed else [])
        )
    if unnamed:
        return _say("{} is answered by {}{}{}", change.service, change.new.environment, was, _also(named))
    return _moved(change, change.new.environment, named, was)


def _moved(change: Change, new: str, named: Sequence[str], was: list[Span]) -> list[Span]:
    """Return what the change means to requests that name an environment."""
    old = change.old.environment if change.old else None
    if new in named:
        rest = [value for value in named if value != new]
        return _say("{} now answers {} itself{}{}", new, change.service, was, _also(rest))
    if old in named and not change.reason:
        rest = [value for value in named if value != old]
        return _say("{} has no pods of {} any more: {} answers{}", old, change.service, new, _also(rest))
    why = [(f"; {change.reason}", Style.PLAIN)] if change.reason else []
    return _say("{} in {} is answered by {}{}{}", change.service, _names(named), new, was, why)


def _lost(change: Change) -> list[Span]:
    if change.new is None:
        return [("no answer any more", Style.PLAIN)]
    if change.new.otherwise == ANY_POD:
        alone = change.old is not None and change.old.environment is not None
        return [("no single answer any more: any pod" if alone else "an answer: any pod", Style.PLAIN)]
    if change.new.otherwise == NO_ADDRESS:
        return [("no answer any more: its name has no address", Style.PLAIN)]
    if change.new.otherwise == CLOSED:
        return [("no answer any more: connections close", Style.PLAIN)]
    return [("no answer any more: 503", Style.PLAIN)]


def _who(who: Who | None) -> list[Span]:
    if who is None:
        return []
    return [(who.environment, Style.NAME)] if who.environment is not None else [(who.otherwise, Style.PLAIN)]


def _also(values: Sequence[str]) -> list[Span]:
    return _say("; also for {}", _names(values)) if values else []


def _names(names: Sequence[str]) -> list[Span]:
    spans: list[Span] = []
    for name in names[:_SHOWN]:
        spans += [(", ", Style.PLAIN)] if spans else []
        spans.append((clean(name), Style.PLAIN if name == NO_ENVIRONMENT else Style.NAME))
    more = len(names) - _SHOWN
    return [*spans, (f" and {more} more", Style.PLAIN)] if more > 0 else spans


def _say(template: str, *parts: str | list[Span] | None) -> list[Span]:
    """Fill each {} of a template with a name, or with spans."""
    texts = template.split("{}")
    spans: list[Span] = [(texts[0], Style.PLAIN)]
    for part, text in zip(parts, texts[1:], strict=True):
        spans += part if isinstance(part, list) else [(clean(part or ""), Style.NAME)]
        spans.append((text, Style.PLAIN))
    return [span for span in spans if span[0]]
