"""Virtual environments for Istio, computed at build time: a KRM function."""

__version__ = "0.1.0"
