"""The options and their defaults, as plain values: what a configuration may say is in `models`.

A run without a configuration needs no more than these, so pydantic is loaded only where there is something to check.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

ROOT_NAMESPACE = "istio-system"  # Istio's, unless its mesh configuration says otherwise
CLUSTER_DOMAIN = "cluster.local"  # that of a cluster whose kubelets say nothing else


class EnvLabel(NamedTuple):
    """The label on pod templates that names an environment, and how its value is read."""

    name: str = "virtual-env"
    splitter: str = "."
    default_subset: str = ""


class Alias(NamedTuple):
    """A further carrier of the environment: another header, a cookie, or a member of W3C baggage."""

    name: str | None = None
    pattern: str | None = None
    placeholder: str = "(@)"
    cookie: str | None = None
    baggage: str | None = None


class EnvHeader(NamedTuple):
    """Where a request carries its environment."""

    name: str = "X-Virtual-Env"
    auto_inject: bool = False
    aliases: tuple[Alias, ...] = ()


class Istio(NamedTuple):
    """What the Istio resources are written for."""

    api_version: str = "networking.istio.io/v1"
    injector: Literal["early", "lua"] = "early"
    root_namespace: str = ROOT_NAMESPACE


class Namespaces(NamedTuple):
    """Namespaces whose environments answer for one another."""

    base: str
    members: Sequence[str]

    @property
    def all(self) -> tuple[str, ...]:
        """The base, then the members as they stand."""
        return (self.base, *self.members)


class WorkloadKind(NamedTuple):
    """A further kind of object with a pod template, and the dotted path of that template in it."""

    api_version: str
    kind: str
    template_path: str = "spec.template"


class RouteConfig(NamedTuple):
    """All options, with their defaults; tests hold them against those of the models."""

    env_label: EnvLabel = EnvLabel()
    env_header: EnvHeader = EnvHeader()
    matching: Literal["prefix", "exact"] = "prefix"
    unmatched: Literal["reject", "anyPod"] = "reject"
    tcp: Literal["base", "callerLabels"] = "base"
    unlabelled: Literal["error", "adopt"] = "error"
    routes: Literal["split", "all"] = "split"
    apply_order: Literal["none", "list", "argocd", "kpt"] = "none"
    istio: Istio = Istio()
    output: Literal["istio", "gatewayAPI"] = "istio"
    base: Literal["backend", "selector"] = "backend"
    grpc: Literal["HTTPRoute", "GRPCRoute"] = "HTTPRoute"
    namespace: str = ""
    namespaces: Namespaces | None = None
    cluster_domain: str = CLUSTER_DOMAIN
    preview_hosts: str = ""
    workloads: Sequence[WorkloadKind] = ()
    placement: str = "virtual-env-{namespace}.yaml"
