"""What the page shows of the model that is served, as plain data."""

from typing import Any

from ...bundle import Bundle
from ...contract import Column
from ...markdown import NAMES
from .. import Live, Model, identity

_EXAMPLES = 5


def about(live: Live, model: Model) -> dict[str, Any]:
    """Identity, facts, columns and example records of a model; ``problem`` says why the newest one is not served.

    ``metrics`` and ``card`` are those of its promotion, where the server follows one.
    """
    bundle, papers = model.scorer.bundle, live.papers
    known = papers if papers is not None and papers.digest == model.digest else None
    return {
        **identity(model),
        "problem": live.problem,
        "kind": bundle.contract.problem,
        "classes": bundle.contract.classes,
        "positive": bundle.contract.positive,
        "threshold": bundle.manifest.threshold,
        "data_digest": bundle.manifest.data_digest,
        "estimator": _text(bundle.manifest.parameters.get("estimator")),
        "rows": bundle.profile.get("rows"),
        "metrics": {NAMES.get(name, name): value for name, value in known.metrics.items()} if known else {},
        "card": known.card if known else None,
        "columns": [_column(column, bundle) for column in bundle.contract.columns],
        "examples": bundle.golden["records"][:_EXAMPLES],
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _column(column: Column, bundle: Bundle) -> dict[str, Any]:
    seen = (bundle.profile.get("features") or {}).get(column.name) or {}
    return {
        "name": column.name,
        "type": column.type,
        "min": column.min,
        "max": column.max,
        "categories": column.categories,
        "missing": column.missing,
        "usual": _usual(seen),
        "shares": _shares(seen),
    }


def _usual(seen: dict[str, Any]) -> list[float] | None:
    """The range of the middle eight tenths of the training rows, by a profile's histogram of deciles."""
    edges = seen.get("edges") or []
    return [edges[0], edges[-1]] if len(edges) == 9 else None


def _shares(seen: dict[str, Any]) -> dict[str, float]:
    """How often each category was in the training rows."""
    counts = seen.get("counts")
    if not isinstance(counts, dict) or not (total := sum(counts.values())):
        return {}
    return {name: count / total for name, count in counts.items()}
