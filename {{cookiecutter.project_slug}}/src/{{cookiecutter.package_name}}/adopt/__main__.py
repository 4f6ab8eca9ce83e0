"""``python -m <package>.adopt DATA=file TARGET=column`` (``make adopt``): makes the repository one for your data."""

import sys
import tempfile
from pathlib import Path

from .. import params, run
from ..git import succeeds
from . import ask, make, options, summary, write

MUCH = 50_000_000  # bytes


def main() -> int:
    """Look, ask, and write everything or nothing; the exit code is 0 when the repository is adopted."""
    words = sys.argv[1:]
    if not words or {"-h", "--help"} & set(words):
        print(options.USAGE)
        return 0 if words else 1
    chosen = options.parse(words)
    write.check_repository()
    old_text = Path(params.FILE).read_text(encoding="utf-8")
    old = params.load()
    with tempfile.TemporaryDirectory(prefix="adopt-") as scratch:
        asker = ask.on_terminal(chosen.yes)
        made = make.make(chosen, old, old_text, asker, Path(scratch))
        if not chosen.replace:
            write.check_kept([path for path in (*made.files, *made.gone) if path.resolve() != made.source.resolve()])
        write.put(made.files, made.gone)
        write.forget_made()
    print(summary.text(made.adopted, made.notes, asker.assumed))
    print(f"\nWrote params.yaml, {made.adopted.path} and data/SOURCE.md. Next: make train")
    if succeeds("check-ignore", "-q", "--", made.adopted.path):
        print(f"git ignores {made.adopted.path}: take it out of .gitignore, or keep it with `.venv/bin/dvc add {made.adopted.path}`.")
    elif made.size > MUCH:
        print(
            f"The data file has {made.size // 1_000_000} MB, much for git: `.venv/bin/dvc add {made.adopted.path}` keeps it in the store."
        )
    return 0


if __name__ == "__main__":
    run(main)
