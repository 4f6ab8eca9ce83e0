"""What a review says outside its report: the status line, and the files that need a second look."""

import msgspec
from churn.review import Review
from churn.review.changes import notes
from churn.review.post import describe

DIGEST = "sha256:" + "a" * 64


def _review(**values: object) -> Review:
    return msgspec.structs.replace(Review(verdict="hold", digest=DIGEST), **values)


def test_the_status_line_fits_and_carries_the_whole_digest() -> None:
    assert describe(_review(verdict="promote")) == f"promote {DIGEST}"
    assert len(describe(_review(reasons=["x" * 500]))) == 140


def test_files_that_need_a_second_look_are_named() -> None:
    said = notes([".github/workflows/train.yml", "dvc.lock", "src/churn/review/judge.py", "README.md"])
    assert "`.github/workflows/train.yml`, `src/churn/review/judge.py`" in said[0]
    assert "main's version" in said[0]
    assert "`dvc.lock`" in said[1]
    assert "make drop-promoted" in said[1]
    assert notes(["README.md", "params.yaml"]) == []
    assert len(notes(["models/production.yaml", "dvc.lock"])) == 1, "a revert of a rollback takes dvc.lock along"
