"""Findings for what reads them in a pipeline: SARIF 2.1.0, and the workflow commands of GitHub Actions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from krm_fn import __version__
from krm_fn.results import FUNCTION, Code, Result, Severity
from krm_fn.views.facts import Json
from krm_fn.views.paint import clean

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SARIF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


class Located(NamedTuple):
    """A finding and its place: a file as it is called from here (empty: none), and a line of it (0: unknown)."""

    result: Result
    path: str
    line: int


def as_sarif(found: Sequence[Located]) -> Json:
    """Return the log of one run (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""
    codes = sorted({one.result.code for one in found}, key=lambda code: code.slug)
    rules = [_rule(code) for code in codes]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": FUNCTION, "semanticVersion": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif(one, codes.index(one.result.code)) for one in found],
            }
        ],
    }


def _rule(code: Code) -> Json:
    words = code.slug.replace("-", " ")
    return {
        "id": code.slug,
        "shortDescription": {"text": words[0].upper() + words[1:]},
        "defaultConfiguration": {"level": _SARIF[code.severity]},
    }


def _sarif(one: Located, rule: int) -> Json:
    result = one.result
    place: Json = {}
    if one.path:
        # A relative path is one from where the command ran, which is where its log is read.
        place["physicalLocation"] = {"artifactLocation": {"uri": quote(one.path, errors="surrogateescape")}}
        if one.line:
            place["physicalLocation"]["region"] = {"startLine": one.line}
    if result.ref and result.ref.kind:
        named = f"{result.ref} {result.field}".strip()
        place["logicalLocations"] = [{"fullyQualifiedName": clean(named), "kind": "object"}]
    what = f"{result.code.slug}\0{result.ref}\0{result.field}"
    return {
        "ruleId": result.code.slug,
        "ruleIndex": rule,
        "level": _SARIF[result.severity],
        "message": {"text": _sentence(result)},
        "locations": [place] if place else [],
        "partialFingerprints": {"finding/v1": hashlib.sha256(what.encode(errors="backslashreplace")).hexdigest()[:32]},
    }


def as_github(found: Iterable[Located]) -> str:
    """Return a workflow command a finding: GitHub shows it at its line of a pull request.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "".join(_command(one) for one in found)


def _command(one: Located) -> str:
    properties = {
        "file": one.path,
        "line": str(one.line) if one.path and one.line else "",
        "title": one.result.code.slug,
    }
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{_GITHUB[one.result.severity]} {written}::{_data(_sentence(one.result))}\n"


def _data(text: str) -> str:
    """Escape what would end a command: a name in a manifest must not become one of its own."""
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sentence(result: Result) -> str:
    """Return the object, the field and the message."""
    named = f"{result.ref} {result.field}".strip() if result.ref else result.field
    text = " ".join(result.message.split())
    return clean(f"{named}: {text}" if named else text)
