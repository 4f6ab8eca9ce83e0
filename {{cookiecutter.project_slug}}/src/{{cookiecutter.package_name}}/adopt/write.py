"""Puts files in place, all or nothing, and never over something that git does not have."""

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from .. import params
from ..git import GitError, git, succeeds
from . import AdoptError

MADE = ("data/prepared", "models/bundle", "models/model.joblib", "models/parity.json", "reports")  # what `make train` makes again
DOCUMENTS = ("data/SOURCE.md", "README.md", "pyproject.toml")
_NEW, _OLD = ".adopting", ".before"


def check_repository() -> None:
    """Raises :class:`AdoptError` unless this folder is the top of a git repository with a commit."""
    try:
        top = Path(git("rev-parse", "--show-toplevel"))
    except GitError:
        top = None
    if top is None or top.resolve() != Path.cwd().resolve() or not succeeds("rev-parse", "--verify", "HEAD"):
        raise AdoptError(
            f"{Path.cwd().name}: needs a git repository with a commit, so that nothing can be lost; run "
            "`git init -b main && git add -A && git commit -m 'First commit'`"
        )


def check_kept(paths: Sequence[Path]) -> None:
    """Raises :class:`AdoptError` when git, or DVC's cache, does not have one of the files as it is now."""
    for path in paths:
        if os.path.lexists(path) and not _kept(path):
            raise AdoptError(
                f"{path}: has changes that git does not have, and would be replaced; commit or stash them, or REPLACE=yes drops them"
            )


def _kept(path: Path) -> bool:
    name = path.as_posix()
    if succeeds("ls-files", "--error-unmatch", "--", name):
        return git("status", "--porcelain", "--", name) == ""
    return _in_dvc(path)


def _in_dvc(path: Path) -> bool:
    pointer = path.with_name(f"{path.name}.dvc")
    if not pointer.is_file() or not path.is_file() or not _kept(pointer):
        return False
    try:
        stated = yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"]
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        return False
    with path.open("rb") as stream:
        same = hashlib.file_digest(stream, "md5").hexdigest() == stated
    return same and Path(".dvc/cache/files/md5", stated[:2], stated[2:]).is_file()


def former_data(old: params.Params, source: Path, new: Path) -> list[Path]:
    """The former project's data file and its DVC pointer, but for what is the source or becomes the new file."""
    path = Path(old.data.path)
    if not path.resolve().is_relative_to(Path.cwd().resolve()):
        return []
    kept = {source.resolve(), new.resolve()}
    return [one for one in (path, path.with_name(f"{path.name}.dvc")) if os.path.lexists(one) and one.resolve() not in kept]


def put(files: Mapping[Path, str | Path], gone: Sequence[Path]) -> None:
    """Write every file (a text, or a file to take the content of) and delete those that are ``gone``.

    When anything fails everything is as it was. At no moment is a file that stays not there, and the last of ``files`` is replaced last,
    so that even a power cut leaves ``params.yaml`` with all that it names.
    """
    new = {path: path.with_name(f".{path.name}{_NEW}") for path in files}
    old = {path: path.with_name(f".{path.name}{_OLD}") for path in (*files, *gone)}
    moved: list[Path] = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, new[path])
            else:
                new[path].write_text(content, encoding="utf-8", newline="\n")
        for path in files:
            _keep(path, old[path])
            moved.append(path)
            os.replace(new[path], path)
        for path in gone:
            os.replace(path, old[path])
    except BaseException as error:
        _undo(moved, new, old)
        if isinstance(error, OSError):
            raise AdoptError(f"cannot be written ({error.strerror or error}: {error.filename}); nothing was changed") from None
        raise
    for path in old.values():
        path.unlink(missing_ok=True)


def _keep(path: Path, beside: Path) -> None:
    """A second name for the file, or a copy where the file system has no such thing."""
    beside.unlink(missing_ok=True)
    if os.path.lexists(path):
        try:
            os.link(path, beside)
        except OSError:
            shutil.copy2(path, beside)


def _undo(moved: Sequence[Path], new: Mapping[Path, Path], old: Mapping[Path, Path]) -> None:
    for path in [*old]:
        if os.path.lexists(old[path]):
            os.replace(old[path], path)
            old[path].unlink(missing_ok=True)  # two names of one file: replacing does nothing
        elif path in moved:
            path.unlink(missing_ok=True)
    for path in new.values():
        path.unlink(missing_ok=True)


def forget_made() -> None:
    """Delete what the pipeline made of the former data; it is made again, and DVC keeps what was promoted."""
    for name in MADE:
        path = Path(name)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
