"""A registry of images on the loopback: the real program, with its images in a folder."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from ..errors import RehearseError
from .programs import program

_PATIENCE = 20.0


class Registry:
    """Serves from when it is made until :meth:`close`; ``address`` is its host and port, the beginning of an image's name."""

    def __init__(self, folder: Path) -> None:
        """Raises ``RehearseError`` when it does not come up."""
        folder.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        settings = folder / "config.yml"
        settings.write_text(_SETTINGS.format(folder=folder / "images", address=self.address), encoding="utf-8")
        self._log = folder / "log"
        with self._log.open("w") as log:
            command = [program("docker-registry"), "serve", str(settings)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._wait()

    def close(self) -> None:
        """End the registry."""
        self._process.terminate()
        self._process.wait(10)

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    self._process.kill()
                    raise RehearseError(f"the registry does not come up: {self._log.read_text()[-400:]}") from None
            time.sleep(0.05)


_SETTINGS = """version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: "{folder}"}}}}
http: {{addr: "{address}"}}
"""
