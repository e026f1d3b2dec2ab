"""Where a block item ends. libyaml closes it at the next token, which may be far below, in the next item."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from krm_fn.results import Code
from krm_fn.text.pages import fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml._yaml import CParser

    from krm_fn.text.anchors import Event

COLON = "\uf8ff"  # of the private use area: a text that has it is not read so
# Not those behind an alias (`{*key:, …}`), which end no plain scalar.
_LAST_COLONS = re.compile(r"[&*!][^\s,\[\]{}]*|(?<![\"'\]}]):(?=[,\]\[{}])")
_MARKED = re.compile(r"(?<=[\r\n])(---[ \t]*)(\r\n|\r|\n)\ufeff")  # not of the text's first line: no reader parts there
_HASHED = re.compile(r"^---#([^\r\n]?)", re.MULTILINE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


def open_parser(raw: bytes) -> CParser:
    """Return libyaml's parser of UTF-8 text, without or with a BOM. Raises FunctionError if there is none."""
    if not yaml.__with_libyaml__:
        fail(
            Code.NO_LIBYAML,
            "this PyYAML was built without libyaml, whose parser the function needs; "
            "install a PyYAML wheel (pip install --force-reinstall --only-binary :all: PyYAML) or your "
            "distribution's python3-yaml",
        )
    return yaml.cyaml.CParser(raw)  # type: ignore[attr-defined]  # there only with libyaml


def tolerant(text: str) -> str:
    """Return a text of the same length that libyaml reads where Go's readers, made from it, take more.

    A colon at the end of a plain scalar in brackets (`[2001:db8::, a]`) becomes `COLON`, which the scalars take back;
    the mark of UTF-8 before a later document becomes part of the `---` line; and what `parted` does.
    """
    text, reach = parted(_MARKED.sub(lambda match: f"{match[1]} {match[2]}", text)), 0
    while True:
        try:
            open_parser(text.encode()).raw_parse()
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            if mark is None or getattr(error, "problem", "") != "found unexpected ':'" or text[mark.index] != ":":
                return text
            # All of its line at once, then of twice as much each time: an attempt reads the text again from its start.
            end = line_end(text, min(mark.index + reach, len(text)))
            reach = 2 * (end - mark.index)
            text = text[: mark.index] + COLON + _LAST_COLONS.sub(_colon, text[mark.index + 1 : end]) + text[end:]
        else:
            return text


def _colon(match: re.Match[str]) -> str:
    return COLON if match[0] == ":" else match[0]


def parted(text: str) -> str:
    """Return a text of the same length whose comments right behind `---` stand apart: Go begins a document there."""
    return _HASHED.sub(lambda match: "--- #" if match[1] else "--- ", text) if "---#" in text else text


def block_end(text: str, start: int, limit: int, column: int) -> int:
    """Return where a block entry ends: behind its last line and the comments that belong to it.

    libyaml closes it at the next token (`limit`), behind blank lines and comments that may be the neighbour's.
    Only comments deeper than the dash (`column`) are the entry's own. Mostly there are none of either.
    """
    edge = limit
    while text[edge - 1] == " ":
        edge -= 1
    if text[edge - 1] not in "\r\n":  # the text ends without a line end, or the list is in a `{…}`
        edge = limit
    last = _last_line(text, start, edge)
    if last and last[0] != "#":
        return edge
    content = _content_end(text, start, limit)
    return _own_comments(text, content, limit, column)


def flow_end(text: str, end: int, column: int) -> int:
    """Return where an entry in braces, or a scalar, ends whose last character is before `end`: as `block_end`."""
    return _own_comments(text, line_end(text, end), len(text), column)


def _last_line(text: str, start: int, end: int) -> str:
    body = end - 2 if text[end - 2 : end] == "\r\n" else end - 1
    line_start = max(text.rfind("\n", start, body) + 1, start)
    return text[max(line_start, text.rfind("\r", line_start, body) + 1) : end].strip()


def _content_end(text: str, start: int, limit: int) -> int:
    """Return the end of an entry's last line that is neither blank nor a comment, by reading it again.

    A `#` may begin a line of a block scalar, and blank lines may belong to one: only the events know.
    """
    column = start - 1 - max(text.rfind("\n", 0, start), text.rfind("\r", 0, start))
    parser = open_parser(tolerant(" " * column + text[start:limit]).encode())
    shift, last = start - column, start
    get_event: Callable[[], Event] = parser.get_event
    while event := get_event():
        if event.end_mark.index > event.start_mark.index:
            last = event.end_mark.index + shift
    end = last if text[last - 1] in "\r\n" else line_end(text, last)
    for line in _LINE.finditer(text, end, limit):  # an empty value's `:` may stand on a later line
        body = line[0].strip()
        if body and body[0] != "#":
            end = line.end()
    return end


def line_end(text: str, index: int) -> int:
    """Return where the next line begins."""
    match = _LINE.match(text, index)
    return match.end() if match else len(text)


def _own_comments(text: str, end: int, limit: int, column: int) -> int:
    """Return `end`, or the end of the comments below it that are indented deeper than `column`."""
    for line in _LINE.finditer(text, end, limit):
        body = line[0].lstrip(" \t")
        if body.strip() and len(line[0]) - len(body) <= column:
            break
        if body.startswith("#"):
            end = line.end()
    return end
