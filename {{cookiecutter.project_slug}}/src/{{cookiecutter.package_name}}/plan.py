"""Looks at what a change touches. Standard library only: it runs before anything is installed.

``python -m <package>.plan pull-request``  what a merge commit needs, compared with its first parent
``python -m <package>.plan push``          whether main holds inputs that were neither promoted nor rolled back
``python -m <package>.plan guard``         the pre-commit hook: only promotion commits dvc.lock and tracked results
``python -m <package>.plan drop``          takes local changes to those files off this branch
"""

import os
import re
import sys
from pathlib import Path

from . import ProblemError, run
from .git import git, show, succeeds

# Code that cannot change the model; everything else under src/ counts as an input, new files included.
_BESIDE = (
    r"(?:serving|review|registry|store|scoring|monitoring|intervals|adopt)/"
    r"|(?:plan|git|github|pointer|history|candidate|gate|gate_check|promotion_check|monitoring_check|serving_rules)\.py"
    r"|(?:drift|psi|telling|prediction_log|markdown|mermaid|issue|commits)\.py"
)
INPUTS = re.compile(rf"params\.yaml|dvc\.yaml|data/.*|requirements/train\.txt|src/[^/]+/(?!{_BESIDE}).*")
CODE = re.compile(r"src/.*|tests/.*|pyproject\.toml|requirements/.*|Makefile|params\.yaml|data/.*")
POINTER = Path("models/production.yaml")
PROMOTED = ("dvc.lock", "models/metrics.json", "models/card.md")  # made by pipeline and judge, committed by promotion only
OVERLAYS = "deploy/kubernetes/overlays/"  # a part of each is promotion's


def changed_files(old: str, new: str) -> list[str]:
    """Paths that differ between two commits, both sides of a rename included."""
    return git("diff", "--name-only", "--no-renames", "-z", old, new).split("\0")[:-1]


def needs_training(files: list[str]) -> bool:
    """Whether one of the changed files is an input of the pipeline."""
    return any(INPUTS.fullmatch(name) for name in files)


def introduced(limit: int = 50) -> str:
    """The commit of main that brought the pipeline inputs that HEAD has: the oldest with the same inputs, first parents only."""
    history = git("rev-list", "--first-parent", f"--max-count={limit}", "HEAD").split()
    found = history[0]
    for commit in history[1:]:
        if needs_training(changed_files(commit, "HEAD")):
            break
        found = commit
    return found


def plan_pull_request() -> dict[str, bool]:
    """What a pull request's merge commit (HEAD) needs, compared with the base branch (its first parent)."""
    files = changed_files("HEAD^1", "HEAD")
    return {"train": needs_training(files), "test": any(CODE.fullmatch(name) for name in files)}


def plan_push() -> dict[str, bool]:
    """Whether main holds pipeline inputs that were neither promoted nor rolled back yet.

    Looks at the state, not at the push: a promotion that failed half-way is taken up by the next push.
    """
    if not POINTER.exists():
        return {"promote": True}
    known = re.findall(r"^\s*-?\s*commit: ['\"]?([0-9a-f]{40})", POINTER.read_text(encoding="utf-8"), re.MULTILINE)
    present = [commit for commit in known if succeeds("cat-file", "-e", f"{commit}^{{commit}}")]
    return {"promote": all(needs_training(changed_files(commit, "HEAD")) for commit in present)}


def guard() -> None:
    """Refuse a commit that changes promoted files, unless it takes them as main has them (a merge of main).

    Raises:
        ProblemError: names the files and the command that drops them.
    """
    staged = git("diff", "--cached", "--name-only", "--", *PROMOTED).split("\n")
    main = _main()
    ours = [name for name in staged if name and not (main and _staged(name) == show(main, name))]
    if ours:
        raise ProblemError(f"{', '.join(ours)}: only promotion commits these; drop them from this commit with `make drop-promoted`")


def drop() -> None:
    """Give the promoted files the content that main has, in the working tree and in the index."""
    main = _main()
    for name in PROMOTED:
        if main and show(main, name) is not None:
            git("checkout", main, "--", name)
        else:
            git("rm", "-q", "--cached", "--ignore-unmatch", "--", name)
            Path(name).unlink(missing_ok=True)
    print(f"{', '.join(PROMOTED)}: as in {main}" if main else f"{', '.join(PROMOTED)}: removed, nothing was promoted yet")


def _main() -> str | None:
    """Where main is: the remote's if this clone has one, else the local branch."""
    return next((name for name in ("origin/main", "main") if succeeds("rev-parse", "-q", "--verify", f"{name}^{{commit}}")), None)


def _staged(name: str) -> bytes | None:
    return show("", name)  # ":path" is the index


def tell(plan: dict[str, bool]) -> None:
    """Print a plan and, in a job, write it to the step's outputs."""
    lines = [f"{name}={str(value).lower()}" for name, value in plan.items()]
    print("\n".join(lines))
    if output := os.environ.get("GITHUB_OUTPUT"):
        with open(output, "a", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")


def main() -> None:
    """Do what the one argument says."""
    match sys.argv[1:]:
        case ["pull-request"]:
            tell(plan_pull_request())
        case ["push"]:
            tell(plan_push())
        case ["guard"]:
            guard()
        case ["drop"]:
            drop()
        case _:
            raise ProblemError("plan: say pull-request, push, guard or drop; at home use `make drop-promoted`")


if __name__ == "__main__":
    run(main)
