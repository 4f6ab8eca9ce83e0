"""``python -m <package>.on_github [--yes]``: says what this repository lacks on GitHub (``make github``), with ``--yes`` brings it."""

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .. import ProblemError, github, run
from ..github import GitHubError
from . import Change, Found, SetupError, Wanted, Word, actions, deploy_key, environments, labels, names, rules, wanted

_INDENT = 11
_REFUSALS = (403, 404, 409, 422)  # the plan, the account or an organisation's policy does not allow it


class Part(NamedTuple):
    """A part of the setting up, and what to do where GitHub does not allow it."""

    name: str
    look: Callable[[Wanted], Found]
    instead: str


PARTS = (
    Part("Actions", actions.look, "ask an owner of the organisation: it sets this for all of its repositories"),
    Part("environments", environments.look, "go on without: promotion needs none, they only keep secrets from other branches"),
    Part("labels", labels.look, "make the label under Issues > Labels"),
    Part("deploy key", deploy_key.look, "set promotion.push to pull-request, which needs no key"),
    Part("rule set", rules.look_at_check, "make it public or take a plan with rule sets; until then merge only what has a green check"),
    Part(
        "merge queue", rules.look_at_queue, "merge one pull request after the other; a queue needs a public repository or Enterprise Cloud"
    ),
    Part("secrets and variables", names.look, "look under Settings > Secrets and variables > Actions"),
)


def main() -> None:
    """Go through the parts; what GitHub refuses is told, and the rest goes on."""
    if sys.argv[1:] not in ([], ["--yes"]):
        raise ProblemError("on_github: say nothing to see the plan, or `--yes` to have it done")
    really, place = sys.argv[1:] == ["--yes"], wanted()
    print(f"{github.repository()} on GitHub, with promotion.push: {place.push}")
    tally: Counter[str] = Counter()
    for part in PARTS:
        for line, kind in _go_through(part, place, really):
            tally[kind] += 1
            print(_shown(kind, line), flush=True)
    print(_summary(tally, really))


def _shown(kind: str, text: str) -> str:
    """A finding as lines of a terminal; elsewhere, and where it is a command, no line is broken."""
    first, *more = text.split("\n")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(first) + _INDENT
    pieces = textwrap.wrap(first, max(width - _INDENT, 30), break_long_words=False, break_on_hyphens=False)
    told = f"{kind:>9}  " + ("\n" + " " * _INDENT).join(pieces)
    return "\n".join([told, *(" " * (_INDENT + 2) + line for line in more)])


def _go_through(part: Part, place: Wanted, really: bool) -> Iterable[tuple[str, str]]:
    """Each thing that this part has to say, and its kind."""
    try:
        found = list(part.look(place))
    except GitHubError as error:
        yield f"{part.name}: {_why(part, error)}", "refused"
        return
    for one in found:
        if isinstance(one, Word):
            yield one.text, one.kind
        else:
            yield _done(part, one) if really else (one.what, "to do")
    if not found:
        yield part.name, "fine"


def _done(part: Part, change: Change) -> tuple[str, str]:
    try:
        change.do()
    except (GitHubError, SetupError) as error:
        return f"{change.what.partition(':')[0]}: {_why(part, error)}", "refused"
    return change.what, "done"


def _why(part: Part, error: GitHubError | SetupError) -> str:
    """Why it was refused and what to do instead; raises what is no refusal: nobody is logged in, GitHub is out of reach or has trouble."""
    if isinstance(error, GitHubError) and error.status not in _REFUSALS:
        raise error
    said = error.said if isinstance(error, GitHubError) else str(error)
    return f"{said}; instead: {part.instead}"


def _summary(tally: Counter[str], really: bool) -> str:
    rest = "".join(f"; {tally[kind]} {kind}" for kind in ("refused", "by hand", "missing") if tally[kind])
    if tally["to do"]:
        return f"This is the plan, nothing was changed: {_count(tally['to do'])} to make with `make github ARGS=--yes`{rest}"
    if tally["done"]:
        return f"Made {_count(tally['done'])}{rest}"
    return f"Nothing {'was changed' if really else 'to change'}: what can be set is set{rest}"


def _count(number: int) -> str:
    return f"{number} change{'' if number == 1 else 's'}"


if __name__ == "__main__":
    run(main)
