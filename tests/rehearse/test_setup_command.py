"""`make github` of a generated repository: the plan, the doing, and that a second time finds nothing to do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from rehearse import LocalGitHub, Repository, World

from ..conftest import BakedProject

OWNER = "acme"
PUSHES = ["direct", "deploy-key", "pull-request"]


@dataclass
class Place:
    """A generated repository, its administrator's clone and the GitHub that both are on."""

    hub: LocalGitHub
    repo: Repository
    project: BakedProject
    env: dict[str, str]
    temporary: Path
    more: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command as the Makefile runs it."""
        command = [sys.executable, "-m", "churn.on_github", *arguments]
        return subprocess.run(command, cwd=self.project.root, env=self.env | self.more, capture_output=True, text=True, check=False)

    def good(self, *arguments: str) -> str:
        """What it printed; it must end well."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    def choose(self, old: str, new: str) -> None:
        """Change ``params.yaml``."""
        path = self.project.root / "params.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def changes(self) -> list[str]:
        """The requests that change something, so far."""
        return [one["name"] for one in self.hub.requests if one["method"] not in ("GET", "HEAD")]

    def ruleset(self, name: str) -> dict[str, object]:
        """A rule set by its name."""
        (found,) = (one for one in self.repo.state.rulesets.values() if one["name"] == name)
        return found


@pytest.fixture
def place(new_repository: Callable[[str], BakedProject], tmp_path: Path) -> Iterator[Place]:
    """A repository of an organisation that may do everything, with the settings that new ones have."""
    project, world, temporary = new_repository("telco-churn"), World.create(tmp_path / "world"), tmp_path / "tmp"
    temporary.mkdir()
    with LocalGitHub(world) as hub:
        repo = hub.create_repository(OWNER, "telco-churn")
        repo.state.organisation, repo.state.plan, repo.state.actions.opens_pulls = True, "enterprise", False
        token = hub.person("ada", write_to=[repo.full_name], admin=True)
        project.run("git", "remote", "add", "origin", repo.url)
        env = world.env(token) | {"PYTHONPATH": str(project.root / "src"), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(temporary)}
        yield Place(hub, repo, project, env, temporary)


def lines(text: str, kind: str) -> list[str]:
    return [line.strip().removeprefix(kind).strip() for line in text.splitlines() if line.strip().startswith(f"{kind} ")]


@pytest.mark.parametrize("push", PUSHES)
def test_the_plan_changes_nothing_and_a_second_time_finds_nothing_to_do(place: Place, push: str) -> None:
    place.choose("push: direct", f"push: {push}")
    place.repo.state.actions.token = "write"
    plan = place.good()
    assert place.changes == []
    done = place.good("--yes")
    assert lines(done, "done") == lines(plan, "to do") != []
    assert f"This is the plan, nothing was changed: {len(lines(plan, 'to do'))} changes" in plan
    assert f"Made {len(lines(done, 'done'))} changes" in done
    before = place.changes
    assert "Nothing was changed: what can be set is set" in place.good("--yes")
    assert "Nothing to change: what can be set is set" in place.good()
    assert place.changes == before
    _is_what_promotion_needs(place, push)


def _is_what_promotion_needs(place: Place, push: str) -> None:
    state = place.repo.state
    assert {name: one.branches for name, one in state.environments.items()} == {"staging": ["main"], "production": ["main"]}
    assert list(state.labels) == ["promote anyway"]
    assert (state.actions.token, state.actions.opens_pulls) == ("read", push == "pull-request")
    kinds = {name: [rule["type"] for rule in one["rules"]] for one in state.rulesets.values() for name in [one["name"]]}
    check = ["deletion", "non_fast_forward", "required_status_checks"]
    assert kinds == (
        {"model review": check} if push == "direct" else {"model review": [*check, "pull_request"], "merge queue": ["merge_queue"]}
    )
    keys_pass = [actor["actor_type"] for actor in place.ruleset("model review")["bypass_actors"]]
    assert keys_pass == (["DeployKey"] if push == "deploy-key" else [])
    assert [(key.title, key.read_only) for key in state.keys] == ([("promotion", False)] if push == "deploy-key" else [])


def pair_is_whole(place: Place) -> bool:
    """Whether the secret is the private half of the one deploy key."""
    (key,) = place.repo.state.keys
    private = load_ssh_private_key(place.repo.state.secrets["PROMOTION_KEY"].encode(), None)
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode().split() == key.key.split()[:2]


