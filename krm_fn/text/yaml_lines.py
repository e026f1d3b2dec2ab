"""The lines that kustomize and kpt write most, read without libyaml: a fifth of the time.

Nine lines of ten in a list are `key: word`, `key:`, `- key: 'text'` and the like, and many of them the same. An
item made of such lines only is read here, line by line; any other line (a literal block, an anchor, an escape, a
text over several lines, a key given twice) gives the item back to libyaml. What is read here, libyaml's events
read the same: tests/unit/text/test_document_lines.py holds the two against each other.
"""

from __future__ import annotations

import re
from typing import Any

from krm_fn.text import scalars
from krm_fn.text.pages import MAX_DEPTH

# A plain scalar is words joined by single blanks or colons: no `: `, no ` #`, no indicator in front.
_INNER = r"""[\w./@,()=+*&!?<>|^$\[\]{}~;%'"\\-]"""
_PLAIN = rf"(?:[\w/.]|-(?=[\w-])){_INNER}*(?:[ :]{_INNER}+)*"
_SINGLE = r"'[ -&(-~]*'"
_DOUBLE = r'"[ !#-\[\]-~]*"'
_BARE = r"[\w/.][\w./-]*"  # a word that is one inside brackets too
_FLOW_MAP = rf"\{{(?:{_BARE}: {_BARE}(?:, {_BARE}: {_BARE})*)?\}}"
_FLOW_LIST = rf"\[(?:{_BARE}(?:, {_BARE})*)?\]"
_VALUE = rf"({_PLAIN})|({_SINGLE}|{_DOUBLE})|({_FLOW_MAP})|({_FLOW_LIST})"
# Comments may hold any character that YAML can print and does not take for a line's end.
# Said by what they may not hold, the expression is made in a sixth of the time.
_COMMENT = "#[^\0-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*"
_LINE = re.compile(
    rf"( *)(?:(- )?(?:([A-Za-z_/][\w./-]{{0,200}}):(?: +(?:{_VALUE}))?|((?<=- )(?:{_PLAIN}|{_SINGLE}|{_DOUBLE})))"
    rf"(?: +(?:{_COMMENT})?)?|(?:{_COMMENT})?)",
    re.ASCII,
)

# indent, whether a dash is there, key ("" for a list's scalar), value, whether the value is still to come
Line = tuple[int, bool, str, Any, bool]
_BLANK: Line = (-1, False, "", None, False)


class Lines:
    """Reads items; remembers the lines that it has met, as most come again and again."""

    def __init__(self) -> None:
        self._known: dict[str, Line | None] = {}
        self._collections: dict[str, Line] = {}  # lines whose value is a mapping or a list in brackets

    def item(self, text: str) -> dict[str, Any] | None:  # noqa: C901, PLR0911, PLR0912  # a hot loop: calls cost here
        """Return the mapping that a block item holds, None if libyaml must read it.

        `text` is whole lines, with a blank instead of the item's own dash.
        """
        known = self._known
        stack: list[tuple[int, Any]] = []
        target: Any = None  # the collection that is being filled, and the column of its keys or dashes
        column = -2
        opened: str | None = None  # the key whose value is still to come
        for text_line in text.split("\n"):
            line = known[text_line] if text_line in known else self._line(text_line)
            if line is None:
                return None
            indent, dash, key, value, is_open = line
            if indent != column or dash or target.__class__ is list:
                if indent < 0:
                    continue
                if opened is not None and (indent > column or (dash and indent == column)):
                    if len(stack) >= MAX_DEPTH - 2:
                        return None
                    stack.append((column, target))
                    new: Any = [] if dash else {}
                    target[opened] = new
                    target, column = new, indent
                elif target is None:
                    if dash:
                        return None
                    target, column = {}, indent
                else:
                    while indent < column or (indent == column and not dash and target.__class__ is list):
                        if not stack:
                            return None
                        column, target = stack.pop()
                    if indent != column or dash is not (target.__class__ is list):
                        return None
                if dash:
                    if not key:
                        target.append(value)
                        opened = None
                        continue
                    stack.append((column, target))
                    new = {}
                    target.append(new)
                    target, column = new, indent + 2
            if key in target:
                return None
            target[key] = value
            opened = key if is_open else None
        while stack:
            column, target = stack.pop()
        return target if isinstance(target, dict) else None

    def _line(self, text: str) -> Line | None:
        """Return what a line says that is not known yet, None if it is none of the kind read here."""
        line = self._collections.get(text)
        if line is None:
            match = _LINE.fullmatch(text)
            line = _read(match) if match else None
            if line is None or line[3].__class__ not in (dict, list):
                self._known[text] = line
                return line
            self._collections[text] = line
        indent, dash, key, value, opened = line
        return indent, dash, key, value.copy(), opened  # no two items share a collection


def _read(match: re.Match[str]) -> Line | None:  # noqa: PLR0911  # one line for each kind of value
    blanks, dash, key, plain, quoted, pairs, words, alone = match.groups()
    indent, dashed = len(blanks or ""), dash is not None
    if alone is not None:
        return (indent, True, "", alone[1:-1] if alone[0] in "'\"" else scalars.plain(alone), False)
    if key is None:
        return _BLANK
    if key[0] in scalars.SUSPECT and not isinstance(scalars.plain(key), str):
        return None
    if quoted is not None:
        return (indent, dashed, key, quoted[1:-1], False)
    if plain is not None:
        return (indent, dashed, key, scalars.plain(plain) if plain[0] in scalars.SUSPECT else plain, False)
    if words is not None:
        return (indent, dashed, key, [scalars.plain(word) for word in words[1:-1].split(", ") if word], False)
    if pairs is not None:
        value = _flow_map(pairs[1:-1])
        return None if value is None else (indent, dashed, key, value, False)
    return (indent, dashed, key, None, True)


def _flow_map(body: str) -> dict[str, Any] | None:
    pairs = [pair.split(": ") for pair in body.split(", ") if pair]
    value = {key: scalars.plain(word) for key, word in pairs}
    keys_are_text = all(isinstance(scalars.plain(key), str) for key in value)
    return value if keys_are_text and len(value) == len(pairs) else None
