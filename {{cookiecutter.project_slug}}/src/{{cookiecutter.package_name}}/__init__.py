"""Trains, reviews, promotes and serves one model.

Here: errors that a person can act on, and the one place that prints them.
"""

import io
import sys
from collections.abc import Callable
from typing import NoReturn


class ProblemError(Exception):
    """A problem whose text is one complete line: what is wrong, where, and what to do."""


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command line's ``main`` and leave the process with its exit code.

    A :class:`ProblemError` is printed as ``error: <its line>`` on standard error with exit code 1; Ctrl-C exits with 130.
    Anything else is a defect of this program and keeps its traceback. A sign that the receiver of the output does not know is written
    as a question mark.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a pipe on Windows knows a few hundred signs
    try:
        code = main()
    except ProblemError as problem:
        complain(f"error: {problem}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code or 0)


def complain(line: str) -> None:
    """Print a line on standard error: as it is, or, on a terminal, broken between words."""
    import shutil
    import textwrap

    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    print(line, file=sys.stderr, flush=True)
