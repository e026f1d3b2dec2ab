"""Edits of a stream of documents, YAML or JSON: whole documents replaced, removed, added; all else keeps its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krm_fn.text.splice import Splice, opens, replace
from krm_fn.text.writer import dump, flow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from krm_fn.text.pages import Page

_ENDS = ("\n", "\r")


def edit_stream(
    splice: Splice,
    pages: Sequence[Page],
    replaced: Mapping[int, Mapping[str, Any] | str],
    removed: Collection[int],
    added: Sequence[Mapping[str, Any]],
    *,
    is_json: bool,
) -> None:
    """Note the edits of the documents `pages` of a text."""
    for index, value in replaced.items():
        if index not in removed:
            replace(splice, pages[index], value, block=not is_json)
    _remove(splice, pages, removed, is_json=is_json)
    if not added:
        return
    text = splice.text
    if splice.newline == "\r":
        splice.newline = "\n"  # kubectl and kyaml part a text at lines of ---, and know line feeds alone
    if is_json and not any(text.startswith("---", page.begin) for page in pages):
        new = "".join(flow(value) + "\n" for value in added)  # JSON's own readers know no `---`
    else:
        texts = [flow(value) + "\n" if is_json else dump(value) for value in added]
        if splice.is_open and len(pages) - 1 not in removed:
            _add_before(splice, pages[-1], texts)
            return
        new = "".join(f"---\n{one}" for one in texts)
    if not text.endswith(_ENDS) and not opens(new):
        new = new.removesuffix("\n")  # what had no last line end has none
    splice.put(len(text), len(text), new, lines=True)


def _remove(splice: Splice, pages: Sequence[Page], removed: Collection[int], *, is_json: bool) -> None:
    text, kept = splice.text, [index for index in range(len(pages)) if index not in removed]
    first = kept[0] if kept else len(pages)
    # What had no last line end has none afterwards, unless it would be a text's own: the one above goes.
    trims = not text.endswith(_ENDS) and (not kept or not opens(text[: pages[kept[-1]].end]))
    tail = len(text) if trims else -1
    for index in sorted(removed, reverse=True):
        page = pages[index]
        explicit = text.startswith(("---", "%"), page.begin)
        begin = page.begin if explicit or is_json else 0  # an implicit start is the first document's
        end = splice.line_end_if_alone(begin, page.end) if is_json else page.end
        is_needless = index < first or text.startswith("...", pages[index - 1].end)
        if is_needless and not is_json and text.startswith("...", end):
            end = splice.line_end(end)  # nothing is left that it would end
        above = 2 if text.startswith("\r\n", begin - 2) else text[begin - 1 : begin] in ("\r", "\n")
        splice.put(begin - above if end == tail else begin, end, "")
        tail = begin if end == tail else -1


def _add_before(splice: Splice, page: Page, texts: Sequence[str]) -> None:
    """Put documents before the last one, whose end would change with a line end behind it."""
    text = splice.text
    if not text.startswith(("---", "%"), page.begin):
        splice.put(0, 0, "".join(f"{one}---\n" for one in texts))
        return
    end = "...\n" if text.startswith("%", page.begin) else ""
    splice.put(page.begin, page.begin, "".join(f"---\n{one}" for one in texts) + end)
