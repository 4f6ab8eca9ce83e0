"""git over HTTP: ``git http-backend`` behind tokens, permissions and protection."""

from __future__ import annotations

import base64
import gzip
import re
import subprocess
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import Refused
from . import git
from .merging import branch_moved, why_not_push
from .model import RepositoryState
from .permissions import Caller, Need
from .rulesets import protections

if TYPE_CHECKING:
    from .core import Core
    from .server import Call, Reply

PATH = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/(?P<tail>info/refs|git-upload-pack|git-receive-pack)")
READ: Need = (("contents", "read"),)
WRITE: Need = (("contents", "write"),)
COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0\n]+)")


@dataclass(frozen=True)
class Update:
    """One line of a push: a ref, what it was, what it shall be."""

    ref: str
    old: str
    new: str


def serve(core: Core, call: Call) -> Reply:
    """Answer one git request. Raises ``Refused``."""
    from .server import Reply

    found = PATH.fullmatch(call.path)
    if found is None:
        raise Refused(404, "Not Found")
    full_name = f"{found['owner']}/{found['name']}"
    writes = "git-receive-pack" in (found["tail"], call.query.get("service"))
    caller = call.caller
    if caller.anonymous:
        return Reply(401, b"authentication needed\n", "text/plain", {"www-authenticate": 'Basic realm="GitHub"'})
    state = core.repository(full_name)
    _allow(core, caller, full_name, writes=writes)
    body = _plain(call)
    updates = read_updates(body) if found["tail"] == "git-receive-pack" else []
    asked = [one.ref for one in updates] or _asked_refs(body)
    fault = core.faults.git_refs(full_name, asked or ([""] if found["tail"] == "info/refs" else []))
    if fault:
        return Reply(fault.status, b"the service is not available\n", "text/plain")
    if found["tail"] != "git-receive-pack":
        return _backend(state, found["tail"], call, body, {})
    return _receive(core, state, caller, call, body, updates)


def _allow(core: Core, caller: Caller, full_name: str, *, writes: bool) -> None:
    try:
        core.allow(caller, full_name, WRITE if writes else READ, "git push" if writes else "git fetch")
    except Refused as refusal:
        if refusal.status == 403 and writes:
            raise Refused(403, f"Permission to {full_name}.git denied to {caller.login}.") from refusal
        raise


def _plain(call: Call) -> bytes:
    if call.headers.get("content-encoding") != "gzip":
        return call.body
    try:
        return gzip.decompress(call.body)
    except (OSError, zlib.error, EOFError) as error:
        raise Refused(400, f"the request body is not gzip: {error}") from error


def packet_lines(body: bytes) -> list[bytes]:
    """Packet lines up to the first flush or to what is not one."""
    lines, at = [], 0
    while at + 4 <= len(body):
        try:
            size = int(body[at : at + 4], 16)
        except ValueError:
            break
        if size == 0:
            break
        lines.append(body[at + 4 : at + max(size, 4)])
        at += max(size, 4)
    return lines


def read_updates(body: bytes) -> list[Update]:
    """Ref updates that a push asks for."""
    found = [COMMAND.match(line) for line in packet_lines(body)]
    return [Update(one[3].decode(), one[1].decode(), one[2].decode()) for one in found if one]


def pushed_refs(call: Call) -> list[str]:
    """The refs that a push wants to change."""
    return [one.ref for one in read_updates(_plain(call))]


def _asked_refs(body: bytes) -> list[str]:
    return [line.split(b" ", 1)[1].strip().decode() for line in packet_lines(body) if line.startswith((b"ref-prefix ", b"want-ref "))]


def _receive(core: Core, state: RepositoryState, caller: Caller, call: Call, body: bytes, updates: list[Update]) -> Reply:
    with state.push_lock:
        with core.lock:
            declined = {one.ref: why for one in updates if (why := why_not_push(state, one.ref, one.new, caller.login))}
            linear = [f"refs/heads/{branch}" for branch, rules in protections(state).items() if caller.login not in rules.bypass]
        guard = {
            "REHEARSE_DECLINED": "\n".join(f"{ref}\t{why}" for ref, why in declined.items()),
            "REHEARSE_LINEAR": "\n".join(linear),
        }
        before = git.refs(state.git_dir)
        reply = _backend(state, "git-receive-pack", call, body, guard)
        after = git.refs(state.git_dir)
        for ref in sorted(set(before) | set(after)):
            old, new = before.get(ref, git.ZERO), after.get(ref, git.ZERO)
            if old != new:
                branch_moved(
                    core,
                    state,
                    ref,
                    old,
                    new,
                    caller.run.actor if caller.run else caller.login,
                    by_run=caller.run is not None,
                )
    return reply


def _backend(state: RepositoryState, tail: str, call: Call, body: bytes, extra: dict[str, str]) -> Reply:
    from .server import Reply

    env = (
        git.plain_env()
        | extra
        | {
            "GIT_PROJECT_ROOT": str(state.git_dir),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{tail}",
            "REQUEST_METHOD": call.method,
            "QUERY_STRING": call.query_string,
            "CONTENT_TYPE": call.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": call.caller.login,
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": call.headers.get("git-protocol", ""),
        }
    )
    done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    fields = {name.lower(): value for name, value in fields.items()}
    status = int(fields.pop("status", "200").split()[0])
    return Reply(status, content, fields.pop("content-type", "text/plain"), fields)


def basic_token(header: str) -> str:
    """Token of an Authorization header: Basic (as password, or as name alone), Bearer or token."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return value.strip()
    try:
        name, _, password = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return ""
    return password if password not in ("", "x-oauth-basic") else name
