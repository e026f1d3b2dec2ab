"""Markdown of GitHub and GitLab in which names from manifests stay text: they stand in code spans only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from krm_fn.views.paint import Line, Style, clean

_TICKS = re.compile("`+")


def code(name: str) -> str:
    """Return a name as a code span, in which nothing is a link, a mention or HTML."""
    shown = clean(name)
    fence = "`" * (1 + max(map(len, _TICKS.findall(shown)), default=0))
    space = " " if "`" in shown or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def sentence(line: Line) -> str:
    """Return a line whose names are styled as such; all else in it is this program's own words."""
    return "".join(code(text) if style is Style.NAME else text for text, style in line)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in lines)
