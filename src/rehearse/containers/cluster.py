"""A cluster of one node without Kubernetes: renders an overlay out of git with kubectl and plays it with podman.

What a GitOps operator (Argo CD, Flux) does: it looks at a branch, renders one overlay, and makes what runs equal to it. podman
plays Deployments; of a Service, an autoscaler or a network policy it takes no notice.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from ..errors import RehearseError
from .engine import Engine
from .programs import tool

_PATIENCE = 60.0


class Cluster:
    """Follows ``overlays/<environment>`` on ``main`` of a git repository; ``url`` answers once :meth:`sync` has rolled out."""

    def __init__(self, engine: Engine, folder: Path, repository: str, environment: str) -> None:
        self._engine, self._checkout, self._manifest = engine, folder / "checkout", folder / "manifest.yaml"
        folder.mkdir(parents=True)
        self._git("clone", "-q", repository, str(self._checkout))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._overlay = f"deploy/kubernetes/overlays/{environment}"
        self._running: str | None = None

    def sync(self) -> bool:
        """Take over the newest commit; returns whether anything had to change.

        Raises ``RehearseError`` when it cannot be rendered or played, or is not ready in a minute.
        """
        self._git("fetch", "-q", "origin", "main", cwd=self._checkout)
        self._git("checkout", "-q", "--detach", "FETCH_HEAD", cwd=self._checkout)
        wanted = self.render()
        if wanted == self._running:
            return False
        self._manifest.write_text(self._for_this_node(wanted), encoding="utf-8")
        self._engine.podman("kube", "play", "--replace", "--network", "host", str(self._manifest))
        self._wait()
        self._running = wanted
        return True

    def render(self) -> str:
        """The manifests of the environment as ``kubectl kustomize`` gives them."""
        return _output([tool("kubectl"), "kustomize", str(self._checkout / self._overlay)])

    def close(self) -> None:
        """Remove what runs."""
        if self._manifest.exists():
            self._engine.podman("kube", "down", str(self._manifest), check=False)

    def ready(self) -> dict[str, Any]:
        """The server's answer about itself."""
        with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5) as answer:
            return json.load(answer)

    def _for_this_node(self, rendered: str) -> str:
        """The Deployment alone, on this node's network: the server gets a free port, and this class asks its probes."""
        (deployment,) = [one for one in yaml.safe_load_all(rendered) if one["kind"] == "Deployment"]
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        for name in ("ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"):
            container.pop(name)
        container["args"] = ["--host", "127.0.0.1", "--port", str(self._port), "--model", "/app/bundle"]
        return yaml.safe_dump(deployment)

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.ready()
                return
            except OSError as error:
                if time.monotonic() > end:
                    names = self._engine.podman("ps", "--all", "--format", "{{.Names}} {{.Status}}", check=False)
                    raise RehearseError(f"{self.url} is not ready ({error}); containers: {names}") from None
            time.sleep(0.1)

    def _git(self, *arguments: str, cwd: Path | None = None) -> None:
        _output(["git", *arguments], cwd)


def _output(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}, capture_output=True, text=True)
    if done.returncode:
        raise RehearseError(f"{Path(command[0]).name} {command[1]} failed: {done.stderr.strip()[-400:]}")
    return done.stdout
