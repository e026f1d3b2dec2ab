"""Edits as data → the object's new text."""

from __future__ import annotations

from krm_fn.edit import Text
from krm_fn.edits import Edit, Insert


def rewrite(source: str, column: int, edit: Edit) -> str:
    """Return an object's text with the edits made; `source` and `column` as `document` gives them.

    What an earlier run added is taken out first, so that the additions find the text as the user wrote it.
    """
    if edit.removals:
        text = Text(source, column, [path[:-1] for path in edit.removals])
        for path in edit.removals:
            text.remove(path)
        source = text.result()
    if edit.additions:
        text = Text(source, column, [addition.path for addition in edit.additions])
        for addition in edit.additions:
            if isinstance(addition, Insert):
                text.insert(addition.path, addition.index, addition.values)
            else:
                text.put(addition.path, addition.key, addition.value, addition.after)
        source = text.result()
    return source
