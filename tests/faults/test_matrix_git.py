"""The table of faults, with models in the repository's own ref."""

import pytest

from .matrix import Matrix

pytestmark = pytest.mark.slow


class TestGit(Matrix):
    """Every moment of every step."""

    kind = "git"
