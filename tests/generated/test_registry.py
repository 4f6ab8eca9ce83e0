"""Versions, rollback targets and main, with real git repositories."""

from collections.abc import Callable
from pathlib import Path

import pytest
from churn import history, params, pointer
from churn.pointer import Held, Pointer, PointerError, Previous
from churn.registry import main_branch, restore, rollback
from churn.registry.rollback import RollbackError

Commit = Callable[..., str]
Git = Callable[..., str]
PATH = Path("models/production.yaml")
SHA = "0123456789abcdef0123456789abcdef01234567"


def _pointer(version: int, **values: object) -> Pointer:
    base = {"model": "churn", "version": version, "digest": _digest(version), "bundle": f"bundles/{version}", "commit": SHA}
    return Pointer(**(base | {"promoted_by": "mona", "metrics": {"roc_auc": 0.85}} | values))


def _digest(version: int) -> str:
    return f"sha256:{version:064x}"


def _record(git: Git, new: Pointer) -> None:
    pointer.write(PATH, new)
    git("add", "-A")
    git("commit", "-q", "-m", f"version {new.version}")


def test_a_pointer_file_reads_back(tmp_path: Path) -> None:
    held = Held(3, _digest(3), SHA, 'rolled back by mona: it\'s "odd" #1')
    full = _pointer(2, previous=Previous(1, _digest(1)), held=(held,), pull_request=7)
    pointer.write(tmp_path / "production.yaml", full)
    assert pointer.read(tmp_path / "production.yaml") == full
    assert pointer.read(tmp_path / "staging.yaml") is None


@pytest.mark.parametrize("text", ["", "[]", "version: 1", "a: [", "model: churn\nversion: 0", "!!python/object:os.system x"])
def test_a_broken_pointer_is_one_line(text: str) -> None:
    with pytest.raises(PointerError) as caught:
        pointer.parse(text, "models/production.yaml")
    assert str(caught.value).startswith("models/production.yaml is not a pointer file: ")
    assert "\n" not in str(caught.value)


def test_one_version_per_digest_and_the_next_integer(git: Git) -> None:
    assert history.version_of(_digest(9), []) == 1
    for version in (1, 2, 3):
        _record(git, _pointer(version))
    _record(git, _pointer(1, held=(Held(3, _digest(3), SHA, "x"),)))
    known = history.entries(PATH)
    assert history.version_of(_digest(2), known) == 2
    assert history.version_of(_digest(9), known) == 4, "a rollback does not free version 3"


def test_states_that_are_no_pointer_are_left_out_of_the_history(git: Git, commit: Commit, capsys: pytest.CaptureFixture[str]) -> None:
    pointer.write(PATH, _pointer(1))
    commit("Promote")
    PATH.write_text("<<<<<<< edited by hand\n")
    commit("Break")
    pointer.write(PATH, _pointer(2))
    commit("Promote again")
    assert [entry.pointer.version for entry in history.entries(PATH)] == [2, 1]
    assert "left out: models/production.yaml at" in capsys.readouterr().out


def test_rollback_targets(git: Git) -> None:
    _record(git, _pointer(1))
    _record(git, _pointer(2, previous=Previous(1, _digest(1))))
    known, now = history.entries(PATH), _pointer(2, previous=Previous(1, _digest(1)))
    assert rollback._target(now, "previous", known, "production").pointer.digest == _digest(1)
    assert rollback._target(now, "1", known, "production").pointer.version == 1
    refused = {"2": "is on version 2 already", "7": "never had version 7; it had 1, 2", "v1": "neither a number nor 'previous'"}
    for wanted, words in refused.items():
        with pytest.raises(RollbackError, match=words):
            rollback._target(now, wanted, known, "production")
    with pytest.raises(RollbackError, match="no previous one"):
        rollback._target(_pointer(1), "previous", known, "production")


def test_rollback_holds_what_it_leaves_and_lifts_what_it_restores() -> None:
    now = _pointer(3, held=(Held(2, _digest(2), SHA, "earlier"),))
    new = restore.restored(_pointer(2), now, Held(3, _digest(3), SHA, "now"))
    assert (new.version, [item.version for item in new.held]) == (2, [3])


PARAMS = (Path(params.__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("{environments: [staging]}", "promotion.environments must end in 'production', where a model goes last, not ['staging']"),
        ("{environments: [staging, staging, production]}", "promotion.environments[1] 'staging' is listed twice; delete one"),
        ("{environments: [My env, production]}", "promotion.environments[0] 'My env' must be small letters, digits, '-' and '_'"),
        ("{push: pull-requests}", "promotion.push 'pull-requests' is not known (did you mean 'pull-request'?)"),
        ("{pish: direct}", "promotion.pish is not a known key (did you mean 'push'?)"),
        ("{image: acme/churn}", "promotion.image must be 'none' or a repository of a registry, in small letters and without a tag"),
        ("{image: 'ghcr.io/Acme/churn'}", "such as 'ghcr.io/owner/name', not 'ghcr.io/Acme/churn'"),
        ("{image: 'ghcr.io/acme/churn:latest'}", "not 'ghcr.io/acme/churn:latest'"),
        ("{image: 'ghcr.io'}", "not 'ghcr.io'"),
    ],
)
def test_a_wrong_promotion_block_is_one_line(block: str, words: str) -> None:
    text = PARAMS[: PARAMS.index("\npromotion:")] + f"\npromotion: {block}\n"
    with pytest.raises(params.ParamsError) as caught:
        params.parse(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("image", ["none", "ghcr.io/acme/churn", "127.0.0.1:5000/churn", "localhost/a/b_c", "registry:5000/a.b--c"])
def test_repositories_of_registries(image: str) -> None:
    text = PARAMS[: PARAMS.index("\npromotion:")] + f"\npromotion: {{image: '{image}'}}\n"
    assert params.parse(text).promotion.image == image


def test_a_commit_on_main_changes_its_files_and_no_others(git: Git, commit: Commit) -> None:
    base = commit(models__production_dot_yaml="old\n", models__card_dot_md="card\n", README_dot_md="read\n")
    Path("README.md").write_text("a change that nobody committed\n")
    made = main_branch.commit_on(base, {"models/production.yaml": "new\n", "a/b/c.txt": "deep\n", "dvc.lock": "lock\n"}, "Promote")
    changed = git("diff", "--name-only", base, made).split()
    assert changed == ["a/b/c.txt", "dvc.lock", "models/production.yaml"]
    assert git("show", f"{made}:a/b/c.txt") == "deep"
    assert git("rev-parse", f"{made}^") == base == git("rev-parse", "HEAD"), "neither the branch nor the working tree moved"
    assert main_branch.commit_on(made, {"dvc.lock": "lock\n"}, "Again") == made, "what main has already makes no commit"


def test_a_clone_follows_main_up_to_other_inputs(git: Git, commit: Commit, capsys: pytest.CaptureFixture[str]) -> None:
    """Else a bundle trained before would pass for what main's new inputs make."""
    first = commit(params_dot_yaml="C: 1\n", models__production_dot_yaml="old\n")
    promoted = main_branch.commit_on(first, {"models/production.yaml": "new\n"}, "Promote")
    main_branch.follow(promoted)
    assert git("rev-parse", "HEAD") == promoted
    assert PATH.read_text() == "new\n"
    main_branch.follow(main_branch.commit_on(promoted, {"params.yaml": "C: 2\n"}, "Merge"))
    assert git("rev-parse", "HEAD") == promoted
    assert Path("params.yaml").read_text() == "C: 1\n"
    assert "with other inputs than this clone; `git pull` brings it there" in capsys.readouterr().out
