"""What can be seen of a model's life: pointers on main, bundles in the store, deployments, tags. Promotion decides by nothing else.

``python -m <package>.registry.state``  prints it (``make state``)
"""

from pathlib import Path

from .. import bundle, params, pointer, run, store
from ..git import git, show, succeeds
from ..plan import changed_files, needs_training
from ..pointer import Pointer
from . import deployments, main_branch, pointer_path


def pointer_at(commit: str, environment: str) -> Pointer | None:
    """The pointer of an environment as a commit has it."""
    path = pointer_path(environment)
    content = show(commit, path.as_posix())
    return None if content is None else pointer.parse(content.decode("utf-8", "replace"), f"{path} at {commit[:9]}")


def stale(here: str, main: str) -> str | None:
    """Why what was made from the commit ``here`` is of no use for ``main`` any more, or None."""
    if not succeeds("merge-base", "--is-ancestor", here, main):
        return f"{here[:9]} is not on main: only what was merged is promoted"
    if needs_training(changed_files(here, main)):
        return f"main moved on to {main[:9]}, which has other inputs than {here[:9]}: the run for them promotes, this one stops"
    return None


def describe(environment: str, main: str) -> str:
    """One line about an environment: what main names, whether the store has it whole, how its newest deployment stands."""
    now = pointer_at(main, environment)
    if now is None:
        return f"{environment}: nothing was promoted yet"
    stored = "stored whole" if _is_stored(now) else "NOT IN THE STORE OR DAMAGED"
    newest = next(iter(deployments.recent(environment)), None)
    record = f"{newest.kind} {newest.state} of {newest.digest}" if newest else "none"
    held = f"; held: {', '.join(f'version {item.version}' for item in now.held)}" if now.held else ""
    return f"{environment}: version {now.version}, {now.digest}, {stored}; newest deployment: {record}{held}"


def _is_stored(now: Pointer) -> bool:
    try:
        bundle.load(store.find(now.digest, now.bundle), now.digest)
    except (store.AbsentError, bundle.BundleError):
        return False
    return True


def main() -> None:
    """Print the state of every environment."""
    commit = main_branch.newest()
    print(f"main: {commit} (this clone: {git('rev-parse', 'HEAD')})")
    for environment in params.load(Path(params.FILE)).promotion.environments:
        print(describe(environment, commit))


if __name__ == "__main__":
    run(main)
