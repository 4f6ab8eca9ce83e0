"""Pack files the way actions/upload-artifact does and hand them to the artifact service."""

from __future__ import annotations

import fnmatch
import glob
import io
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

SERVICE = "https://results-receiver.actions.githubusercontent.com"


def fail(message: str) -> None:
    """End the step with an error that the log shows."""
    print(f"::error::{message}")
    sys.exit(1)


def hidden(path: Path, root: Path) -> bool:
    """Whether a part of the path below ``root`` begins with a dot."""
    relative = path.relative_to(root) if path.is_relative_to(root) else path
    return any(part.startswith(".") and part not in (".", "..") for part in relative.parts)


def search(patterns: list[str], with_hidden: bool) -> tuple[list[Path], list[Path]]:
    """Files the patterns name, and the folders the search began in."""
    files: set[Path] = set()
    roots: list[Path] = []
    here = Path.cwd()
    for pattern in patterns:
        full = os.path.normpath(here / Path(pattern.removeprefix("!")).expanduser())
        found = [Path(one) for one in glob.glob(full, recursive=True, include_hidden=with_hidden)]  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found = [inner for one in found for inner in ([one] if one.is_file() else one.rglob("*")) if inner.is_file()]
        if pattern.startswith("!"):
            files = {one for one in files if one not in found and not fnmatch.fnmatchcase(str(one), full)}
            continue
        fixed = Path(full.split("*")[0].split("?")[0].split("[")[0] if glob.has_magic(full) else full)
        roots.append(fixed if fixed.is_dir() else fixed.parent)
        files |= {one for one in found if with_hidden or not hidden(one, here)}
    return sorted(files), roots


def pack(files: list[Path], roots: list[Path], level: int) -> bytes:
    """Zip bytes; names begin below the folder that all searches share."""
    base = os.path.commonpath(roots) if len(roots) > 1 else str(roots[0])
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for file in files:
            archive.write(file, os.path.relpath(file, base))
    return memory.getvalue()


def send(name: str, content: bytes, overwrite: str) -> dict[str, str]:
    """Upload and return the service's answer."""
    address = f"{SERVICE}/artifacts/{urllib.parse.quote(name, safe='')}?overwrite={overwrite}"
    request = urllib.request.Request(
        address,
        data=content,
        method="PUT",
        headers={"authorization": f"Bearer {os.environ['SERVICE_TOKEN']}", "content-type": "application/zip"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            value: dict[str, str] = json.load(answer)
            return value
    except urllib.error.HTTPError as error:
        fail(f"Failed to CreateArtifact: {error.code} {error.read().decode(errors='replace')}")
        raise


def main() -> None:
    """Do the upload that the inputs ask for."""
    given = {name: str(value) for name, value in json.loads(os.environ["INPUTS"]).items() if value is not None}
    if given["archive"] != "true":
        fail("input 'archive: false' of actions/upload-artifact is not played in a rehearsal")
    if given["if-no-files-found"] not in ("warn", "error", "ignore"):
        fail(f"Unrecognized if-no-files-found input. Provided: {given['if-no-files-found']}. Available options: warn, error, ignore")
    patterns = [line.strip() for line in given["path"].splitlines() if line.strip()]
    files, roots = search(patterns, given["include-hidden-files"] == "true")
    if not files:
        message = f"No files were found with the provided path: {given['path'].strip()}. No artifacts will be uploaded."
        if given["if-no-files-found"] == "error":
            fail(message)
        if given["if-no-files-found"] == "warn":
            print(f"::warning::{message}")
        return
    made = send(given["name"], pack(files, roots, int(given["compression-level"])), given["overwrite"])
    server, repository, run = (os.environ[f"GITHUB_{name}"] for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    page = f"{server}/{repository}/actions/runs/{run}/artifacts/{made['id']}"
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"artifact-id={made['id']}\nartifact-digest={made['digest']}\nartifact-url={page}\n")
    print(f"uploaded {len(files)} files as {given['name']} ({made['size']} bytes)")


if __name__ == "__main__":
    main()
