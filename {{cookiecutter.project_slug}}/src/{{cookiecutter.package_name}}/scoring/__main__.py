"""``python -m <package>.scoring IN OUT``."""

from .. import run
from . import ScoringError

_BATCH = ("distributed", "pyarrow", "tqdm")


def main() -> None:
    """Run the command; raises ScoringError where the libraries that it needs beside the server's are not installed."""
    try:
        from .command import main as score
    except ModuleNotFoundError as error:
        if error.name not in _BATCH:
            raise
        what = f"scoring needs {error.name}, which is not installed here"
        raise ScoringError(f"{what}; `make score` sets it up, or install requirements/batch.txt into an environment of its own") from None
    score()


if __name__ == "__main__":
    run(main)
