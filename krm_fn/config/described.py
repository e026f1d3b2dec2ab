"""What each field of the configuration is for, with an example: for schemas and for `--help`, never for a run.

It stands apart from the options so that the function, which a host starts for every package, does not build it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Field(NamedTuple):
    """What to say of a field, and a value that it may have."""

    text: str
    example: Any


FIELDS: Mapping[str, Field] = {
    "envLabel": Field("the label that names environments", {"defaultSubset": "dev"}),
    "envLabel.name": Field("the label on pod templates that names their environment", "virtual-env"),
    "envLabel.splitter": Field("what separates the levels of an environment's name", "."),
    "envLabel.defaultSubset": Field(
        "the base: who answers when a request names nobody; may be left out where one environment is the only root",
        "dev",
    ),
    "envHeader": Field("where a request carries its environment", {"name": "X-Virtual-Env", "autoInject": True}),
    "envHeader.name": Field("the header in which a request carries its environment", "X-Virtual-Env"),
    "envHeader.autoInject": Field(
        "the mesh adds the header to requests that leave a labelled pod without one", example=True
    ),
    "envHeader.aliases": Field(
        "further carriers, each a header, a cookie, or a member of W3C baggage", [{"baggage": "virtual-env"}]
    ),
    "envHeader.aliases[].name": Field("another header that may carry the environment", "X-Trace"),
    "envHeader.aliases[].pattern": Field(
        "an RE2 expression for that header's value, with the placeholder where the environment stands", "env=(@)"
    ),
    "envHeader.aliases[].placeholder": Field("the placeholder of the pattern", "(@)"),
    "envHeader.aliases[].cookie": Field("a cookie that may carry the environment", "lane"),
    "envHeader.aliases[].baggage": Field("a member of W3C baggage that may carry the environment", "virtual-env"),
    "matching": Field(
        "prefix: a value that no pod carries reaches its nearest ancestor; exact: known values only", "exact"
    ),
    "unmatched": Field(
        "where not even the base has pods: reject answers 503 and says why; anyPod lets any pod answer", "anyPod"
    ),
    "tcp": Field(
        "plain TCP goes to the base, or follows the calling pod's own environment (callerLabels)", "callerLabels"
    ),
    "unlabelled": Field(
        "pods without the label beside labelled ones of their Service: an error, or adopt them into the base", "adopt"
    ),
    "routes": Field(
        "Services with routes: those of several environments (split), or all that take part, always", "all"
    ),
    "applyOrder": Field(
        "a rule for each subset, for hosts that apply in order: list (kubectl, Helm), argocd or kpt", "argocd"
    ),
    "istio": Field("what the objects of Istio are written for", {"injector": "lua"}),
    "istio.apiVersion": Field(
        "of the generated objects; v1beta1 and v1alpha3 for older Istio", "networking.istio.io/v1beta1"
    ),
    "istio.injector": Field("how autoInject is done: early from Istio 1.26 on, lua before", "lua"),
    "istio.rootNamespace": Field(
        "Istio's own namespace: its DestinationRules hold where no closer one does", "istio-system"
    ),
    "output": Field("Istio's own kinds, or Gateway API routes for any mesh (gatewayAPI)", "gatewayAPI"),
    "base": Field(
        "with gatewayAPI: a Service of the base's pods beside yours (backend), or its label in yours too (selector)",
        "selector",
    ),
    "grpc": Field("with gatewayAPI: the kind of route of gRPC ports", "GRPCRoute"),
    "namespace": Field("what objects without a namespace will get, such as Helm's release namespace", "shop"),
    "namespaces": Field(
        "environments in namespaces of their own, which answer for one another", {"base": "dev", "members": ["proj1"]}
    ),
    "namespaces.base": Field("the namespace that holds the base", "dev"),
    "namespaces.members": Field("the namespaces whose environments answer beside the base's", ["proj1", "proj2"]),
    "clusterDomain": Field("the domain of the cluster's Services", "cluster.local"),
    "previewHosts": Field(
        "a host per environment on a gateway, for people who cannot set a header: {env} and {host} once each",
        "{env}.{host}",
    ),
    "workloads": Field(
        "further kinds of objects with a pod template", [{"apiVersion": "example.com/v1", "kind": "Worker"}]
    ),
    "workloads[].apiVersion": Field("the kind's apiVersion", "example.com/v1"),
    "workloads[].kind": Field("the kind", "Worker"),
    "workloads[].templatePath": Field("where the pod template stands in it", "spec.template"),
    "placement": Field(
        "the file in which kpt writes new objects; {namespace} is the object's, or 'default' without one",
        "virtual-env-{namespace}.yaml",
    ),
}


def as_help() -> str:
    """Return the fields that hold a value as lines of help: `kpt fn doc` shows them."""
    leaves = [path for path in FIELDS if not any(one.startswith((f"{path}.", f"{path}[")) for one in FIELDS)]
    width = max(map(len, leaves))
    return "".join(f"  {path:<{width}}  {FIELDS[path].text}\n" for path in leaves)
