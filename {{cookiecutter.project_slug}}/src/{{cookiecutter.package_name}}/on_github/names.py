"""Secrets and variables that the workflows read: which of them are missing, by their names alone."""

from collections.abc import Callable
from dataclasses import dataclass

from .. import github
from . import Found, Wanted, Word


@dataclass(frozen=True)
class Name:
    """A secret or variable of a workflow: what it is, when it is of use (always, without ``when``), and whether it must be there then."""

    kind: str
    name: str
    what: str
    when: Callable[[Wanted], bool] = lambda _: True
    must: bool = False


def _on_amazon(wanted: Wanted) -> bool:
    """Whether the store is in a bucket of AWS itself; other S3 has credentials of its own kind."""
    return wanted.store is not None and wanted.store.scheme == "s3" and "endpointurl" not in wanted.store.options


def _reads_amazon(wanted: Wanted) -> bool:
    looked_at = wanted.params.monitoring
    return _on_amazon(wanted) or any((place or "").startswith("s3://") for place in (looked_at.log, looked_at.labels, looked_at.data))


def _elsewhere(wanted: Wanted) -> bool:
    """Whether images go to a registry that does not know a job's own token."""
    image = wanted.params.promotion.image
    return image != "none" and not image.startswith("ghcr.io/")


# PROMOTION_KEY is not here: deploy_key.py makes it.
NAMES = (
    Name("variable", "STORE_WRITE_ROLE", "the AWS role with which promotion and rollback write the store", _on_amazon, must=True),
    Name("variable", "STORE_READ_ROLE", "the AWS role with which training, review and monitoring read", _reads_amazon, must=True),
    Name("variable", "STORE_REGION", "the region of these roles, where it is not us-east-1", _reads_amazon),
    Name("variable", "REGISTRY_USER", "who signs in to the registry of promotion.image", _elsewhere, must=True),
    Name("secret", "REGISTRY_PASSWORD", "that user's password or token", _elsewhere, must=True),
    Name("secret", "RETRAIN_TOKEN", "whose pull requests start workflows by themselves", lambda wanted: wanted.params.monitoring.retrain),
    Name("variable", "PRODUCTION_URL", "where production answers, if a job can ask it"),
    Name("secret", "SLACK_WEBHOOK", "where Slack takes messages about promotions"),
    Name("secret", "WEBHOOK_URL", "where Teams, or any other receiver of JSON, takes them"),
    Name("variable", "ATTEST", "`true` signs the files of each release"),
)


def look(wanted: Wanted) -> Found:
    """ "List repository secrets" and "variables" (``GET …/actions/secrets``, ``…/actions/variables``), and those of the organisation.

    The latter two are ``GET …/actions/organization-secrets`` and ``…/actions/organization-variables``: what it shares with this repository.
    """
    there = {kind: _there(wanted, f"{kind}s") for kind in ("secret", "variable")}
    for one in NAMES:
        if one.when(wanted) and one.name not in there[one.kind]:
            yield Word("missing" if one.must else "optional", f"{one.kind} {one.name}: {one.what}; `gh {one.kind} set {one.name}`")


def _there(wanted: Wanted, kind: str) -> set[str]:
    places = [f"actions/{kind}", *([f"actions/organization-{kind}"] if wanted.organisation else [])]
    return {one["name"] for place in places for one in github.get_all(place, kind)}
