"""A real Prometheus and Alertmanager on loopback with the shipped files, quicker and pointed at the test's own server and receiver."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearse.containers.programs import program
from rehearse.webhooks import Webhooks

from ..conftest import BakedProject

NOWHERE = "127.0.0.1:9"


@dataclass(frozen=True)
class Stack:
    """``port`` is Prometheus'; ``told`` are the alerts that the receiver got."""

    port: int
    receiver: Webhooks

    def query(self, text: str) -> list[dict[str, Any]]:
        """The result of an instant query; raises AssertionError where Prometheus refuses it."""
        found = get(self.port, f"/api/v1/query?{urllib.parse.urlencode({'query': text})}")
        assert found["status"] == "success", f"{text}: {found}"
        return found["data"]["result"]

    def told(self, status: str) -> dict[tuple[str, str], str]:
        """The summary of each alert that was told with this status (``firing``, ``resolved``), by its name and feature."""
        alerts = [alert for post in list(self.receiver.posts) for alert in post.body["alerts"] if alert["status"] == status]
        return {(alert["labels"]["alertname"], alert["labels"].get("feature", "")): alert["annotations"]["summary"] for alert in alerts}


@contextmanager
def running(project: BakedProject, folder: Path, server: int, receiver: Webhooks) -> Iterator[Stack]:
    """Both programs, watching the server on a port and telling the receiver; what they write is in ``folder``."""
    folder.mkdir()
    prometheus, alertmanager = free_port(), free_port()
    write(shipped(project), folder, server, alertmanager, receiver)
    with ExitStack() as stack:
        start(stack, folder, "prometheus-alertmanager", alertmanager, "alertmanager.yml", "--cluster.listen-address=")
        start(stack, folder, "prometheus", prometheus, "prometheus.yml", "--storage.tsdb.retention.time=1h")
        yield Stack(prometheus, receiver)


def shipped(project: BakedProject) -> dict[str, Any]:
    """The configurations of a baked project, by their files' names."""
    return {name: project.yaml(f"deploy/prometheus/{name}") for name in ("prometheus.yml", "rules.yml", "alertmanager.yml")}


def write(found: dict[str, Any], folder: Path, server: int, alertmanager: int, receiver: Webhooks) -> None:
    """The shipped files. Changed are intervals, waiting times and addresses, and that alerts go to the receiver ``webhook``."""
    config, alerts = found["prometheus.yml"], found["alertmanager.yml"]
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{alertmanager}"]
    watched, ready = config["scrape_configs"]
    watched["static_configs"][0]["targets"] = [f"127.0.0.1:{server}"]
    ready["relabel_configs"][-1]["replacement"] = NOWHERE  # no prober runs here
    for group in found["rules.yml"]["groups"]:
        for rule in group["rules"]:
            rule |= {"for": "2s"} if "for" in rule else {}
    alerts["route"] |= {"receiver": "webhook", "group_wait": "1s", "group_interval": "1s"}
    alerts["route"]["routes"][0]["receiver"] = "webhook"
    (hook,) = next(one for one in alerts["receivers"] if one["name"] == "webhook")["webhook_configs"]
    hook |= {"url": receiver.address("alerts"), "http_config": {"tls_config": {"ca_file": str(receiver.world.certificates.authority)}}}
    for name, content in found.items():
        (folder / name).write_text(yaml.safe_dump(content))


def start(stack: ExitStack, folder: Path, name: str, port: int, config: str, *options: str) -> None:
    """Start a program in a folder of its own and wait until it is ready; it ends with the stack."""
    log = (folder / f"{name}.log").open("wb")
    stack.enter_context(log)
    arguments = [f"--config.file={folder / config}", f"--storage.path={folder / name}", f"--web.listen-address=127.0.0.1:{port}"]
    if name == "prometheus":
        arguments[1] = arguments[1].replace("--storage.path", "--storage.tsdb.path")
    clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    process = subprocess.Popen([program(name), *arguments, *options], cwd=folder, env=clean, stdout=log, stderr=log)
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)
    assert until(lambda: process.poll() is not None or is_ready(port), 30) and process.poll() is None, (folder / f"{name}.log").read_text()


def is_ready(port: int) -> bool:
    """Whether one of the programs answers there."""
    try:
        with opener().open(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def get(port: int, path: str) -> dict[str, Any]:
    """The JSON at a path, also that of an error."""
    try:
        with opener().open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def opener() -> urllib.request.OpenerDirector:
    """Past any proxy: everything is on loopback."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def until(found: Callable[[], Any], seconds: float) -> Any:
    """What ``found`` returns as soon as it is true, or its last answer when time is over."""
    end = time.monotonic() + seconds
    while not (result := found()) and time.monotonic() < end:
        time.sleep(0.1)
    return result
