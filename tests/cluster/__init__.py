"""A cluster's API server on loopback: etcd, Kubernetes' own code, Istio's and the Gateway API's definitions."""

from .api import Api, Refused
from .servers import Cluster, shared

__all__ = ["Api", "Cluster", "Refused", "shared"]
