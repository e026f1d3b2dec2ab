"""What stands in for pods: says of each Deployment that its pods are available, a moment after it changed."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from .api import Refused

if TYPE_CHECKING:
    from .api import Api

_APPS = "apps/v1"


class Pods:
    """Within `with`, the Deployments of a namespace become available `delay` seconds after each change."""

    def __init__(self, api: Api, namespace: str, delay: float = 0.3) -> None:
        self.api, self.namespace, self.delay = api, namespace, delay
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="pods", daemon=True)
        self._seen: dict[tuple[str, int], float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.1):
            for one in self.api.list(_APPS, "Deployment", self.namespace)[0]:
                generation = one["metadata"]["generation"]
                seen = self._seen.setdefault((one["metadata"]["uid"], generation), time.monotonic())
                late = one.get("status", {}).get("observedGeneration") != generation
                if late and time.monotonic() - seen >= self.delay:
                    with contextlib.suppress(Refused):  # deleted in between
                        self.api.status(one, _available(one, generation))


def is_available(deployment: dict[str, Any]) -> bool:
    status = deployment.get("status", {})
    return status.get("observedGeneration") == deployment["metadata"]["generation"]


def _available(deployment: dict[str, Any], generation: int) -> dict[str, Any]:
    count = deployment["spec"].get("replicas", 1)
    numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
    conditions = [
        {"type": kind, "status": "True", "reason": "Test", "message": ""} for kind in ("Available", "Progressing")
    ]
    conditions[1]["reason"] = "NewReplicaSetAvailable"
    return {"observedGeneration": generation, **numbers, "conditions": conditions}
