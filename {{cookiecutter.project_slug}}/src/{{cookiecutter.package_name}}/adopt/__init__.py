"""Makes the repository yours: looks at a table, and writes the contract, the gates and the data file for it.

``read`` brings any source into the form of a CSV file, ``look`` goes over its cells, ``texts`` says what written values mean, ``decide``,
``target`` and ``keys`` say what becomes of each column, ``divide`` chooses the split, ``rows``, ``params_text`` and ``documents`` make
the files, ``make`` calls them in this order, and ``write`` puts all of it in place or nothing.
"""

from .. import ProblemError


class AdoptError(ProblemError):
    """A table that cannot be adopted, or that leaves something open that only a person knows."""
