"""The population stability index: how far two distributions lie apart. Needs numpy alone, so that the server computes it as well.

Karakoulas: Empirical validation of retail credit-scoring models (2004); by custom 0.1 is worth a look and 0.2 is large.
"""

import numpy as np

FEWEST_ROWS = 300  # under which the index of equal distributions, about (bins - 1)(1/n + 1/m), comes near to what counts as large
LEAST_SHARE = 1e-4


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two rows of counts per bin: the sum of (a - e) ln(a / e) over shares a and e.

    Shares below 0.0001 count as that much, so an empty bin gives a finite value. 0 where a side has no rows.
    """
    if expected.sum() == 0 or actual.sum() == 0:
        return 0.0
    e, a = (np.maximum(counts / counts.sum(), LEAST_SHARE) for counts in (expected, actual))
    return float(np.sum((a - e) * np.log(a / e)))
