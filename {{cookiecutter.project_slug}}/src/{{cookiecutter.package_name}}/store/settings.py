"""Reads which remote ``.dvc/config`` names, without DVC: serving and rollback do not have it."""

import configparser
from pathlib import Path

import msgspec

from . import StoreError

FOLDER = Path(".dvc")
FILES = ("config", "config.local")  # the second is of this machine only and wins


class Settings(msgspec.Struct, frozen=True):
    """DVC's default remote: its name, its URL as DVC would resolve it, and its other settings."""

    name: str
    url: str
    options: dict[str, str] = {}

    @property
    def scheme(self) -> str:
        """``s3``, ``gs``, ``azure``, ``ssh`` …, or ``file`` for a folder."""
        return self.url.partition("://")[0] if "://" in self.url else "file"


def read(folder: Path = FOLDER) -> Settings | None:
    """The settings of the project that stands here; None where DVC is not set up.

    Raises:
        StoreError: a file cannot be read, names no default remote, or one whose objects DVC would not verify.
    """
    files = [folder / name for name in FILES if (folder / name).exists()]
    return parse([path.read_text(encoding="utf-8") for path in files], folder) if files else None


def parse(texts: list[str], folder: Path = FOLDER) -> Settings:
    """The settings in the text of DVC's files, of which later ones win; a relative folder begins at ``folder``.

    Raises:
        StoreError: the text is broken, names no default remote, or one whose objects DVC would not verify.
    """
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        for text in texts:
            parser.read_string("\n".join(line.strip() for line in text.splitlines()))
    except configparser.Error as error:
        raise StoreError(f"{folder / 'config'} cannot be read: {error.message.splitlines()[0]}; restore it with `git checkout`") from None
    name = parser.get("core", "remote", fallback="")
    section = f"'remote \"{name}\"'"
    if not parser.has_option(section, "url"):
        raise StoreError(f"{folder / 'config'} names no default remote with a URL; add one with `dvc remote add --default store <url>`")
    options = {key: value.strip("'\"") for key, value in parser.items(section)}
    if options.get("verify", "").lower() != "true":
        raise StoreError(
            f"{folder / 'config'}: the remote '{name}' has no `verify = true`, so DVC would take damaged objects for good; "
            f"run `dvc remote modify {name} verify true`"
        )
    return Settings(name, _resolved(options.pop("url"), folder), options)


def _resolved(url: str, folder: Path) -> str:
    return url if "://" in url else str((folder / Path(url).expanduser()).resolve())
