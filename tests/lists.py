"""Made objects for tests: as short as a test can read them."""

from __future__ import annotations

import yaml

from krm_fn import function
from krm_fn.merge import merge
from krm_fn.objects import objects_of
from krm_fn.text import document

LABEL = "virtual-env"


def workload(name, env=None, *, app="app", namespace="", kind="Deployment", api="apps/v1", labels=None, **spec):
    """A Deployment (or any other kind with spec.template) whose pods carry `app` and the environment."""
    pod_labels = {"app": app, **({LABEL: env} if env is not None else {}), **(labels or {})}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": named(name, namespace),
        "spec": {**spec, "template": {"metadata": {"labels": pod_labels}, "spec": {"containers": [{"name": "c"}]}}},
    }


def service(name="app", *, namespace="", selector=None, ports=((80, "http"),), **spec):
    """A Service that selects `app: NAME`; ports as (number, name[, appProtocol])."""
    keys = ("port", "name", "appProtocol")
    listed = [{key: value for key, value in zip(keys, port, strict=False) if value is not None} for port in ports]
    selector = {"app": name} if selector is None else selector
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": named(name, namespace),
        "spec": {**({"selector": selector} if selector else {}), "ports": listed, **spec},
    }


def named(name, namespace=""):
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def config(**spec):
    return {
        "apiVersion": "virtual-env-fn.dev/v1alpha1",
        "kind": "VirtualEnvironment",
        "metadata": {"name": "virtual-env"},
        "spec": spec,
    }


def base(name="dev", **spec):
    return config(envLabel={"defaultSubset": name}, **spec)


def compute(values, function_config=None):
    """Compute what a list of values leads to."""
    return function.compute(objects(values), function_config)


def objects(values):
    """The objects of a list of values, read from its text."""
    return list(objects_of(document.parse(yaml.dump_all(values, Dumper=_Plain).encode()).items)) if values else []


class _Plain(yaml.SafeDumper):
    """Writes each place of a list in full: made lists share what the tests share."""

    def ignore_aliases(self, _):
        return True


def step(values, function_config=None, *, place=True):
    """Run once: return the list as it then is, and the changes."""
    listed = objects(values)
    computed = compute(values, function_config or base())
    changes = merge(listed, computed.made, computed.configs, place=place)
    after = [changes.replaced.get(place, value) for place, value in enumerate(values) if place not in changes.removed]
    return [*after, *changes.added], changes


def codes(results):
    """The codes of findings, sorted."""
    return sorted(result.code.slug for result in results)


def of_kind(manifests, kind):
    return [one for one in manifests if one["kind"] == kind]
