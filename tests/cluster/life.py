"""The life of an environment: what a package holds step by step, and what a cluster must answer then.

`shop` and `cart` have pods of the base `dev` all the time, and `cart` has some of `dev.stays`. `dev.proj1` comes, moves
from one Service to the other, is renamed, goes and comes again: so `shop` loses its last environment and `cart` one
of two.
"""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import istio_reading
import yaml
from istio_reading import Request

from krm_fn import function
from krm_fn.objects import objects_of
from krm_fn.text import document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .api import Api

Manifest = dict[str, Any]
SERVICES = ("shop", "cart")
PORT = 8080
STEPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {  # step → environment → Services in which it has pods
    "base": {},
    "add": {"dev.proj1": ("shop",)},
    "change": {"dev.proj1": ("cart",)},
    "rename": {"dev.proj9": ("cart",)},
    "remove": {},
    "add again": {"dev.proj1": ("shop", "cart")},
}
_ALWAYS = {"dev": SERVICES, "dev.stays": ("cart",)}
_VALUES = (None, "dev", "dev.stays", "dev.stays.x", "dev.proj1", "dev.proj1.x", "dev.proj10", "dev.proj9", "other")
_KINDS = (
    ("networking.istio.io/v1", "VirtualService"),
    ("networking.istio.io/v1", "DestinationRule"),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
)


def config(**spec: Any) -> Manifest:
    """Return the configuration; `spec` are options beside the base."""
    return {
        "apiVersion": "virtual-env-fn.dev/v1alpha1",
        "kind": "VirtualEnvironment",
        "metadata": {"name": "virtual-env", "annotations": {"config.kubernetes.io/local-config": "true"}},
        "spec": {"envLabel": {"defaultSubset": "dev"}, **spec},
    }


def manifests(step: str, namespace: str) -> list[Manifest]:
    """Return what the package holds at a step, the routes aside."""
    services = [_service(name, namespace) for name in SERVICES]
    pods = {**_ALWAYS, **STEPS[step]}
    return [*services, *(deployment(name, env, namespace) for env, names in pods.items() for name in names)]


def deployment(service: str, environment: str, namespace: str) -> Manifest:
    labels = {"app": service, "virtual-env": environment}
    container = {"name": "app", "image": f"example.com/{service}:{environment}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{service}-{environment.replace('.', '-')}", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _service(name: str, namespace: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": PORT}]},
    }


def text(values: Iterable[Manifest]) -> str:
    """Return manifests as a stream, without aliases for what they share."""
    return yaml.safe_dump_all([json.loads(json.dumps(one)) for one in values], sort_keys=False)


def through(values: list[Manifest], configuration: Manifest) -> list[Manifest]:
    """Return manifests as they leave the function."""
    outcome = function.run(text(values).encode(), configuration)
    assert not outcome.failed, outcome.results
    return [item.value for item in document.parse(outcome.output).items]


@dataclass(frozen=True, slots=True)
class State:
    """The objects of a namespace at one moment, by (kind, name)."""

    objects: Mapping[tuple[str, str], Manifest]

    def of(self, kind: str) -> list[Manifest]:
        return [one for (name, _), one in sorted(self.objects.items()) if name == kind]

    def dangling(self) -> list[str]:
        """Return each route that names a subset which no DestinationRule has: a 503."""
        subsets = {
            (one["spec"]["host"], subset["name"])
            for one in self.of("DestinationRule")
            for subset in one["spec"].get("subsets", ())
        }
        return sorted(
            f"{one['metadata']['name']}: {destination['subset']}"
            for one in self.of("VirtualService")
            for destination in _destinations(one)
            if (destination["host"], destination.get("subset")) not in subsets
        )

    def answers(self, namespace: str) -> dict[tuple[str, str | None], str | int]:
        """Return who answers each Service for each value, by the routes alone, read as Istio reads them."""
        objects = list(self.objects.values())
        answers: dict[tuple[str, str | None], str | int] = {}
        for service, value in itertools.product(SERVICES, _VALUES):
            headers = {} if value is None else {"X-Virtual-Env": value}
            request = Request(service, namespace, PORT, headers=headers)
            answers[service, value] = istio_reading.answer(objects, request, "virtual-env")
        return answers


def planned(step: str, namespace: str, configuration: Manifest) -> dict[tuple[str, str | None], str | int]:
    """Return who answers each Service for each value by the plan of a step."""
    objects = list(objects_of(document.parse(text(manifests(step, namespace)).encode()).items))
    plans = {one.service.ref.name: one for one in function.compute(objects, configuration).plan.services}
    return {(name, value): plans[name].answer(value).environment for name in SERVICES for value in _VALUES}


class Watched:
    """What happens in a namespace, change by change, of every kind in the order in which the store had it."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self._objects: dict[tuple[str, str], Manifest] = {}
        self._since: dict[tuple[str, str], str] = {}
        for kind in _KINDS:
            found, self._since[kind] = api.list(*kind, namespace)
            self._objects |= {(kind[1], one["metadata"]["name"]): one for one in found}

    def states(self) -> Iterator[State]:
        """Yield the state after each change since the last call; the last one is as it is now."""
        events = []
        with ThreadPoolExecutor(len(_KINDS)) as pool:  # the server takes a second to say that there was no more
            for kind, found in zip(_KINDS, pool.map(self._events, _KINDS), strict=True):
                events += found
                self._since[kind] = str(found[-1][0]) if found else self._since[kind]
        for _, what, value in sorted(events, key=lambda event: event[0]):
            key = (value["kind"], value["metadata"]["name"])
            if what == "DELETED":
                self._objects.pop(key, None)
            else:
                self._objects[key] = value
            yield State(dict(self._objects))
        yield State(dict(self._objects))

    def _events(self, kind: tuple[str, str]) -> list[tuple[int, str, Manifest]]:
        return list(self.api.events(*kind, self.namespace, self._since[kind]))


def _destinations(virtual_service: Manifest) -> Iterator[Manifest]:
    for section in ("http", "tcp"):
        for route in virtual_service["spec"].get(section, ()):
            for entry in route.get("route", ()):
                if "subset" in entry["destination"]:
                    yield entry["destination"]
