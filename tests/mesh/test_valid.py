"""Nothing that Istio refuses is written: `istioctl validate` takes every output that the tests of this folder made.

These run last (conftest.py).
"""

from __future__ import annotations

import shutil

import pytest

from . import outputs, parts


@pytest.fixture(autouse=True)
def _istioctl():
    if not shutil.which("istioctl"):
        (pytest.skip if parts.may_skip("istioctl") else pytest.fail)("istioctl is missing: run .ci/parts/istioctl")


def test_istioctl_takes_every_output():
    """Every output that went into a mesh is valid to `istioctl validate`; what is refused is shown with its reason."""
    assert outputs.refused(outputs.all_kept()) == []


BAD = b"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bad}
spec: {hosts: [bad], http: [{route: [{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 0}]}]}
"""


def test_a_refused_output_is_found_among_others():
    """What the test above relies on: of many outputs the one that Istio refuses is named, and only that."""
    good = BAD.replace(b"weight: 0", b"weight: 1")
    found = outputs.refused([good, BAD, good + b"---\n" + good.replace(b"name: bad", b"name: more")])
    assert len(found) == 1
    assert "total destination weight = 0" in found[0]


def test_a_key_given_twice_is_found():
    """An output that has a key twice is refused when it is read."""
    with pytest.raises(outputs.Refused, match="twice"):
        outputs.read(b"spec: {a: 1, a: 2}")
