"""Fetch artifacts the way actions/download-artifact does."""

from __future__ import annotations

import fnmatch
import hashlib
import io
import json
import os
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

SERVICE = "https://results-receiver.actions.githubusercontent.com"


def fail(message: str) -> None:
    """End the step with an error that the log shows."""
    print(f"::error::{message}")
    sys.exit(1)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token must not travel to the address the redirect names."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Do not follow."""


def get(address: str, token: str) -> bytes:
    """Body of an answer; one redirect is followed without the token."""
    opener = urllib.request.build_opener(NoRedirect)
    request = urllib.request.Request(address, headers={"authorization": f"Bearer {token}"} if token else {})
    try:
        with opener.open(request) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 302:
            return get(error.headers["location"], "")
        fail(f"Unable to download artifact(s): {error.code} {error.read().decode(errors='replace')} ({address})")
        raise


def listing(given: dict[str, str]) -> tuple[list[dict[str, str]], str, str]:
    """Artifacts of the run in question, the address of their parent, and the token to use."""
    own = os.environ["SERVICE_TOKEN"]
    token = given.get("github-token", "")
    if not token:
        if given["run-id"] != os.environ["GITHUB_RUN_ID"] or given["repository"] != os.environ["GITHUB_REPOSITORY"]:
            fail("'run-id' and 'repository' have an effect with 'github-token' only; without it the real action looks into the present run")
        return json.loads(get(f"{SERVICE}/artifacts", own))["artifacts"], f"{SERVICE}/artifacts", own
    base = f"{os.environ['GITHUB_API_URL']}/repos/{given['repository']}/actions"
    found: list[dict[str, str]] = []
    number = 1
    while batch := json.loads(get(f"{base}/runs/{given['run-id']}/artifacts?per_page=100&page={number}", token))["artifacts"]:
        found += batch
        number += 1
    return found, f"{base}/artifacts", token


def choose(given: dict[str, str], there: list[dict[str, str]]) -> list[dict[str, str]]:
    """Artifacts that the inputs name, ids before a name before a pattern."""
    if given.get("artifact-ids") and given.get("name"):
        fail("Inputs 'name' and 'artifact-ids' cannot be used together. Please specify only one.")
    if given.get("artifact-ids"):
        wanted = {one.strip() for one in given["artifact-ids"].split(",")}
        return [one for one in there if str(one["id"]) in wanted]
    if given.get("name"):
        found = [one for one in there if one["name"] == given["name"]]
        if not found:
            fail(f"Unable to download artifact(s): Artifact not found for name: {given['name']}")
        return found[:1]
    return [one for one in there if fnmatch.fnmatchcase(one["name"], given.get("pattern") or "*")]


def unpack(content: bytes, folder: Path) -> None:
    """Unpack a zip file; a path that leaves the folder ends the step."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if not (folder / name).resolve().is_relative_to(folder.resolve()):
                    fail(f"Malformed extraction path: {name}")
            archive.extractall(folder)
    except zipfile.BadZipFile as error:
        fail(f"Unable to download artifact(s): {error}")


def main() -> None:
    """Do the download that the inputs ask for."""
    given = {name: str(value) for name, value in json.loads(os.environ["INPUTS"]).items() if value is not None}
    if given["skip-decompress"] != "false":
        fail("input 'skip-decompress' of actions/download-artifact is not played in a rehearsal")
    root = Path(os.environ["GITHUB_WORKSPACE"], Path(given.get("path", "")).expanduser()).resolve()
    there, parent, token = listing(given)
    chosen = choose(given, there)
    for one in chosen:
        content = get(f"{parent}/{one['id']}/zip", token)
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != one["digest"] and given["digest-mismatch"] == "error":
            fail(f"the digest of {one['name']} is not the one recorded at upload")
        alone = bool(given.get("name")) or given["merge-multiple"] == "true" or (bool(given.get("artifact-ids")) and len(chosen) == 1)
        unpack(content, root if alone else root / one["name"])
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"download-path={root}\n")
    print(f"downloaded {len(chosen)} artifacts: {', '.join(one['name'] for one in chosen)}")


if __name__ == "__main__":
    main()
