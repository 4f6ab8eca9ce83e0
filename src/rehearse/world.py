"""One folder that holds everything a rehearsal makes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .certificates import Certificates, make_certificates
from .errors import RehearseError
from .github.hosts import ROUTED
from .tools import gather_tools, search_path

PASSED_ON = ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "OMP_NUM_THREADS", "REHEARSE_BYTECODE")
CA_VARIABLES = ("NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
CREDENTIAL_HELPER = '!f() { test "$1" = get && echo username=x-access-token && echo "password=$GH_TOKEN"; }; f'


@dataclass
class World:
    """A folder with homes, repositories, artifacts, logs, certificates and ports.

    ``extra_env`` is added to every environment made by :meth:`env`, for
    workflow runs and persons alike.
    """

    folder: Path
    certificates: Certificates
    ports: dict[str, int]
    path: str
    uv_cache: str
    extra_env: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path | str) -> World:
        """Make the world in ``folder``, which must be missing or empty.

        Raises ``RehearseError`` when the folder holds files or a tool is missing.
        """
        root = Path(folder).resolve()
        if root.exists() and any(root.iterdir()):
            raise RehearseError(f"{root} is not empty: give the rehearsal a folder of its own")
        for name in ("home", "git", "artifacts", "logs", "state", "runs", "releases"):
            (root / name).mkdir(parents=True, exist_ok=True)
        gather_tools(root / "bin")
        write_home(root / "home", "Rehearsal", "rehearsal@example.com")
        ports = dict(zip(("http", "https", "proxy"), _free_ports(3), strict=True))
        certificates = make_certificates(root / "state" / "tls", ROUTED)
        return cls(root, certificates, ports, search_path(root / "bin"), _uv_cache(root / "bin" / "uv"))

    @property
    def logs(self) -> Path:
        """Folder of the request log and of one folder per workflow run."""
        return self.folder / "logs"

    def env(self, token: str | None = None, *, home: Path | None = None) -> dict[str, str]:
        """The whole environment for a process that may reach this world only.

        With ``token``, git and gh act as that person; without, they are strangers.
        """
        made = {
            "PATH": self.path,
            "HOME": str(home or self.folder / "home"),
            "GIT_CONFIG_GLOBAL": str((home or self.folder / "home") / ".gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            **QUIET,
            "UV_CACHE_DIR": self.uv_cache,
            "REHEARSE_BYTECODE": str(self.folder / "bytecode"),
            "no_proxy": "127.0.0.1,localhost",
            "NO_PROXY": "127.0.0.1,localhost",
            **dict.fromkeys(PROXY_VARIABLES, f"http://127.0.0.1:{self.ports['proxy']}"),
            **dict.fromkeys(CA_VARIABLES, str(self.certificates.authority)),
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            **self.extra_env,
        }
        return made | (self._person(token) if token else {})

    def _person(self, token: str) -> dict[str, str]:
        login = self.tokens.get(token, "rehearsal")
        mail = f"{login}@users.noreply.example.com"
        return {
            "GH_TOKEN": token,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.https://github.com.helper",
            "GIT_CONFIG_VALUE_0": CREDENTIAL_HELPER,
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", login), ("EMAIL", mail))},
        }


QUIET = {
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GH_PAGER": "cat",
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "ACT_DISABLE_VERSION_CHECK": "1",
    "ITERATIVE_DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNOUSERSITE": "1",
    "UV_OFFLINE": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def write_home(home: Path, name: str | None = None, email: str | None = None) -> None:
    """Make a home folder whose git has no guessed identity.

    A hosted runner has none either: a commit there fails until the workflow sets one.
    """
    home.mkdir(parents=True, exist_ok=True)
    lines = ["[init]", "\tdefaultBranch = main", "[user]", "\tuseConfigOnly = true"]
    lines += [f"\tname = {name}", f"\temail = {email}"] if name else []
    lines += ["[advice]", "\tdetachedHead = false", "[safe]", "\tdirectory = *", ""]
    (home / ".gitconfig").write_text("\n".join(lines), encoding="utf-8")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _uv_cache(uv: Path) -> str:
    if "UV_CACHE_DIR" in os.environ:
        return os.environ["UV_CACHE_DIR"]
    if shutil.which(str(uv)) is None:
        raise RehearseError(f"{uv} cannot be run: install uv")
    return subprocess.run([str(uv), "cache", "dir"], check=True, capture_output=True, text=True).stdout.strip()
