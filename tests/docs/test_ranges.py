"""The ranges of numbers that the reference tells are those that the code takes: the ends are tried, and what lies just outside."""

import json
import os
import re
import subprocess
import sys
from typing import NamedTuple

from ..conftest import ROOT, BakedProject

FORMS = (
    r"\((?P<low>[\d.,]+) to (?P<high>[\d.,]+)\)",
    r"\(above (?P<above>[\d.]+), at most (?P<most>[\d.]+)\)",
    r"\(at least (?P<least>[\d.]+), below (?P<below>[\d.]+)\)",
)
CLAIM = re.compile(rf"`(?P<key>\w+)` (?:{'|'.join(FORMS)})")
TRY = """
import json, sys
from churn import params
for text in json.load(sys.stdin):
    try:
        params.parse(text)
        print("taken")
    except params.ParamsError as error:
        print(error)
"""


class Trial(NamedTuple):
    """A value at a place of ``params.yaml``, and whether the reference says that it is taken."""

    place: str
    value: float
    taken: bool


def trials() -> list[Trial]:
    found = []
    for section in re.split(r"^## ", (ROOT / "docs/reference/params.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name = section.splitlines()[0].strip("`")
        for claim in CLAIM.finditer(section):
            place = claim["key"] if name == "At the top" else f"{name}.{claim['key']}"
            ends = {kind: float(text.replace(",", "")) for kind, text in claim.groupdict().items() if kind != "key" and text}
            found += [trial for kind, end in ends.items() for trial in _around(place, kind, end)]
    return found


def _around(place: str, kind: str, end: float) -> list[Trial]:
    """The end itself, and one step out of the range (in, where the end is no part of it)."""
    step = 1.0 if end >= 10 or place == "seed" else 1e-4
    outwards = -step if kind in ("low", "above", "least") else step
    if kind in ("above", "below"):
        return [Trial(place, end, False), Trial(place, end - outwards, True)]
    return [Trial(place, end, True), Trial(place, end + outwards, False)]


def test_the_ranges_are_true(default_bake: BakedProject) -> None:
    env = {**os.environ, "PYTHONPATH": str(default_bake.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    tried = trials()
    assert len({trial.place for trial in tried}) >= 12
    texts = [_with(default_bake.text("params.yaml"), trial) for trial in tried]
    done = subprocess.run([sys.executable, "-c", TRY], env=env, input=json.dumps(texts), capture_output=True, text=True, check=True)
    wrong = [(trial, told) for trial, told in zip(tried, done.stdout.splitlines(), strict=True) if (told == "taken") != trial.taken]
    assert not wrong


def _with(text: str, trial: Trial) -> str:
    """The example with one value put in the place of a whole top-level part; every other key of that part has its default."""
    part, *keys = trial.place.split(".")
    number = int(trial.value) if trial.value == int(trial.value) else trial.value
    value: object = number
    for key in reversed(keys):
        value = {key: value}
    rest = re.sub(rf"^{part}:.*?(?=^\S|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    return f"{rest}\n{part}: {json.dumps(value)}\n"
