"""Sets this repository up on GitHub: looks at what is there, says what is lacking, and brings it where that is asked for.

Each part looks first, and only then changes: cut off anywhere and run again, it ends in the same state. What people set stricter, or
switched off, stays. The calls are those of GitHub's REST API, by the names that its documentation gives them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .. import ProblemError, github, params
from ..params import Params
from ..store import settings

# Review and promotion know these by the same names: the parts meet on GitHub.
MAIN, STATUS, LABEL, KEY = "main", "model review", "promote anyway", "PROMOTION_KEY"


class SetupError(ProblemError):
    """This repository cannot be set up, or not by this person."""


@dataclass(frozen=True)
class Change:
    """One change, explained in a line, and what makes it."""

    what: str
    do: Callable[[], None]


@dataclass(frozen=True)
class Word:
    """Something that no call can change, or that a person must decide: one line, more where commands have to be shown."""

    kind: Literal["look", "by hand", "missing", "optional"]
    text: str


Found = Iterator[Change | Word]


@dataclass(frozen=True)
class Wanted:
    """What the parts go by: ``params.yaml``, where models are stored, and what GitHub says about the repository itself."""

    params: Params
    store: settings.Settings | None
    organisation: bool
    private: bool
    merge_method: str

    @property
    def push(self) -> str:
        """``params.yaml: promotion.push``."""
        return self.params.promotion.push


def wanted() -> Wanted:
    """Read the parameters and ask for the repository ("Get a repository", ``GET /repos/{owner}/{repo}``).

    Raises:
        SetupError: the person is no administrator of it. GitHubError: it cannot be asked. ParamsError, StoreError: a file here is wrong.
    """
    chosen = params.load()
    about = github.get("")
    if not about["permissions"]["admin"]:
        raise SetupError(
            f"{github.repository()} can be set up by its administrators only, and this log-in is none of theirs; "
            "ask one of them, or set GH_TOKEN to the token of one"
        )
    methods = [name for name in ("merge", "squash", "rebase") if about.get(_ALLOW[name], True)]
    method = (methods or ["merge"])[0].upper()
    return Wanted(chosen, settings.read(), about["owner"]["type"] == "Organization", about["private"], method)


_ALLOW = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
