"""A user's own routes, as odd as users_lists.py makes them, in texts as odd as tests/fuzz writes them."""

from __future__ import annotations

import random

from tests.fuzz import texts

from .users_lists import make

OPTIONS = [
    {},
    {},
    {"output": "gatewayAPI"},
    {"previewHosts": "{env}.{host}"},
    {"routes": "all", "applyOrder": "argocd"},
    {"applyOrder": "kpt"},
    {"envHeader": {"autoInject": True, "aliases": [{"cookie": "env"}, {"baggage": "env"}]}},
    {"unlabelled": "adopt"},
]


def text(seed: int) -> bytes:
    """The input of a number."""

    def objects(rng: random.Random) -> list[dict]:
        listed = make(seed)
        config = listed.config
        config["spec"] |= rng.choice(OPTIONS)
        if "namespaces" not in config["spec"]:  # else it holds for all of them, as functionConfig alone
            config["metadata"]["namespace"] = "shop"
        found = [*listed.manifests, config]
        rng.shuffle(found)
        return found

    return texts.text(seed, objects)
