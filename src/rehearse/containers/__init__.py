"""A container engine, a registry and a one-node cluster in folders of their own: images are built, run and rolled out for real.

``ready()`` first: it finds the programs or says what is missing. ``Engine`` is buildah and podman with a store that is thrown
away, ``Registry`` serves images on the loopback, ``Cluster`` does what a GitOps operator does.
"""

from .cluster import Cluster
from .engine import Engine
from .programs import ready, tool
from .registry import Registry

__all__ = ["Cluster", "Engine", "Registry", "ready", "tool"]
