"""Lines of styled text: plain where they are piped, in colour on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum

from krm_fn.results import printable

clean = printable  # names from manifests, as text


class Style(StrEnum):
    """What a piece of text is; the value is rich's word for how it looks."""

    PLAIN = ""
    HEAD = "bold"
    NAME = "bold blue"
    OWN = "bold green"
    OTHER = "cyan"
    FAINT = "dim"
    BAD = "bold red"
    LOUD = "bold yellow"


Span = tuple[str, Style]
Line = Sequence[Span]


def line(text: str, style: Style = Style.PLAIN) -> Line:
    """Return a line of one style."""
    return [(text, style)]


def padded(text: str, width: int, style: Style = Style.PLAIN) -> Span:
    """Return the text with the spaces behind it that fill `width` characters."""
    return text.ljust(width), style


def plain(lines: Iterable[Line]) -> str:
    """Return the lines as text without colours; no line ends in spaces."""
    return "".join(["".join([text for text, _ in one]).rstrip() + "\n" for one in lines])


def text(lines: Iterable[Line]) -> str:
    """Return the lines as standard output wants them: in colour on a terminal, unless NO_COLOR is set."""
    # https://no-color.org: any value but an empty one counts
    if not (sys.stdout and sys.stdout.isatty()) or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return plain(lines)
    try:
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
        from rich.text import Text  # noqa: PLC0415
    except ImportError:  # the image has no colours
        return plain(lines)

    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    with console.capture() as captured:
        for one in lines:
            console.print(Text.assemble(*one))
    return captured.get()
