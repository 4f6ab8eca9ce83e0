"""What a person reads in a terminal: complaints broken between words, help within 80 columns, and advice that fits the mistake."""

import io
import sys
from pathlib import Path

import pytest
from churn import complain, csv_file, model
from churn.adopt.options import USAGE
from churn.contract import ContractError
from churn.git import GitError
from churn.params import Model, ParamsError
from churn.registry import main_branch
from churn.scoring import ScoringError
from churn.scoring import __main__ as scoring
from conftest import Git

LONG = "error: params.yaml: model.estimator 'RandomForest' is not known (did you mean 'RandomForestClassifier'?); look it up"


class Terminal(io.StringIO):
    """Standard error of a person."""

    def isatty(self) -> bool:
        return True


def test_a_complaint_is_broken_in_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for stream, lines in ((Terminal(), 2), (io.StringIO(), 1)):
        monkeypatch.setattr(sys, "stderr", stream)
        complain(LONG)
        told = stream.getvalue().splitlines()
        assert len(told) == lines
        assert " ".join(line.strip() for line in told) == LONG
        assert lines == 1 or all(len(line) <= 80 for line in told)


def test_the_options_of_adopting_fit() -> None:
    assert [line for line in USAGE.splitlines() if len(line) > 80] == []


def test_an_unknown_estimator_is_told_where_others_go() -> None:
    with pytest.raises(
        ParamsError, match=r"'XGBClassifier' is not known .*; src/churn/model\.py lists what is known, and is where another"
    ):
        model.find(Model(name="churn", estimator="XGBClassifier"), "binary")


def test_scoring_without_its_libraries_says_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ScoringError, match=r"^scoring needs pyarrow, which is not installed here; `make score` sets it up, or install "):
        scoring.main()


def test_before_the_first_push_it_is_said_that_there_was_none(git: Git) -> None:
    with pytest.raises(GitError, match=r"^git has no remote `origin`: nothing was pushed or promoted yet"):
        main_branch.newest()
    git("remote", "add", "origin", "gone")
    with pytest.raises(GitError, match=r"^git fetch .* failed: fatal: "):
        main_branch.newest()


def test_a_file_that_is_not_there_is_told_what_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/houses.csv").touch()
    with pytest.raises(
        ContractError, match=r"data/house\.csv: no such file .* \(did you mean 'data/houses\.csv'\?\); if it was there, restore"
    ):
        csv_file.header("data/house.csv")