def test_the_private_half_is_in_the_secret_and_nowhere_else(place: Place) -> None:
    place.choose("push: direct", "push: deploy-key")
    told = place.good("--yes")
    assert pair_is_whole(place)
    assert list(place.temporary.iterdir()) == []
    assert "PRIVATE KEY" not in told
    assert place.project.run("git", "status", "--porcelain", "--ignored").stdout.split("\n")[:-1] == [" M params.yaml"]


@pytest.mark.parametrize("name", [r"PUT .*/secrets/PROMOTION_KEY$", r"POST .*/keys$", r"DELETE .*/keys/\d+$"])
def test_half_a_pair_is_made_anew(place: Place, name: str) -> None:
    """GitHub has trouble in the middle: one line, and the next time ends with one whole pair."""
    place.choose("push: direct", "push: deploy-key")
    if name.startswith("DELETE"):
        place.good("--yes")
        del place.repo.state.secrets["PROMOTION_KEY"]
    method, _, path = name.partition(" ")
    place.hub.fail(method, path, 502, times=1)
    first = place.run("--yes")
    assert "Traceback" not in first.stdout + first.stderr
    assert (first.returncode == 1 and first.stderr.startswith("error: GitHub refused ")) or "refused  deploy key" in first.stdout
    place.good("--yes")
    assert pair_is_whole(place)
    assert "Nothing was changed" in place.good("--yes")


def test_what_the_plan_or_the_account_does_not_allow_is_told_and_the_rest_goes_on(place: Place) -> None:
    place.choose("push: direct", "push: pull-request")
    place.repo.state.plan = "free"
    for told in (place.good("--yes"), place.good("--yes")):
        refused = lines(told, "refused")
        assert [line.partition(":")[0] for line in refused] == [
            "environment 'staging'",
            "environment 'production'",
            "rule set",
            "merge queue",
        ]
        assert "supports the branch policy protection rule. (HTTP 422); instead: go on without" in refused[0]
        assert "Upgrade to GitHub Team or make this repository public to enable this feature. (HTTP 403); instead: " in refused[2]
        assert told.splitlines()[-1].endswith("; 4 refused")
    assert told.splitlines()[-1].startswith("Nothing was changed")
    assert list(place.repo.state.labels) == ["promote anyway"]
    place.repo.state.plan = "team"
    told = place.good("--yes")
    assert ["Invalid rule 'merge_queue': (HTTP 422)" in line for line in lines(told, "refused")] == [True]
    assert [one["name"] for one in place.repo.state.rulesets.values()] == ["model review"]
    place.repo.state.organisation = False
    assert "merge queue: GitHub has it for repositories of organisations only" in place.good()


def test_a_public_repository_of_a_person(place: Place) -> None:
    state = place.repo.state
    state.organisation, state.plan, state.private = False, "free", False
    state.actions.fork_approval = "first_time_contributors_new_to_github"
    told = place.good("--yes")
    assert lines(told, "refused") == []
    assert state.actions.fork_approval == "first_time_contributors"
    assert "Nothing was changed" in place.good("--yes")


def test_who_is_no_administrator_or_nobody_is_told_so_in_one_line(place: Place) -> None:
    for token, why in (
        (place.hub.person("mona", write_to=[place.repo.full_name]), "can be set up by its administrators only"),
        ("ghp_wrong", "the token is wrong or has expired"),
    ):
        place.more = {"GH_TOKEN": token}
        done = place.run("--yes")
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(rf"error: .*{why}.*\n", done.stderr)
    assert place.changes == []


def test_without_gh_a_person_is_told_what_to_do(place: Place, tmp_path: Path) -> None:
    place.choose("push: direct", "push: deploy-key")
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("git", "ssh-keygen"):
        (folder / name).symlink_to(shutil.which(name) or name)
    place.more = {"PATH": str(folder)}
    told = place.good("--yes")
    assert lines(told, "by hand")[0].startswith("deploy key: gh is not installed here")
    assert 'ssh-keygen -t ed25519 -N "" -C promotion -f key' in told
    assert place.repo.state.keys == []
    assert told.splitlines()[-1].endswith("; 1 by hand")


