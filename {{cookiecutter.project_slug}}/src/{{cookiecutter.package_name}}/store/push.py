"""Pushes DVC's objects and run cache to the remote that ``.dvc/config`` names."""

import subprocess
import sys

from . import StoreError


def push_objects() -> None:
    """Run ``dvc push --run-cache``.

    Raises:
        StoreError: it failed; the text carries DVC's own reason.
    """
    done = subprocess.run([sys.executable, "-m", "dvc", "push", "--run-cache"], capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = errors[0] if errors else f"exit {done.returncode}"  # the last one only counts the files that failed
        raise StoreError(f"`dvc push --run-cache` failed: {reason}; nothing was promoted, run the same command again")
