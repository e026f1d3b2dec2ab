"""A user's own routes, as odd as users_lists.py makes them, in texts as odd as tests/fuzz writes them."""

from __future__ import annotations

import random

from tests.fuzz import texts

from .users_lists import make

OPTIONS = [
    {},
    {"output": "gatewayAPI"},
    {"output": "gatewayAPI", "base": "selector"},
    {"previewHosts": "{env}.{host}"},
    {"routes": "all", "applyOrder": "argocd"},
    {"applyOrder": "kpt"},
    {"envHeader": {"autoInject": True, "aliases": [{"cookie": "env"}, {"baggage": "env"}]}},
    {"unmatched": "anyPod"},
    {"unlabelled": "adopt"},
]


def configured(seed: int, option: dict) -> list[dict]:
    """The objects of a list of a user's, and its configuration with one more option as an item."""
    listed = make(seed)
    config = listed.config
    config["spec"] |= option
    if "namespaces" not in config["spec"]:  # else it holds for all of them, as functionConfig alone
        config["metadata"]["namespace"] = "shop"
    return [*listed.manifests, config]


def text(seed: int) -> bytes:
    """The input of a number."""

    def objects(rng: random.Random) -> list[dict]:
        found = configured(seed, rng.choice(OPTIONS))
        rng.shuffle(found)
        return found

    return texts.text(seed, objects)
