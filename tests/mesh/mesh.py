"""A whole mesh on loopback: Istio's own control plane, real Envoys, real requests. No cluster, no root."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from . import asking, cluster, gateways, istiod, parts
from .backends import Backends
from .envoy import Envoy, Identity
from .model import NAMESPACE, Cluster, name_for
from .network import Network

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from types import TracebackType

    from .asking import Answer
    from .model import Manifest, Pod, Service

Labels = dict[str, str]

_MIRRORS_SECONDS = 0.2
_OUTSIDE = "203.0.113.7"  # the address of a gateway's clients (RFC 5737): no loopback, which Envoy trusts


@dataclass(slots=True)
class Caller:
    """A pod's sidecar: asks as an application in that pod would."""

    envoy: Envoy
    _cluster: Cluster = field(repr=False)

    def ask(
        self,
        service: str,
        port: int | None = None,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        protocol: str = "http1",
        path: str = "/",
        method: str = "GET",
        authority: str | None = None,
        sni: str | None = None,
    ) -> Answer:
        """Ask a Service by a name that the caller's DNS would know: `app`, `app.ns`, `app.ns.svc...`.

        `port` may be left out where the Service has one. LookupError: no such Service or port; a headless
        one: any of its pods is asked, as the client of a DNS name with several addresses does.
        """
        identity = self.envoy.identity
        found = self._cluster.service(service, identity.namespace)
        number = port or _only_port(found)
        address = found.address
        if not address:
            pods = self._cluster.pods_of(found)
            if not pods:
                raise LookupError(f"the headless Service {service} has no pods")
            address = random.choice(pods).address  # noqa: S311 - no secret
        line = self._line(found, address, number)
        authority = authority or (service if number == 80 else f"{service}:{number}")
        return asking.send(protocol, line, asking.Request(authority, path, method, asking.pairs(headers), sni))

    def line(self, service: Service, number: int) -> asking.Line:
        """Return the connection that a process in this pod makes to a port of a Service."""
        return self._line(service, service.address, number)

    def _line(self, _: Service, address: str, number: int) -> asking.Line:
        return asking.Line(self.envoy.socket_of("virtualOutbound"), self.envoy.identity.address, address, number)

    def spread(self, service: str, port: int | None = None, *, times: int = 20, **request: Any) -> Counter[str]:
        """Ask several times; return how often each pod answered (`""`: none did)."""
        return Counter(self.ask(service, port, **request).pod for _ in range(times))


@dataclass(slots=True)
class Gateway:
    """A gateway's proxy: asks as a client outside of the mesh would."""

    envoy: Envoy
    _targets: Mapping[int, int] = field(repr=False)  # the port that it listens on, by its Service's

    def ask(
        self,
        host: str,
        port: int = 80,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        protocol: str = "http1",
        path: str = "/",
        method: str = "GET",
        sni: str | None = None,
    ) -> Answer:
        """Ask for a host. FileNotFoundError: the gateway has no listener for that port.

        With `protocol="tls"` the name said is `sni`, or else the host.
        """
        target = self._targets.get(port, port)
        line = asking.Line(self.envoy.socket_of(f"0.0.0.0_{target}"), _OUTSIDE, self.envoy.identity.address, target)
        return asking.send(protocol, line, asking.Request(host, path, method, asking.pairs(headers), sni or host))


