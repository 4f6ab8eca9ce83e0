"""DVC's objects as its own files name them: ``dvc.lock`` and the ``*.dvc`` files beside tracked data."""

import re
from pathlib import Path
from typing import Any

import yaml

MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")


def named_in(text: str, part: str | None = None) -> dict[str, int]:
    """The MD5 of everything that a file of DVC names, or a part of it as ``outs``, with sizes in bytes (-1 where it does not say).

    Broken text names nothing.
    """
    found: dict[str, int] = {}
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    _collect(content.get(part) if part and isinstance(content, dict) else content, found)
    return found


def named_here() -> dict[str, int]:
    """The same for the working tree."""
    found: dict[str, int] = {}
    for path in (Path("dvc.lock"), *Path("data").rglob("*.dvc"), *Path().glob("*.dvc")):
        if path.is_file():
            found |= named_in(path.read_text(encoding="utf-8"))
    return found


def place(md5: str) -> str:
    """Where DVC 3 keeps an object in a cache or a remote."""
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def _collect(item: Any, found: dict[str, int]) -> None:
    if isinstance(item, dict):
        md5 = item.get("md5")
        if isinstance(md5, str) and MD5.fullmatch(md5):
            found[md5] = int(item.get("size", -1))
        for value in item.values():
            _collect(value, found)
    elif isinstance(item, list):
        for value in item:
            _collect(value, found)
