"""The story's store in a bucket on the local S3: jobs get a role by OIDC, people may read, forks get nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
from uv import find_uv_bin

from rehearse.story.stage import Stage

from ..local_s3 import KEY, READER, SECRET, LocalS3, Role, keep_in_bucket

BUCKET, PREFIX = "models", "churn"
ROLE = "arn:aws:iam::123456789012:role/{}"


class InS3:
    """A private bucket; what a person sets up is what the README says."""

    open_to_forks = False

    def __init__(self, server: LocalS3) -> None:
        self.server = server
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        self._client: Any = boto3.client("s3", endpoint_url=server.url, **keys)

    def prepare(self, stage: Stage) -> None:
        """The bucket and its two roles, DVC's remote and the lock; the people on stage may read."""
        self._client.create_bucket(Bucket=BUCKET)
        self.server.claims = stage.hub.identity
        ours = rf"repo:acme@\d+/{stage.name}@{stage.repository.state.id}:"
        self.server.roles = {
            ROLE.format("reads"): Role(f"{ours}(pull_request|ref:refs/heads/main)", READER),
            ROLE.format("writes"): Role(f"{ours}ref:refs/heads/main", KEY),
        }
        stage.repository.add_variable("STORE_READ_ROLE", ROLE.format("reads"))
        stage.repository.add_variable("STORE_WRITE_ROLE", ROLE.format("writes"))
        stage.world.extra_env |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": self.server.url}
        stage.clone.env |= stage.world.extra_env | self.server.reading
        env = {**os.environ, "PATH": f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"}
        keep_in_bucket(stage.clone.folder, env, f"s3://{BUCKET}/{PREFIX}", self.server.url)
        stage.clone.set_params({"monitoring.log": f"s3://{BUCKET}/log", "monitoring.labels": f"s3://{BUCKET}/labels"})
        stage.clone.commit("Keep models in a bucket")

    def put(self, path: str, text: str) -> None:
        """Write an object beside the models."""
        self._client.put_object(Bucket=BUCKET, Key=path, Body=text.encode())

    @property
    def writing(self) -> dict[str, str]:
        """The environment of somebody who may write, such as the server's."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_S3": self.server.url}

    def read(self, stage: Stage, path: str) -> bytes | None:
        """One object."""
        try:
            return bytes(self._client.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{path}")["Body"].read())
        except self._client.exceptions.NoSuchKey:
            return None

    def state(self, stage: Stage) -> object:
        """Names and ETags."""
        found = self._client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {entry["Key"]: entry["ETag"] for entry in found}
