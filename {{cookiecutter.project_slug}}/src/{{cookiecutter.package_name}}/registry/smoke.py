"""Asks a real server before a model goes on: its routes, golden rows, the digest in every answer, the refusal of a broken row."""

import http.client
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .. import ProblemError, bundle
from ..scorer import TOLERANCE, Scorer
from . import latency

_START = 60.0
_TAKE_OVER = 180.0
_ANSWER = 10.0
_LISTENING = re.compile(r"listening on (http://\S+)")
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SmokeError(ProblemError):
    """A server does not answer with the model that it should have."""


class Answer(NamedTuple):
    """Status, decoded body and the digest header of an HTTP answer."""

    status: int
    body: dict[str, Any]
    digest: str | None


def check(folder: Path, digest: str, standing: Path | None = None, most: float | None = None) -> None:
    """Serve a bundle with the real server on a free port and ask it.

    ``standing`` is the folder of the champion's bundle: it is served too, and both are timed. With ``most`` the bundle is refused if it
    takes more than that many times the champion's time.

    Raises:
        BundleError: the folder does not hold the digest's bundle, whole.
        SmokeError: the server does not start, answers something else than the bundle's golden rows, or is too slow.
    """
    made = bundle.load(folder, digest)
    with _served(folder) as address:
        ask(address, made)
        if standing is not None:
            _timed(address, made, bundle.load(standing), most)


def _timed(address: str, made: bundle.Bundle, champion: bundle.Bundle, most: float | None) -> None:
    try:
        with _served(champion.folder) as other:
            found = latency.compare((address, made), (other, champion), most)
    except (SmokeError, OSError, http.client.HTTPException) as error:
        ask(address, made)  # which of the two it was: out of a champion that does not work a promotion is the way
        print(f"::warning::not timed beside the champion {champion.digest}: {error}")
        return
    print(found)
    if most is not None and found.ratio > most:
        raise SmokeError(f"{found}: {found.ratio:.3g} times the champion's, the gate latency_p99 in params.yaml allows {most:g}")


def check_deployed(address: str, made: bundle.Bundle) -> None:
    """Wait until the server at ``address`` has taken the bundle over, then ask it.

    Raises:
        SmokeError: it refuses the bundle, does not take it over in three minutes, or answers wrongly.
    """
    end = time.monotonic() + _TAKE_OVER
    seen = "no answer"
    while time.monotonic() < end:
        try:
            ready = _call(f"{address}/health/ready")
        except SmokeError as error:
            seen = str(error)
        else:
            if ready.body.get("digest") == made.digest:
                return ask(address, made)
            if problem := ready.body.get("degraded"):
                raise SmokeError(f"{address} keeps {ready.body.get('digest')}: {problem}")
            seen = f"it serves {ready.body.get('digest')}"
        time.sleep(0.5)
    raise SmokeError(f"{address} did not take {made.digest} over in {_TAKE_OVER:.0f} s ({seen}); look at its log")


def ask(address: str, made: bundle.Bundle) -> None:
    """Golden rows and a broken row, over HTTP; raises SmokeError that names the first wrong answer."""
    scorer = Scorer(made)
    scorer.check_golden()
    _protocol(address, made)
    records = made.golden["records"]
    found = _call(f"{address}/predict", {"records": records})
    if found.status != 200:
        raise SmokeError(f"{address}/predict answers {found.status} to golden rows: {str(found.body.get('error'))[:200]}; train again")
    if {found.body.get("digest"), found.digest} != {made.digest}:
        raise SmokeError(f"{address}/predict answers as {found.body.get('digest')} and not as {made.digest}")
    answers = found.body.get("predictions") or []
    for row, (one, other) in enumerate(zip(answers, scorer.score(records), strict=False)):
        if not _alike(one, other):
            raise SmokeError(f"{address}/predict: golden row {row} gives {one}, it should give {other}")
    if len(answers) != len(records):
        raise SmokeError(f"{address}/predict gives {len(answers)} answers to {len(records)} golden rows")
    if (refused := _call(f"{address}/predict", {"records": [{}]})).status != 422:
        raise SmokeError(f"{address}/predict answers {refused.status} to an empty row, it should refuse it with 422")


def _protocol(address: str, made: bundle.Bundle) -> None:
    """What the routes beside /predict say of the server and its model."""
    if (live := _call(f"{address}/health/live")).status != 200:
        raise SmokeError(f"{address}/health/live answers {live.status} and not 200")
    ready = _call(f"{address}/health/ready")
    named = ready.body.get("digest")
    if (ready.status, ready.body.get("ready"), named) != (200, True, made.digest):
        raise SmokeError(f"{address}/health/ready answers {ready.status} for {named}: it is not ready with {made.digest}")
    described = _call(f"{address}/model")
    promised = {"digest": made.digest, "threshold": made.manifest.threshold, "contract": msgspec.to_builtins(made.contract)}
    for name, value in json.loads(json.dumps(promised)).items():
        if described.body.get(name) != value:
            raise SmokeError(f"{address}/model describes another model: its {name} is not the one of {made.digest}")
    listed = {route.split()[-1] for route in _call(f"{address}/").body.get("routes", ())}
    if missing := sorted({"/predict", "/model", "/health/live", "/health/ready"} - listed):
        raise SmokeError(f"{address}/ does not list {', '.join(missing)} among the routes that callers go by")


def _alike(one: object, other: object) -> bool:
    if isinstance(other, dict):
        return isinstance(one, dict) and one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in other)
    if isinstance(other, float):
        return isinstance(one, int | float) and math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return one == other


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address of a server that serves a bundle inside the block."""
    package = __name__.partition(".")[0]
    with tempfile.TemporaryFile() as log:
        # Its standard input is a pipe that closes when this process ends, however it ends: no server outlives it.
        command = [sys.executable, "-m", f"{package}.serving", "--model", str(folder), "--port", "0", "--until-input-ends"]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            yield _address(server, log.fileno())
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _address(server: subprocess.Popen[bytes], log: int) -> str:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        stopped = server.poll() is not None
        text = os.pread(log, 65536, 0).decode("utf-8", "replace")
        if found := _LISTENING.search(text):
            return found[1]
        if stopped:
            last = text.strip().splitlines()[-1:] or [f"exit code {server.returncode}"]
            raise SmokeError(f"the server does not start with the bundle: {last[0].removeprefix('error: ')}")
        time.sleep(0.02)
    raise SmokeError(f"the server does not listen after {_START:.0f} s; run the workflow again")


def _call(url: str, body: object = None) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})  # noqa: S310 - our own server
    try:
        with _NO_PROXY.open(request, timeout=_ANSWER) as answer:
            return Answer(answer.status, json.load(answer), answer.headers.get("x-model-digest"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _object(error.read()), error.headers.get("x-model-digest"))
    except (OSError, ValueError) as error:
        raise SmokeError(f"{url} gives no answer: {error}") from None


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
