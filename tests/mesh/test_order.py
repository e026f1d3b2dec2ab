"""Rules of their own for each subset answer as one rule does, and going one by one they break nothing."""

from __future__ import annotations

from . import Mesh
from .test_weaving import APP, HEADER, woven


def test_rules_apart_are_one_to_istio():
    """With `applyOrder` each subset has its own DestinationRule, and every environment is answered as before."""
    manifests = woven(APP, applyOrder="argocd")
    assert len([one for one in manifests if one["kind"] == "DestinationRule"]) == 3
    with Mesh(manifests) as mesh:
        found = [mesh.sidecar().ask("app", headers={HEADER: value}).pod for value in ("x", "dev.a", "dev.a.b.c")]
    assert found == ["app-dev", "app-dev-a", "app-dev-a-b"]


def test_between_the_steps_no_request_fails():
    """With the rules of the larger list, the routes before and after the change are both answered."""
    small, large = (
        woven([one for one in APP if "a-b" not in one["metadata"]["name"]], applyOrder="kpt"),
        woven(APP, applyOrder="kpt"),
    )
    routes = {len(one["spec"]["http"]): one for one in (*small, *large) if one["kind"] == "VirtualService"}
    rest = [one for one in large if one["kind"] != "VirtualService"]
    for step in (routes[2], routes[3]):
        with Mesh([*rest, step]) as mesh:
            for value in ("x", "dev.a", "dev.a.b"):
                assert mesh.sidecar().ask("app", headers={HEADER: value}).status == 200
