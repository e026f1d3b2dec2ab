"""Who stands behind a proxy's clusters: pods of which environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.verify.applied import Applied
from krm_fn.verify.asked import CannotTell, Outcome, Reply
from krm_fn.verify.dump import Endpoint
from krm_fn.verify.proxy import Proxy

ANYBODY = "whoever is there"
_OUTBOUND_PARTS = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """Who gets a request by one outcome.

    Attributes:
        environments: of the pods; empty where nobody answers.
        text: the same in words.
        service: the Service, where it is one of the plan's.
        host: the full name of the Service, whosever it is; empty where the proxy asks none.
        status: of HTTP where the proxy answers itself, 0 where the connection ends or a pod answers.
    """

    environments: frozenset[str]
    text: str
    service: ServicePlan | None = None
    host: str = ""
    status: int = 0


def split(cluster: str) -> tuple[str, str]:
    """Return the subset and the host of an outbound cluster's name; empty for any other."""
    parts = cluster.split("|")
    return (parts[2], parts[3]) if len(parts) == _OUTBOUND_PARTS and parts[0] == "outbound" else ("", "")


def _nobody(outcome: Outcome, host: str) -> str:
    if outcome.reply is Reply.CLOSED:
        return "nobody: the connection ends"
    if outcome.reply is Reply.STATUS:
        return f"nobody: the proxy answers {outcome.status} itself"
    if host:
        return f"whichever pod of {host} the client chose"
    return f"{ANYBODY}: the proxy has no route and lets it pass"


class Answering:
    """Environments by endpoint, workload and subset.

    `pods` are known environments by IP (None: the pod has no label), where somebody looked at the pods themselves.
    """

    def __init__(
        self, plan: Plan, proxy: Proxy, applied: Applied, pods: Mapping[str, str | None] | None = None
    ) -> None:
        self.proxy = proxy
        self.applied = applied
        self.services = {applied.names.host(*one.key): one for one in plan.services}
        self._pods = pods or {}
        self._labels = {one.config.env_label.name for one in plan.services}
        self._seen: dict[tuple[str, bool], Seen] = {}
        self._workloads: dict[tuple[str, str], set[str]] = {}
        for service in plan.services:
            found = [(name, one) for name, own in service.own.items() for one in own.workloads]
            found += [(name, one) for name, gone in service.absent.items() for one in gone]
            for name, one in found:
                key = (applied.names.space(one.ref.namespace), one.ref.name)
                self._workloads.setdefault(key, set()).add(name)

    def seen(self, outcome: Outcome, *, http: bool) -> Seen:
        """Say who gets a request.

        Raises:
            CannotTell: where pods answer of which the list knows nothing.
        """
        if outcome.reply is Reply.CLUSTER and (known := self._seen.get((outcome.cluster, http))):
            return known
        _, host = split(outcome.cluster)
        service = self.services.get(host)
        if outcome.reply is not Reply.CLUSTER:
            return Seen(frozenset(), _nobody(outcome, host), service, host, outcome.status)
        if service is None and host in self.applied.backends:
            return self._alone(outcome.cluster, host, http=http)
        if service is None:
            where = host or outcome.cluster
            return Seen(frozenset(), f"{where}, which takes no part", None, where)
        found = self._behind(service, outcome.cluster, http=http)
        self._seen[outcome.cluster, http] = found
        return found

    def _alone(self, cluster: str, host: str, *, http: bool) -> Seen:
        """Say who gets the requests for a generated Service of one environment."""
        endpoints, selector = self.proxy.endpoints(cluster), self.applied.backends[host]
        if endpoints is None:
            environments = frozenset(selector[one] for one in self._labels if one in selector)
        else:
            environments = self._of(endpoints)
        if not environments:
            return Seen(environments, f"nobody: Service {host} has no pods", None, host, 503 if http else 0)
        return Seen(environments, f"pods of {' and '.join(sorted(environments))}", None, host)

    def _behind(self, service: ServicePlan, cluster: str, *, http: bool) -> Seen:
        subset, host = split(cluster)
        endpoints = self.proxy.endpoints(cluster)
        if endpoints is None:
            environments = self.labelled(service, host, subset)
            if environments is None:
                raise CannotTell(f"the dump has no endpoints, and no DestinationRule of the list has subset {subset}")
        else:
            environments = self._of(endpoints)
        if not environments:
            text = f"nobody: {f'subset {subset}' if subset else 'the Service'} has no pods"
            return Seen(environments, text, service, host, 503 if http else 0)
        return Seen(environments, f"pods of {' and '.join(sorted(environments))}", service, host)

    def _of(self, endpoints: tuple[Endpoint, ...]) -> frozenset[str]:
        found: set[str] = set()
        for one in endpoints:
            address = one.address.rpartition(":")[0]
            if address in self._pods:
                found.add(self._pods[address] or "no environment")
                continue
            known = self._workloads.get((one.namespace, one.workload))
            if not known:
                who = f"{one.namespace}/{one.workload}" if one.workload else one.address
                raise CannotTell(f"pods of {who} answer, and the list has no such workload")
            if len(known) > 1:
                raise CannotTell(
                    f"pods of {one.namespace}/{one.workload} answer, and the list has several of that name"
                )
            found |= known
        return frozenset(found)

    def labelled(self, service: ServicePlan, host: str, subset: str) -> frozenset[str] | None:
        """Return the environments of which a subset has pods by the list's labels; None where it has no such subset."""
        if not subset:
            return frozenset(service.own)
        labels = self.applied.subsets.get((host, subset))
        if labels is None:
            return None
        return frozenset(
            name
            for name, own in service.own.items()
            if any(labels.items() <= one.labels.items() for one in own.workloads)
        )