def test_what_people_set_stricter_or_switched_off_stays(place: Place) -> None:
    place.choose("push: direct", "push: pull-request")
    place.good("--yes")
    state = place.repo.state
    reviewers = {"type": "required_reviewers", "prevent_self_review": True, "reviewers": [{"type": "User", "reviewer": {"id": 7}}]}
    state.environments["production"].rules = [{"type": "wait_timer", "wait_timer": 30}, reviewers]
    state.environments["production"].branches = None
    review = place.ruleset("model review")
    rules = {rule["type"]: rule for rule in review["rules"]}
    rules["pull_request"]["parameters"]["required_approving_review_count"] = 2
    rules["required_status_checks"]["parameters"]["required_status_checks"] = [{"context": "lint"}]
    place.ruleset("merge queue")["enforcement"] = "disabled"
    told = place.good("--yes")
    assert len(lines(told, "done")) == 2, told
    assert "rule set 'merge queue': it is there but not active" in told
    production = state.environments["production"]
    assert production.branches == ["main"]
    assert [{key: value for key, value in rule.items() if key != "id"} for rule in production.rules] == [
        {"type": "wait_timer", "wait_timer": 30}, reviewers
    ]  # fmt: skip
    now = {rule["type"]: rule["parameters"] for rule in place.ruleset("model review")["rules"] if "parameters" in rule}
    assert now["pull_request"]["required_approving_review_count"] == 2
    assert [one["context"] for one in now["required_status_checks"]["required_status_checks"]] == ["lint", "model review"]
    assert place.ruleset("merge queue")["enforcement"] == "disabled"
    assert "Nothing was changed" in place.good("--yes")


def test_a_rule_in_the_way_of_a_direct_push_is_told(place: Place) -> None:
    place.choose("push: direct", "push: pull-request")
    place.good("--yes")
    place.choose("push: pull-request", "push: direct")
    told = "\n".join(lines(place.good(), "look"))
    for what in ("a pull request", "the merge queue"):
        assert f"main: a rule set of the repository asks for {what}, so that promotion cannot push" in told


def test_a_key_that_nothing_needs_any_more_is_told(place: Place) -> None:
    place.choose("push: direct", "push: deploy-key")
    place.good("--yes")
    place.choose("push: deploy-key", "push: pull-request")
    assert "deploy key 'promotion': nothing needs it with promotion.push: pull-request; delete it" in place.good("--yes")
    assert len(place.repo.state.keys) == 1


def test_secrets_that_are_missing_are_told_by_what_params_say(place: Place) -> None:
    everything = place.good()
    assert lines(everything, "missing") == []
    place.choose("image: none", "image: registry.example.com/team/churn")
    config = place.project.root / ".dvc/config"
    config.write_text(config.read_text(encoding="utf-8").replace("url = ../.dvc-store", "url = s3://bucket/models"), encoding="utf-8")
    place.repo.add_variable("STORE_READ_ROLE", "arn")
    told = place.good()
    assert [line.partition(":")[0] for line in lines(told, "missing")] == [
        "variable STORE_WRITE_ROLE", "variable REGISTRY_USER", "secret REGISTRY_PASSWORD"
    ]  # fmt: skip
    assert told.splitlines()[-1].endswith("; 3 missing")


def test_every_name_that_a_workflow_reads_is_known(default_bake: BakedProject) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (default_bake.root / ".github").rglob("*.yml"))
    read = {("secret" if kind == "secrets" else "variable", name) for kind, name in re.findall(r"\b(secrets|vars)\.([A-Z_]+)", text)}
    known = re.findall(r'Name\("(secret|variable)", "([A-Z_]+)"', default_bake.text("src/churn/on_github/names.py"))
    assert {*known, ("secret", "PROMOTION_KEY")} == read


def test_what_is_set_up_is_what_review_and_promotion_ask_for(default_bake: BakedProject) -> None:
    ours = re.search(
        r'^MAIN, STATUS, LABEL, KEY = "(.*)", "(.*)", "(.*)", "(.*)"$', default_bake.text("src/churn/on_github/__init__.py"), re.M
    )
    theirs = [("registry/main_branch.py", "BRANCH"), ("registry/__init__.py", "STATUS"), ("review/post.py", "STATUS")]
    theirs += [("review/override.py", "LABEL"), ("registry/protected.py", "KEY")]
    found = [re.search(rf'^{name} = "(.*)"$', default_bake.text(f"src/churn/{file}"), re.M) for file, name in theirs]
    assert ours is not None
    assert [one and one[1] for one in found] == [ours[1], ours[2], ours[2], ours[3], ours[4]]


def test_an_argument_that_is_none_is_refused(place: Place) -> None:
    done = place.run("--really")
    assert (done.returncode, done.stderr) == (1, "error: on_github: say nothing to see the plan, or `--yes` to have it done\n")
