"""A local S3 server with the faults of a real one: moto behind a door that checks the key and can refuse requests on demand.

A key may see a world of its own: the same names, other buckets. So copies of a repository keep the URL that it has committed.
Jobs get keys for roles from it as from AWS: for an identity token whose subject the role trusts.
"""

import io
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from rehearse.github.faults import Interruption

KEY, READER, SECRET = "local-key", "local-reader", "local-secret"
EXPIRED = "expired-token"
AUDIENCE = "sts.amazonaws.com"
WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]
_GIVEN = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>local-session</SessionToken></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
_ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


@dataclass
class Fault:
    """Requests whose ``METHOD /path`` matches are answered with an error while ``times`` lasts."""

    pattern: str
    times: int
    answer: tuple[str, str, str] = ("503 Slow Down", "SlowDown", "Please reduce your request rate.")
    seen: int = 0


@dataclass(frozen=True)
class Role:
    """Who may assume it, as a pattern of an identity token's subject, and the key that it opens the buckets with."""

    subject: str
    key: str


@dataclass
class LocalS3:
    """The server; ``with`` runs it. Buckets live as long as it does."""

    faults: list[Fault] = field(default_factory=list)
    interruptions: list[Interruption] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    roles: dict[str, Role] = field(default_factory=dict)
    assumed: list[tuple[str, str]] = field(default_factory=list)  # role and subject
    claims: Callable[[str], dict[str, str] | None] = lambda token: None

    def __enter__(self) -> "LocalS3":
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._inside: WSGI = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._door, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a job must have in its environment to be let in."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}

    @property
    def reading(self) -> dict[str, str]:
        """The same for somebody who may only read."""
        return self.environment | {"AWS_ACCESS_KEY_ID": READER}

    def environment_of(self, world: str) -> dict[str, str]:
        """The same for a world of its own; in the world itself a bucket is called ``<bucket>-<world>``."""
        return self.environment | {"AWS_ACCESS_KEY_ID": f"{KEY}-{world}"}

    def fail(self, pattern: str, times: int = 1_000_000) -> Fault:
        """Refuse the next ``times`` requests whose ``METHOD /path`` matches, as an overloaded S3 does."""
        self.faults.append(Fault(pattern, times))
        return self.faults[-1]

    def heal(self) -> None:
        """Refuse and interrupt nothing any more."""
        self.faults.clear()
        self.interruptions.clear()

    def _door(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.requests.append(request)
        if request == "POST /":
            return self._assume(environ, start)
        for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
            environ[name] = _in_world(_key(environ), environ[name])
        strike = next((one for one in self.interruptions if one.hit(request)), None)
        if strike:
            return self._interrupted(strike, environ, start)
        refusal = _unknown(environ) or self._fault(request)
        if refusal is None:
            return self._inside(environ, start)
        status, code, message = refusal
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start(status, [("Content-Type", "application/xml")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [_ERROR.format(code, message).encode()]

    def _assume(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """AssumeRoleWithWebIdentity: the role's key to whom it trusts."""
        form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        role, known = self.roles.get(form["RoleArn"][0]), self.claims(form["WebIdentityToken"][0])
        if not role or not known or known["aud"] != AUDIENCE or not re.fullmatch(role.subject, known["sub"]):
            start("403 Forbidden", [("Content-Type", "text/xml")])
            return [_ERROR.format("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity").encode()]
        self.assumed.append((form["RoleArn"][0], known["sub"]))
        start("200 OK", [("Content-Type", "text/xml")])
        return [_GIVEN.format(role.key, SECRET).encode()]

    def _interrupted(self, strike: Interruption, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """End the client; S3 applies an upload whole or not at all, so only what arrived whole (``after``) has an effect."""
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0) // (2 if strike.moment == "during" else 1))
        if strike.moment == "after":
            environ["wsgi.input"] = io.BytesIO(content)
            list(self._inside(environ, lambda *_: None))
        strike.action()
        start("500 Gone", [])
        return []

    def _fault(self, request: str) -> tuple[str, str, str] | None:
        for fault in self.faults:
            if fault.seen < fault.times and re.search(fault.pattern, request):
                fault.seen += 1
                return fault.answer
        return None


def _key(environ: dict[str, Any]) -> str:
    found = re.search("Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else ""


def _in_world(key: str, path: str) -> str:
    world = key.removeprefix(KEY) if key.startswith(f"{KEY}-") else ""
    bucket, slash, rest = path.removeprefix("/").partition("/")
    bucket, question, query = bucket.partition("?")
    return f"/{bucket}{world}{question}{query}{slash}{rest}" if bucket else path


def _unknown(environ: dict[str, Any]) -> tuple[str, str, str] | None:
    if environ.get("HTTP_X_AMZ_SECURITY_TOKEN") == EXPIRED:
        return "400 Bad Request", "ExpiredToken", "The provided token has expired."
    key = _key(environ)
    if not key:
        return "403 Forbidden", "AccessDenied", "Access Denied"
    if key == READER and environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return "403 Forbidden", "AccessDenied", "Access Denied"
    if key not in (KEY, READER) and not key.startswith(f"{KEY}-"):
        return "403 Forbidden", "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
    return None


def keep_in_bucket(folder: Path, env: Mapping[str, str], url: str, endpoint: str | None = None) -> None:
    """What the owner of a generated repository types to keep its models in a bucket; needs uv on the PATH of ``env``."""
    for setting in (("url", url), *([("endpointurl", endpoint)] if endpoint else [])):
        _run([sys.executable, "-m", "dvc", "remote", "modify", "store", *setting], folder, env)
    _run(["make", "lock"], folder, env)


def _run(command: list[str], folder: Path, env: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=dict(env), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
