"""A field of an object → the line of its file that it stands in."""

from __future__ import annotations

import re

from yaml import YAMLError

from krm_fn.text import places
from krm_fn.text.document import Item
from krm_fn.text.pages import line_of
from krm_fn.text.places import Node

_PLACE = re.compile(r"\[(\d+)\]")


def line(item: Item, field: str = "") -> int:
    """Return the line, the first being 1, of a field as findings name it: dotted, with [N] for places of lists.

    A field that the text does not have leads to the deepest one above that it has.
    """
    start = item.start
    if field:
        indented = " " * item.column + item.source
        try:
            start += max(0, _found(places.read(indented, None), field) - item.column)
        except (YAMLError, LookupError):  # a text that only the JSON reader takes
            start = item.start
    return line_of(item.text, start)


def _found(node: Node, field: str) -> int:
    """Return where the text of a field begins. A key may have dots of its own, as labels do."""
    start, rest = node.start, field
    while rest:
        if place := _PLACE.match(rest):
            steps = [(place[0], node.real.entries[int(place[1])])] if int(place[1]) < len(node.real.entries) else []
        else:
            steps = [
                (key.text, (key, value))
                for key, value in node.real.entries
                if key and re.match(rf"{re.escape(key.text)}(?:[.\[]|$)", rest)
            ]
        if not steps:
            break
        name, (key, node) = max(steps, key=lambda step: len(step[0]))
        start = key.start if key else node.start
        rest = rest[len(name) :].removeprefix(".")
    return start
