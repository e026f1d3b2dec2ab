"""A request as the routes of a proxy see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from krm_fn.verify.actions import without_port
from krm_fn.verify.asked import CannotTell, Request

Config = Mapping[str, Any]

_ODD_PATH = re.compile(r"[%\\#]|//")


def canonical(manager: Config, request: Request) -> Request:
    """Return the request with its path and host as the routes see them."""
    if request.path == "/":
        pass
    elif manager.get("normalize_path") or manager.get("merge_slashes"):
        path = request.path.partition("?")[0]
        if _ODD_PATH.search(path) or "/." in path:
            raise CannotTell("the proxy rewrites such a path before it looks for a route")
    elif "#" in request.path:
        raise CannotTell("a path with a fragment")
    authority = request.authority
    if manager.get("strip_any_host_port"):
        authority = without_port(authority)
    elif manager.get("strip_matching_host_port"):
        authority = authority.removesuffix(f":{request.port}")
    if manager.get("strip_trailing_host_dot"):
        authority = authority.removesuffix(".")
    return replace(request, authority=authority) if authority != request.authority else request


def is_secure(manager: Config, request: Request) -> bool:
    """Tell whether the request counts as one over TLS; a sidecar believes what the client says of that."""
    said = next(iter(request.values.get("x-forwarded-proto", ())), "")
    return said == "https" if said and not manager.get("use_remote_address") else request.tls