class Mesh:
    """Istiod and a backend in every pod, for a list of manifests; proxies start when they are asked for.

    Use it in a `with`: nothing is left running after it. MeshMissing: a part is not on this machine.
    MeshRejected: Istio or Envoy refuses a configuration, with its reason.
    """

    def __init__(
        self,
        manifests: Iterable[Manifest],
        *,
        extra: Iterable[Manifest] = (),
        label: str | Mapping[str, str] = "virtual-env",
        steady: bool = False,
        elsewhere: Container[str] = (),
    ) -> None:
        self._network = Network()
        self._directory = Path(tempfile.mkdtemp(prefix="mesh-"))
        self._proxies: dict[tuple[object, ...], Envoy] = {}  # by identity
        self._starting: dict[tuple[object, ...], threading.Lock] = {}
        self._numbers = itertools.count()
        self._backends: Backends | None = None
        self._xds: Path | None = None
        self._steady = steady  # proxies leave nothing to chance: Identity
        self._elsewhere = elsewhere  # names of pods that have no backend here: processes.py runs them
        self._label = label  # of environments: one, or one for each namespace
        self.warnings: list[str] = []  # Istio's, on configurations that it takes
        self.cluster = Cluster()
        self._manifests = [*manifests, *extra]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        parts.check()
        self.cluster = cluster.build(self._manifests, self._network.claim())
        control = self._control()
        self._xds, self.warnings = control.open(self.cluster.documents, self._directory)
        self._backends = Backends(self._label, control.certificate(self._directory))
        here = {place: pod for place, pod in self.cluster.listening.items() if pod.name not in self._elsewhere}
        self._backends.start(here)

    def _control(self) -> istiod.Istiod:
        return istiod.shared()

    @property
    def mirrors(self) -> bool:
        """Whether anything of the manifests may have requests mirrored."""
        return any("mirror" in json.dumps(one).lower() for one in self._manifests)

    def close(self) -> None:
        """End everything that this mesh started."""
        for envoy in self._proxies.values():
            envoy.end()
        for envoy in self._proxies.values():
            envoy.stop()
        self._proxies.clear()
        if self._backends:
            self._backends.stop()
            self._backends = None
        if self._xds:
            self._control().shut(self._xds)
            self._xds = None
        self._network.release()
        shutil.rmtree(self._directory, ignore_errors=True)

    def label_in(self, namespace: str) -> str:
        """Return the name of the environment label of a namespace."""
        return name_for(self._label, namespace)

    def pod(self, name: str, namespace: str = NAMESPACE) -> Pod:
        """Return a pod by name. LookupError: there is none."""
        for pod in self.cluster.pods:
            if (pod.name, pod.namespace) == (name, namespace):
                return pod
        raise LookupError(f"no pod {namespace}/{name}; there are {[pod.name for pod in self.cluster.pods]}")

    def sidecar(
        self,
        namespace: str = NAMESPACE,
        labels: Labels | None = None,
        *,
        pod: str | None = None,
        version: str = "1.30.0",
    ) -> Caller:
        """Return the sidecar of a pod of the manifests, or of a client pod with these labels.

        The same identity asked for twice is the same Envoy.
        """
        if pod is not None:
            found = self.pod(pod, namespace)
            identity = Identity(found.name, namespace, found.labels, found.address, "sidecar", version, self._steady)
        else:
            address = self._network.outsider
            identity = Identity("client", namespace, labels or {}, address, "sidecar", version, self._steady)
        return Caller(self._proxy(identity), self.cluster)

    def gateway(self, name: str, namespace: str = NAMESPACE) -> Gateway:
        """Return the proxy of an Istio or Gateway API Gateway: of the pods that it selects, in the manifests
        or made for it."""
        selector = self._selector(name, namespace)
        for pod in self.cluster.pods:
            if selector.items() <= pod.labels.items():
                identity = Identity(pod.name, pod.namespace, pod.labels, pod.address, "router", steady=self._steady)
                targets = {
                    port.number: pod.resolve(port.target) or port.number
                    for service in self.cluster.services.values()
                    if service.selects(pod)
                    for port in service.ports
                }
                return Gateway(self._proxy(identity), targets)
        raise LookupError(f"no pod has the labels {selector} of Gateway {namespace}/{name}")

    def chain(
        self,
        hops: Sequence[str],
        *,
        namespace: str = NAMESPACE,
        labels: Labels | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        copy: Sequence[str] = (),
        protocol: str = "http1",
    ) -> list[Answer]:
        """Ask the first hop (`service` or `service:port`) as a client, and each next one from the sidecar of
        the pod that answered, with the headers named in `copy` as that pod saw them.

        It ends early at a hop that no pod answers; the last answer then says why.
        """
        caller, carried = self.sidecar(namespace, labels), asking.pairs(headers)
        answers: list[Answer] = []
        for hop in hops:
            service, _, port = hop.partition(":")
            answer = caller.ask(service, int(port) if port else None, headers=carried, protocol=protocol)
            answers.append(answer)
            if not answer.pod:
                break
            wanted = {name.lower() for name in copy}
            carried = [pair for pair in answer.headers_seen if pair[0].lower() in wanted]
            caller = self.sidecar(answer.namespace, pod=answer.pod)
        return answers

    def arrived(self) -> dict[str, Counter[str]]:
        """Return which pods got each request that had a header `x-ask`, as NAMESPACE/NAME, by its value.

        It waits for those that are mirrored: Envoy sends them together with the request.
        """
        count, until = -1, time.monotonic() + _MIRRORS_SECONDS
        found = self._backends.arrived if self._backends else {}
        while time.monotonic() < until or count != sum(pods.total() for pods in found.copy().values()):
            count = sum(pods.total() for pods in found.copy().values())
            time.sleep(_MIRRORS_SECONDS / 2)
        return dict(found)

    def _selector(self, name: str, namespace: str) -> Mapping[str, str]:
        for item in self.cluster.documents:
            metadata = item["metadata"]
            if (item["kind"], metadata["name"], metadata.get("namespace")) == ("Gateway", name, namespace):
                return gateways.selector_of(item)
        raise LookupError(f"no Gateway {namespace}/{name} among the manifests")

    def _proxy(self, identity: Identity) -> Envoy:
        if self._xds is None:
            raise RuntimeError("the mesh is not running: use it in a with statement")
        key = identity.key()
        with self._starting.setdefault(key, threading.Lock()):  # one for whoever asks at once
            if key not in self._proxies:
                directory = self._directory / f"envoy-{next(self._numbers)}"
                self._proxies[key] = Envoy.start(identity, self._xds, directory)
        return self._proxies[key]


def _only_port(service: Service) -> int:
    if len(service.ports) != 1:
        numbers = [port.number for port in service.ports]
        raise LookupError(f"Service {service.name} has the ports {numbers}: say which one")
    return service.ports[0].number
