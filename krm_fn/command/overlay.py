"""What `verify --format json` found, read again for the page to show it over the plan."""

from __future__ import annotations

import json
from pathlib import Path

from krm_fn.command.reading import problem
from krm_fn.results import FunctionError
from krm_fn.values import Value, mappings, strings
from krm_fn.views.facts import API_VERSION
from krm_fn.views.page import Overlay, Verified


def read(path: str) -> list[Verified]:
    """Read a result of verify.

    Raises:
        FunctionError: if it cannot be read, or is none.
    """
    try:
        value = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise FunctionError(problem(path, f"cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise FunctionError(problem(path, "is no JSON: take what `verify --format json` prints")) from error
    if not isinstance(value, dict) or (value.get("apiVersion"), value.get("kind")) != (API_VERSION, "Verify"):
        raise FunctionError(problem(path, "is no result of verify: take what `verify --format json` prints"))
    return [_of_proxy(one) for one in mappings(value.get("proxies"))]


def _of_proxy(proxy: Value) -> Verified:
    differences, untold = mappings(proxy.get("differences")), mappings(proxy.get("untold"))
    cells = [
        _cell(one, f"{_wanted(one)} should answer; gets {one.get('found')}", str(one.get("sentence")))
        for one in differences
    ]
    cells += [_cell(one, "cannot tell", str(one.get("reason")), differs=False) for one in untold]
    kind = "gateway" if proxy.get("kind") == "router" else "sidecar"
    count = f"{proxy.get('asked')} cells asked, {len(differences)} differ, {len(untold)} cannot be told"
    return Verified(f"{kind} {proxy.get('name')}: {count}", cells)


def _cell(one: Value, what: str, why: str, *, differs: bool = True) -> Overlay:
    name = f"{one['namespace']}/{one.get('service')}" if one.get("namespace") else str(one.get("service"))
    place = f"{one.get('host')}" if one.get("host") else f"port {one.get('port')}"
    text = f"{place}, {one.get('carrier')}: {what}: {why}"
    value = one.get("value")
    return Overlay(name, value if isinstance(value, str) else None, differs, text)


def _wanted(one: Value) -> str:
    return " and ".join(strings(one.get("expected"))) or "nobody"
