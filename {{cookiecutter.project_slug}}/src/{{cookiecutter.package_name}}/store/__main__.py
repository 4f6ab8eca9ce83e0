"""``python -m <package>.store``: opens the store; with ``prune``, takes out what nothing names."""

import sys

from .. import ProblemError, run
from . import configured
from .prune import plan


def prune(really: bool) -> None:
    """Say what would go, or take it out."""
    kept_in = configured()
    found = plan(kept_in)
    if found.goes and really:
        kept_in.remove(found.goes)
    what = f"{len(found.goes)} files, {found.freed / 1e6:.1f} MB"
    print(f"{'took' if really else 'would take'} out {what}; {found.kept} files stay" + ("" if really else "; do it with ARGS=--really"))


def main() -> None:
    """Do what the arguments say."""
    match sys.argv[1:]:
        case []:
            configured().open()
        case ["prune"]:
            prune(really=False)
        case ["prune", "--really"]:
            prune(really=True)
        case _:
            raise ProblemError("store: say nothing, or `prune`, or `prune --really`")


if __name__ == "__main__":
    run(main)
