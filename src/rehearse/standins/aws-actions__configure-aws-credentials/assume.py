"""Assume a role the way aws-actions/configure-aws-credentials does with OIDC: GitHub says who the job is, AWS gives keys for that."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

PLAYED = {"aws-region", "role-to-assume", "role-session-name", "role-duration-seconds", "audience", "sts-endpoint"}
SPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"
KEYS = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey", "AWS_SESSION_TOKEN": "SessionToken"}


def fail(message: str) -> None:
    """End the step with an error that the log shows."""
    print(f"::error::{message}")
    sys.exit(1)


def asked(address: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """The answer of a service."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        fail(f"Could not assume role with OIDC: {error.code} {error.read().decode(errors='replace')}")
    except OSError as error:
        fail(f"Could not assume role with OIDC: {urllib.parse.urlsplit(address).netloc}: {error}")
    raise AssertionError


def identity(audience: str) -> str:
    """The job's identity token."""
    address, token = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"), os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not address or not token:
        fail("Credentials could not be loaded: the job has no permission `id-token: write`, or its pull request comes from a fork")
    answer = asked(f"{address}&audience={urllib.parse.quote(audience)}", {"authorization": f"Bearer {token}"})
    return str(json.loads(answer)["value"])


def main() -> None:
    """Put the role's keys into the environment of the steps that follow."""
    given = {name: str(value) for name, value in json.loads(os.environ["INPUTS"]).items() if value}
    if foreign := sorted(set(given) - PLAYED):
        fail(f"inputs of aws-actions/configure-aws-credentials that are not played in a rehearsal: {', '.join(foreign)}")
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": given["role-to-assume"],
        "RoleSessionName": given["role-session-name"],
        "DurationSeconds": given["role-duration-seconds"],
        "WebIdentityToken": identity(given["audience"]),
    }
    service = given.get("sts-endpoint") or os.environ.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{given['aws-region']}.amazonaws.com"
    root = ElementTree.fromstring(asked(service, {}, urllib.parse.urlencode(form).encode()))
    found = {name: root.findtext(f".//{SPACE}{tag}") for name, tag in KEYS.items()}
    with Path(os.environ["GITHUB_ENV"]).open("a", encoding="utf-8") as env:
        for name, value in (found | {"AWS_REGION": given["aws-region"], "AWS_DEFAULT_REGION": given["aws-region"]}).items():
            env.write(f"{name}={value}\n")
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"aws-account-id={given['role-to-assume'].split(':')[4]}\n")
    for name in KEYS:
        print(f"::add-mask::{found[name]}")
    print(f"assumed {given['role-to-assume']}")


if __name__ == "__main__":
    main()
