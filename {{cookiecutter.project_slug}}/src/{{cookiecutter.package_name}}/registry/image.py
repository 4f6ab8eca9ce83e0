"""Builds the serving image of a bundle, pushes it, and pins its base. Needs buildah, which GitHub's Linux runners have.

``python -m <package>.registry.image build [BUNDLE]``  builds and tags it with the bundle's digest (default: what was trained here)
``python -m <package>.registry.image smoke [BUNDLE]``  builds it, runs it locked down and asks it the bundle's golden rows
``python -m <package>.registry.image push NAME [BUNDLE]``  builds it, tries it out and pushes it, as in ``push registry.example/churn``
``python -m <package>.registry.image pin``  writes the newest digest of the base into ``deploy/Dockerfile``

The image is a function of the bundle, the server's code, the locked libraries and the base: the same inputs give the same digest
(https://reproducible-builds.org/docs/source-date-epoch/). It has the OCI format, because Docker's carries the name of the container
that built it. OCI knows no health check: ``deploy/compose.yaml`` and the Deployment bring their own.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from .. import ProblemError, bundle, run
from . import image_push, image_smoke
from .engine import ImageError, call

DOCKERFILE = Path("deploy/Dockerfile")
TRAINED = Path("models/bundle")
_LOCK = Path("requirements/serve.txt")
_BASE = re.compile(r"^FROM (\S+) AS base$", re.MULTILINE)
_PINNED = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def build(bundle_folder: Path, tag: str, fresh: bool = False) -> str:
    """Build the image of a bundle in the repository of the current folder, tag it, and return its ID (``sha256:…``).

    The environment variable ``BASE`` replaces the base image of ``deploy/Dockerfile``; ``fresh`` reuses no layer of an earlier build.

    Raises:
        BundleError: the bundle is not whole. ImageError: the base is not pinned by digest, or the build failed.
    """
    made = bundle.load(bundle_folder)
    base = os.environ.get("BASE") or _base()
    if not _PINNED.fullmatch(base):
        raise ImageError(f"{DOCKERFILE}: the base is {base!r}, not pinned by digest: it may be another tomorrow; run `make pin-base`")
    with tempfile.TemporaryDirectory() as folder:
        context, name_file = Path(folder, "context"), Path(folder, "name")
        _stage(made, context)
        options = ["--format", "oci", "--timestamp", "0", "--layers", "--label", f"bundle={made.digest}", "--from", base]
        options += ["--no-cache"] if fresh else []
        call("buildah", "build", *options, "--iidfile", name_file, "--tag", tag, "--file", context / DOCKERFILE, context)
        return name_file.read_text(encoding="utf-8").strip()


def publish(made: bundle.Bundle, name: str) -> str:
    """Build the image of a bundle, try it out, and push it; returns ``<name>@sha256:…``. What the registry has already is not pushed again.

    Raises:
        BundleError, ImageError: as in :func:`build`, or the registry refused. SmokeError: the image does not answer as its bundle promises.
    """
    tag = tag_of(made)
    identity = build(made.folder, tag)
    if named := image_push.found(identity, name):
        print(f"{named} is there already")
        return named
    image_smoke.smoke(tag, made)
    return image_push.push(tag, identity, name)


def pin() -> str:
    """Write the newest digest of the base's tag into ``deploy/Dockerfile``; returns the pinned name. Needs skopeo.

    Raises:
        ImageError: the registry cannot be asked.
    """
    tagged = _base().partition("@")[0]
    digest = call("skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", f"docker://{tagged}").strip()
    pinned = f"{tagged}@{digest}"
    if not _PINNED.fullmatch(pinned):
        raise ImageError(f"the registry gives {digest!r} as the digest of {tagged}; try again")
    text = DOCKERFILE.read_text(encoding="utf-8")
    DOCKERFILE.write_text(_BASE.sub(f"FROM {pinned} AS base", text), encoding="utf-8", newline="\n")
    return pinned


def tag_of(made: bundle.Bundle) -> str:
    """The tag that this machine gives the image of a bundle."""
    return f"localhost/{made.manifest.model}:{made.digest.removeprefix('sha256:')[:12]}"


def _base() -> str:
    try:
        found = _BASE.search(DOCKERFILE.read_text(encoding="utf-8"))
    except OSError as error:
        raise ImageError(f"{DOCKERFILE}: {error.strerror}; run this in the repository's folder") from None
    if not found:
        raise ImageError(f"{DOCKERFILE}: has no line `FROM <image> AS base`; restore it with `git checkout -- {DOCKERFILE}`")
    return found[1]


def _stage(made: bundle.Bundle, context: Path) -> None:
    """Copy what an image is made of, with the same permissions on every machine; .dockerignore thins it out."""
    package = Path("src", str(__package__).partition(".")[0])
    shutil.copytree(package, context / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(made.folder, context / TRAINED)
    for file in (DOCKERFILE, _LOCK, Path(".dockerignore")):
        (context / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, context / file)
    for path in context.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def main() -> None:
    """Build, try out or push an image, or pin the base; prints the name that results."""
    match sys.argv[1:]:
        case ["build", *folder] if len(folder) < 2:
            print(_built(_made(*folder)))
        case ["smoke", *folder] if len(folder) < 2:
            made = _made(*folder)
            tag = _built(made)
            image_smoke.smoke(tag, made)
            print(f"{tag} runs locked down and answers its golden rows")
        case ["push", name, *folder] if len(folder) < 2:
            print(publish(_made(*folder), name))
        case ["pin"]:
            print(pin())
        case _:
            raise ProblemError("image: say `build`, `smoke`, `push NAME` (each with the folder of a bundle, or without), or `pin`")


def _made(folder: str | Path = TRAINED) -> bundle.Bundle:
    return bundle.load(folder)


def _built(made: bundle.Bundle) -> str:
    tag = tag_of(made)
    build(made.folder, tag)
    return tag


if __name__ == "__main__":
    run(main)
