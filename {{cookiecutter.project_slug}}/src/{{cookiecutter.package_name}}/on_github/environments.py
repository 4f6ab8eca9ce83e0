"""Environments of ``params.yaml: promotion.environments``, whose secrets only jobs of main read."""

from functools import partial
from typing import Any

from .. import github
from . import MAIN, Change, Found, Wanted

_MAIN_ALONE = {"protected_branches": False, "custom_branch_policies": True}


def look(wanted: Wanted) -> Found:
    """What environments lack. Who must approve and how long to wait is left as it is, and so is any choice of branches.

    "List environments" (``GET …/environments``), "List deployment branch policies"
    (``GET …/environments/{name}/deployment-branch-policies``).
    """
    there = {one["name"]: one for one in github.get_all("environments", "environments")}
    for name in wanted.params.promotion.environments:
        if name not in there:
            yield Change(f"environment '{name}': make it; only jobs of main may use it and its secrets", partial(_open_to_main, name, {}))
            continue
        policy = there[name].get("deployment_branch_policy")
        if policy is None:
            what = f"environment '{name}': only jobs of main may use it and its secrets, not those of every branch"
            yield Change(what, partial(_open_to_main, name, _kept(there[name])))
        elif policy["custom_branch_policies"] and not github.get_all(f"environments/{name}/deployment-branch-policies", "branch_policies"):
            yield Change(f"environment '{name}': let jobs of main use it, no branch may now", partial(_let_main_in, name))


def _open_to_main(name: str, kept: dict[str, Any]) -> None:
    """ "Create or update an environment" (``PUT …/environments/{name}``), then the branch."""
    github.send("PUT", f"environments/{name}", kept | {"deployment_branch_policy": _MAIN_ALONE})
    _let_main_in(name)


def _let_main_in(name: str) -> None:
    """ "Create a deployment branch policy" (``POST …/environments/{name}/deployment-branch-policies``)."""
    github.send("POST", f"environments/{name}/deployment-branch-policies", {"name": MAIN, "type": "branch"})


def _kept(environment: dict[str, Any]) -> dict[str, Any]:
    """What an update has to say again: it would reset what it does not name."""
    body: dict[str, Any] = {}
    for rule in environment.get("protection_rules", []):
        if rule["type"] == "wait_timer":
            body["wait_timer"] = rule["wait_timer"]
        elif rule["type"] == "required_reviewers":
            body["prevent_self_review"] = rule.get("prevent_self_review", False)
            body["reviewers"] = [{"type": one["type"], "id": one["reviewer"]["id"]} for one in rule["reviewers"]]
    return body
