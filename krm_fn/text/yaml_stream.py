"""A stream of YAML documents with line feeds, cut at its `---` lines.

A line of `---` ends whatever stands before it, so these cuts are YAML's own. Whenever anything is out of the ordinary
(an error, a directive, a ResourceList) this returns None, and `yaml_reader` reads the text in one pass from the start.
"""

from __future__ import annotations

import re

from yaml import YAMLError

from krm_fn.results import FunctionError
from krm_fn.text.pages import Page
from krm_fn.text.yaml_cuts import Cutter
from krm_fn.text.yaml_odd import LINE_SEPARATORS, PROPERTIES, OddTextError, is_printable, whole_lines
from krm_fn.text.yaml_parts import STREAM
from krm_fn.text.yaml_shapes import Asked

_MARKER = re.compile(r"^---[ ]*(?:#[^\n]*)?(?:\n|\Z)", re.MULTILINE)
_ODD = re.compile(r"^(?:---[ \t]+[^ #\n]|---\t|\.\.\.|%|\ufeff)", re.MULTILINE)
_LEAD = re.compile(r"(?:[ ]*(?:#[^\n]*)?\n)* *")


def read(text: str, asked: Asked) -> list[Page] | None:
    """Return the documents, None if the text must be read in one pass."""
    if not is_printable(text) or "ResourceList" in text or _ODD.search(text):
        return None
    markers = list(_MARKER.finditer(text))
    begins = [marker.start() for marker in markers]
    starts = [marker.end() for marker in markers]
    if not markers or begins[0]:
        begins, starts = [0, *begins], [0, *starts]
    pages: list[Page] = []
    try:
        cutter = Cutter(asked, STREAM)
        for begin, start, end in zip(begins, starts, [*begins[1:], len(text)], strict=True):
            page = _page(text, begin, start, end, cutter)
            if page.start < end or start > begin:  # else comments before the first document
                pages.append(page)
        cutter.read()
    except (FunctionError, OddTextError, YAMLError):
        return None
    if any(page.value is not None and page.value.get("kind") == "ResourceList" for page in pages):  # by escapes
        return None
    return pages


def _page(text: str, begin: int, start: int, end: int, cutter: Cutter) -> Page:
    lead = _LEAD.match(text, start, end)
    first = lead.end() if lead else start
    if LINE_SEPARATORS.search(text, begin, first + 1):
        raise OddTextError
    if first == end or (text[first] == "#" and "\n" not in text[first:end]):
        return Page(None, begin, end, end, 0)
    if text[first] in PROPERTIES:
        raise OddTextError
    line = text.rfind("\n", 0, first) + 1
    page = Page(None, begin, first, end, first - line, flow=text[first] == "{")
    cutter.add(page, whole_lines(f"\n{text[line:end]}"), first - line)
    return page
