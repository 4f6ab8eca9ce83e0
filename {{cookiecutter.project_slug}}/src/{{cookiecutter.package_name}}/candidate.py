"""The candidate: what a training run hands over, packed by the untrusted run and read as data by everybody else.

``python -m <package>.candidate``  packs what the pipeline made here
"""

import hashlib
import re
import shutil
import stat
import zipfile
from pathlib import Path

import yaml

from . import ProblemError, bundle, run, store

FOLDER = Path("candidate")
ARTIFACT = "candidate"
_BUNDLE = "|".join(re.escape(name) for name in ("manifest.json", *bundle.FILES))
_ALLOWED = re.compile(
    rf"bundle/(?:{_BUNDLE})|metrics\.json|run\.json|dvc\.lock"
    r"|objects/files/md5/[0-9a-f]{2}/[0-9a-f]{30}|objects/runs/[0-9a-f]{2}/[0-9a-f]{64}/[0-9a-f]{64}"
)
_MAX_FILES = 5_000
_MAX_BYTES = 2 * 1024**3


class CandidateError(ProblemError):
    """An artifact is not a candidate."""


def pack(into: Path = FOLDER) -> str:
    """Collect bundle, metrics, ``run.json``, ``dvc.lock`` and this run's DVC objects into a folder; returns the bundle's digest.

    Raises:
        CandidateError: the pipeline has not run.
    """
    lock = Path("reports/dvc.lock")
    if not lock.exists():
        raise CandidateError("reports/dvc.lock is missing: the pipeline has not run here; run `make train` first")
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree("models/bundle", into / "bundle", ignore=lambda _, names: [n for n in names if not re.fullmatch(_BUNDLE, n)])
    for name in ("metrics.json", "run.json"):
        shutil.copyfile(f"reports/{name}", into / name)
    shutil.copyfile(lock, into / "dvc.lock")
    cache = Path(".dvc/cache")
    for name in _objects(lock):
        if (cache / name).exists():
            (into / "objects" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(cache / name, into / "objects" / name)
    if (cache / "runs").exists():
        shutil.copytree(cache / "runs", into / "objects" / "runs")
    return bundle.digest_of(into / "bundle")


def unpack(archive: Path, into: Path) -> Path:
    """Unpack an artifact after looking at every entry's name, kind and size; returns the folder.

    Raises:
        CandidateError: a foreign file, a link, too many or too large files, a damaged archive. Nothing is left in ``into``.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            _check_entries(opened)
            opened.extractall(into)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        shutil.rmtree(into, ignore_errors=True)
        raise CandidateError(f"the artifact '{ARTIFACT}' cannot be unpacked: {error}; re-run the train workflow") from None
    return into


def import_objects(folder: Path, cache: Path = Path(".dvc/cache")) -> int:
    """Put the candidate's DVC objects into the local cache; returns their number.

    Raises:
        CandidateError: an object's content is not what its name says.
    """
    objects = [path for path in (folder / "objects").rglob("*") if path.is_file()]
    for path in objects:
        name = path.relative_to(folder / "objects")
        if (
            name.parts[0] == "files"
            and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != name.parts[-2] + name.parts[-1]
        ):
            raise CandidateError(f"the candidate's object {name} does not have the content that its name says; re-run the train workflow")
    for path in objects:
        target = cache / path.relative_to(folder / "objects")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return len(objects)


def _check_entries(archive: zipfile.ZipFile) -> None:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > _MAX_FILES or sum(entry.file_size for entry in entries) > _MAX_BYTES:
        raise CandidateError(f"the artifact '{ARTIFACT}' is larger than {_MAX_FILES} files or {_MAX_BYTES >> 30} GiB; it is not read")
    for entry in archive.infolist():
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise CandidateError(f"the artifact '{ARTIFACT}' holds the link {entry.filename[:100]!r}; links are not read")
    for entry in entries:
        if not _ALLOWED.fullmatch(entry.filename):
            raise CandidateError(f"the artifact '{ARTIFACT}' holds the foreign file {entry.filename[:100]!r}; nothing of it is read")


def _objects(lock: Path) -> list[str]:
    stages = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages", {})
    sums = [out["md5"] for stage in stages.values() for out in stage.get("outs", []) if "md5" in out]
    return [f"files/md5/{md5[:2]}/{md5[2:]}" for md5 in sums]


def main() -> None:
    """Pack the candidate and name its digest; raises StoreError when promotion could not store it."""
    digest = pack()
    store.configured().check(path for path in sorted(FOLDER.rglob("*")) if path.is_file())
    print(f"packed {FOLDER}: {digest}")


if __name__ == "__main__":
    run(main)
