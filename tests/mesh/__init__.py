"""Every request finds its way: proven with Istio's own control-plane code and real Envoys, on loopback.

Give `Mesh` the manifests of a cluster; ask as an application in one of its pods would (README.md here).
"""

from .asking import Answer
from .istiod import MeshRejected
from .mesh import Caller, Gateway, Mesh
from .parts import MeshMissing

__all__ = ["Answer", "Caller", "Gateway", "Mesh", "MeshMissing", "MeshRejected"]
