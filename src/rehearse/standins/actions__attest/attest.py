"""Post in-toto statements the way actions/attest does, in an envelope that nobody signed: a rehearsal has no identity to sign with."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
BILL = "https://cyclonedx.org/bom"
NOT_PLAYED = ("subject-digest", "subject-name", "predicate-type", "predicate", "predicate-path")


def fail(message: str) -> None:
    """End the step with an error that the log shows."""
    print(f"::error::{message}")
    sys.exit(1)


def subjects(given: dict[str, str]) -> list[dict[str, Any]]:
    """Name and digest of each file to attest."""
    if bool(given["subject-path"]) == bool(given["subject-checksums"]):
        fail("One of subject-path, subject-digest, or subject-checksums must be provided")
    if given["subject-checksums"]:
        lines = [line.split("  ", 1) for line in Path(given["subject-checksums"]).read_text(encoding="utf-8").splitlines()]
        return [{"name": name, "digest": {"sha256": digest}} for digest, name in lines]
    files = sorted(Path().glob(given["subject-path"]))
    if not files:
        fail(f"Could not find subject at path {given['subject-path']}")
    return [{"name": file.name, "digest": {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}} for file in files]


def predicate(given: dict[str, str]) -> tuple[str, Any]:
    """Its type and content: the bill of materials, or who built it."""
    if not given["sbom-path"]:
        return PROVENANCE, {"runDetails": {"builder": {"id": os.environ["GITHUB_WORKFLOW_REF"]}}}
    bill = json.loads(Path(given["sbom-path"]).read_text(encoding="utf-8"))
    if bill.get("bomFormat") != "CycloneDX" or not bill.get("serialNumber") or not bill.get("specVersion"):
        fail("Unsupported SBOM format. Must be valid SPDX or CycloneDX JSON.")
    return BILL, bill


def post(statement: dict[str, Any], token: str) -> None:
    """Hand the statement to the repository's attestations."""
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []}
    request = urllib.request.Request(
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/attestations",
        data=json.dumps({"bundle": {"dsseEnvelope": envelope}}).encode(),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as error:
        fail(f"Failed to persist attestation: {error.code} {error.read().decode(errors='replace')}")


def main() -> None:
    """Attest what the inputs name."""
    given = {name: str(value or "") for name, value in json.loads(os.environ["INPUTS"]).items()}
    if used := [name for name in NOT_PLAYED if given[name]]:
        fail(f"input '{used[0]}' of actions/attest is not played in a rehearsal")
    found, (kind, content) = subjects(given), predicate(given)
    post({"_type": STATEMENT, "subject": found, "predicateType": kind, "predicate": content}, given["github-token"])
    print(f"attested {len(found)} subjects: {kind}")


if __name__ == "__main__":
    main()
