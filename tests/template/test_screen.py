"""What a terminal of 80 columns shows before anything is installed."""

import re

from ..conftest import BakedProject


def test_help_lists_the_targets_within_80_columns(default_bake: BakedProject) -> None:
    shown = default_bake.run("make", "help").stdout.splitlines()
    meant = re.findall(r"(?m)^([a-z-]+):.*## (.+)$", default_bake.text("Makefile"))

    assert [tuple(line.split(None, 1)) for line in shown] == meant
    assert [line for line in shown if len(line) > 80] == []
