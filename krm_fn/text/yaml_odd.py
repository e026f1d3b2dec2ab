"""What a text must not have to be cut: where it stands then says nothing about what it means."""

from __future__ import annotations

import re

from krm_fn.text.pages import MAX_DEPTH

_SPECIAL = re.compile(r"(?:^|[\s\[{,:])[&*][\w-]", re.ASCII)  # may be an anchor or an alias
# What libyaml takes, and the reading of events does not always: a merge key, YAML's own tags, a collection for a key.
_JUDGED = re.compile(
    r"(?:^|[\s{,])<<[ ]*(?::|$)|!!(?:int|float|bool|null|binary)\b|(?:^[ -]*|[\[{,]\s*)\?(?=\s)", re.MULTILINE
)
_KEY_END = re.compile(" *:")
PROPERTIES = ("&", "!")  # how an anchor or a tag begins; behind one, the first key may stand in another column
LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")  # ends of lines for YAML, and for nobody else
_MARK = re.compile(r"[\x85\u2028\u2029](?: *-|\.\.\.)")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\n")
_ASCII = bytes([9, 10, *range(0x20, 0x7F)])
_CHUNK = 65_536  # characters at a time: to copy them into memory that was just used takes a third of the time
_UNPRINTABLE = "[^\t\n -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff\x85]"


class OddTextError(Exception):
    """The text is not what cutting takes it for: it must be read in one pass."""


def is_printable(text: str) -> bool:
    """Tell whether a text has only characters that libyaml takes; comments between parts are read by nobody else."""
    if text.isascii():
        chunks = (text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK))
        return not any(chunk.encode().translate(None, _ASCII) for chunk in chunks)
    return re.search(_UNPRINTABLE, text) is None  # compiled here: most texts are ASCII, and it takes 3 ms


def whole_lines(text: str) -> str:
    """Return a text with a line end. Raises OddTextError where that could change a value: behind a block scalar."""
    if text.endswith("\n"):
        return text
    if _BLOCK_SCALAR.search(text):
        raise OddTextError
    return text + "\n"


def is_odd(text: str) -> bool:
    """Tell whether a text has something that concerns all of it, wherever it stands."""
    # Looking for one character is fast, for two it is not: most texts have none of these.
    return bool(
        (("&" in text or "*" in text) and _SPECIAL.search(text))
        or _odd_brackets(text)
        or ((("<" in text and "<<" in text) or ("!" in text and "!!" in text) or "?" in text) and _JUDGED.search(text))
        or (not text.isascii() and LINE_SEPARATORS.search(text))
    )


def check_marks(text: str) -> None:
    """Raise OddTextError if a line that only YAML takes for one may begin or end an entry: by a dash, `---`, `...`."""
    if not text.isascii() and _MARK.search(text):
        raise OddTextError


def _odd_brackets(text: str) -> bool:
    """Tell whether brackets are many, double (a template that nobody rendered), or around a key."""
    find, count = text.find, 0
    for opening, closing in ("{}", "[]"):
        at = find(opening)
        while at >= 0:
            if opening == "{" == text[at + 1]:
                return True
            count += 1
            at = find(opening, at + 1)
        at = find(closing)
        while at >= 0:
            if text[at + 1] in " :" and _KEY_END.match(text, at + 1):
                return True
            at = find(closing, at + 1)
    return count > MAX_DEPTH
