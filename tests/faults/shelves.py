"""Where the copies of a scene keep their models: the ref of their own repository, or a bucket of their own behind one URL."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import boto3

from rehearse import Repository
from rehearse.github.faults import Interruption

from ..local_s3 import KEY, SECRET, LocalS3, keep_in_bucket

BUCKET, PREFIX = "models", "churn"


class Shelf(Protocol):
    """One kind of store, for all copies of a repository."""

    interruptions: list[Interruption]
    requests: list[str]

    def configure(self, folder: Path, env: Mapping[str, str]) -> None:
        """Let a project use it: what a person types once."""
        ...

    def env(self, repository: Repository) -> dict[str, str]:
        """What a job of the repository needs in its environment."""
        ...

    def copy(self, source: Repository, target: Repository) -> None:
        """Give a copied repository a copy of what is stored."""
        ...

    def keep(self, repository: Repository, folder: Path) -> None:
        """Write what a repository has stored into a folder, unless that is in the repository itself."""
        ...

    def take(self, repository: Repository, folder: Path) -> None:
        """Store what another shelf of this kind kept in a folder."""
        ...

    def content(self, repository: Repository) -> dict[str, str]:
        """Every stored file, by its path, with a hash of what is in it."""
        ...

    def read(self, repository: Repository, path: str) -> bytes | None:
        """One stored file."""
        ...

    def write(self, repository: Repository, path: str, content: bytes) -> None:
        """Replace a stored file, as nobody should."""
        ...


class GitShelf:
    """``refs/dvc/store``, which a repository's copy has already."""

    def __init__(self) -> None:
        self.interruptions: list[Interruption] = []
        self.requests: list[str] = []

    def configure(self, folder: Path, env: Mapping[str, str]) -> None:
        """Nothing: it is the default."""

    def env(self, repository: Repository) -> dict[str, str]:
        """Nothing."""
        return {}

    def copy(self, source: Repository, target: Repository) -> None:
        """Nothing: refs were copied."""

    def keep(self, repository: Repository, folder: Path) -> None:
        """Nothing: it is in the repository."""

    def take(self, repository: Repository, folder: Path) -> None:
        """Nothing: it came with the repository."""

    def content(self, repository: Repository) -> dict[str, str]:
        """From the newest commit of the ref."""
        done = _git(repository, "ls-tree", "-r", "refs/dvc/store")
        entries = (line.split("\t") for line in done.stdout.decode().splitlines())
        return {path: mode.split()[2] for mode, path in entries}

    def read(self, repository: Repository, path: str) -> bytes | None:
        """From the newest commit of the ref."""
        done = _git(repository, "cat-file", "blob", f"refs/dvc/store:{path}")
        return done.stdout if done.returncode == 0 else None

    def write(self, repository: Repository, path: str, content: bytes) -> None:
        """One more commit on the ref."""
        text = f"commit refs/dvc/store\ncommitter T <t@example.com> 0 +0000\ndata 1\nx\nfrom refs/dvc/store^0\nM 100644 inline {path}\n"
        stream = text.encode() + b"data %d\n%b\n" % (len(content), content)
        subprocess.run(["git", "fast-import", "--quiet"], cwd=repository.git_dir, input=stream, check=True)


class S3Shelf:
    """A bucket, by the same URL for every repository; a repository's key opens its own."""

    def __init__(self, server: LocalS3) -> None:
        self.server, self.interruptions, self.requests = server, server.interruptions, server.requests
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        self._client: Any = boto3.client("s3", endpoint_url=server.url, **keys)
        self._made: set[str] = set()

    def configure(self, folder: Path, env: Mapping[str, str]) -> None:
        """A setting of DVC, and a new lock; where the server is belongs into the environment, so that the copies have one each."""
        keep_in_bucket(folder, env, f"s3://{BUCKET}/{PREFIX}")

    def env(self, repository: Repository) -> dict[str, str]:
        """The repository's key, and the server."""
        self._bucket(repository)
        server = {"AWS_ENDPOINT_URL_S3": self.server.url, "AWS_EC2_METADATA_DISABLED": "true"}
        return self.server.environment_of(repository.state.name) | server

    def copy(self, source: Repository, target: Repository) -> None:
        """Object by object."""
        origin, bucket = self._bucket(source), self._bucket(target)
        for path in self.content(source):
            key = f"{PREFIX}/{path}"
            self._client.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": origin, "Key": key})

    def keep(self, repository: Repository, folder: Path) -> None:
        """A file for each object."""
        for path in self.content(repository):
            kept = folder / path
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(self.read(repository, path) or b"")

    def take(self, repository: Repository, folder: Path) -> None:
        """An object of each file."""
        for kept in (path for path in folder.rglob("*") if path.is_file()):
            self.write(repository, kept.relative_to(folder).as_posix(), kept.read_bytes())

    def content(self, repository: Repository) -> dict[str, str]:
        """Names and ETags."""
        found = self._client.list_objects_v2(Bucket=self._bucket(repository)).get("Contents", [])
        return {entry["Key"].removeprefix(f"{PREFIX}/"): entry["ETag"] for entry in found}

    def read(self, repository: Repository, path: str) -> bytes | None:
        """One object."""
        try:
            return self._client.get_object(Bucket=self._bucket(repository), Key=f"{PREFIX}/{path}")["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None

    def write(self, repository: Repository, path: str, content: bytes) -> None:
        """One object."""
        self._client.put_object(Bucket=self._bucket(repository), Key=f"{PREFIX}/{path}", Body=content)

    def _bucket(self, repository: Repository) -> str:
        name = f"{BUCKET}-{repository.state.name}"
        if name not in self._made:
            self._client.create_bucket(Bucket=name)
            self._made.add(name)
        return name


def _git(repository: Repository, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=repository.git_dir, capture_output=True, check=False)
