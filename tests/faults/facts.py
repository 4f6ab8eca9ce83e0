"""What tests of promotion ask of a case."""

from __future__ import annotations

import json

from .kit import Case


def digests(case: Case) -> tuple[str, str]:
    """Of version 1, and of the candidate for version 2."""
    candidate = json.loads((case.scene.ready / "reports/review.json").read_text())["digest"]
    return case.repository.deployments[0].payload["digest"], candidate


def deployments(case: Case) -> list[tuple[str, str, str]]:
    """Those that began after version 1 was in production: environment, kind, state."""
    return [(one.environment, one.payload["kind"], one.state) for one in case.repository.deployments[2:]]


def params_text(case: Case) -> str:
    return case.repository.read("params.yaml") or ""


def planned(case: Case) -> str:
    """What a new runner would plan."""
    case.fresh_clone()
    return case.good("plan", "push").strip()
