"""Scores whole files, CSV or Parquet of any size, by the contract and with the code that the server scores with.

``python -m <package>.scoring IN OUT``. A file is scored piece by piece (:mod:`.source`), here or on other machines (:mod:`.engine`);
what is done is kept beside OUT (:mod:`.journal`) until OUT is written (:mod:`.output`).
"""

from .. import ProblemError


class ScoringError(ProblemError):
    """A file that cannot be scored, or a place where its scores cannot be kept."""
