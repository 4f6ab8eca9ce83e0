"""A repository of a former project (penguins), in which a test adopts a table that it makes."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import kinds
import numpy as np
import pytest
from churn import dataset, params
from churn.adopt import __main__ as program
from churn.adopt import ask
from churn.pipeline import METRICS, evaluate, export, prepare, train

README = "# Penguins\n\n**The model:** Predicts the species of penguins.\n\nMore words.\n"
PYPROJECT = '[project]\nname = "penguins"\ndescription = "Predicts the species of penguins."\n'


class Adopted(NamedTuple):
    """What adopting left: the parameters, their text, and what was printed."""

    chosen: params.Params
    text: str
    shown: str

    @property
    def out(self) -> dict[str, str]:
        """The columns left out, with their reasons."""
        (_, _, block) = self.text.partition("  # Left out:\n")
        lines = [line[6:] for line in block.splitlines() if line.startswith("  #   ")]
        return dict(line.partition(": ")[::2] for line in lines)


def former(folder: Path) -> None:
    """The repository before: everything committed."""
    kinds.write("penguins", folder, monitoring={"labels": "labels.csv", "log": "log"})
    (folder / "data" / "SOURCE.md").write_text("Penguins of Palmer Station\n")
    (folder / "README.md").write_text(README)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    for command in (["add", "-A"], ["commit", "-q", "-m", "penguins", "--no-verify"]):
        subprocess.run(["git", *command], check=True, cwd=folder)


def table(rows: int = 400, seed: int = 0) -> dict[str, list[Any]]:
    """Something that can be learned: ``size`` and ``colour`` tell ``sold`` more often than not."""
    random = np.random.default_rng(seed)
    size = random.normal(50, 10, rows).round(1)
    colour = random.choice(["red", "green", "blue"], rows)
    signal = (size - 50) / 10 + (colour == "red") + random.normal(0, 1, rows)
    return {"size": size.tolist(), "colour": colour.tolist(), "sold": np.where(signal > 0.4, "yes", "no").tolist()}


def write(columns: Mapping[str, Sequence[object]], path: Path, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """A CSV file with these columns."""
    return write_rows(list(columns), zip(*columns.values(), strict=True), path, delimiter, encoding)


def write_rows(header: Sequence[str], rows: Iterable[Iterable[object]], path: Path, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """The same from rows; names may stand twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


Adopt = Callable[..., Adopted]


def adopting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Adopt:
    """``adopt(path, TARGET=…)`` runs the program and the first stage; ``answers`` are what a person types, None without a terminal."""

    def adopt(data: Path | str, answers: Sequence[str] | None = None, **options: str) -> Adopted:
        words = {"DATA": str(data), "TARGET": "sold", **options}
        monkeypatch.setattr(sys, "argv", ["adopt", *(f"{name}={value}" for name, value in words.items())])
        said = iter(answers or ())
        monkeypatch.setattr(program.ask, "on_terminal", lambda quiet: ask.Asker(None if answers is None else lambda text: next(said)))
        capsys.readouterr()
        assert program.main() == 0
        shown = capsys.readouterr().out
        prepare.main()
        return Adopted(params.load(), Path("params.yaml").read_text(encoding="utf-8"), shown)

    return adopt


def trained() -> dict[str, float]:
    """The metrics after the other stages: what ``make train`` runs."""
    for stage in (train, export, evaluate):
        stage.main()
    return json.loads(METRICS.read_bytes())["metrics"]


def rows_of(chosen: params.Params) -> Any:
    """The data file, as training reads it."""
    return dataset.read(chosen.data.path, chosen)


def same_everywhere(folder: Path) -> dict[str, bytes]:
    """Every file but git's own, to compare before and after."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.parts}
