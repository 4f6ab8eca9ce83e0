"""The model card: the judgement and the bundle as a document for whoever may use the model.

Its front matter is that of model hubs (metadata of Hugging Face model cards, with a ``model-index``); its sections follow Mitchell
et al., "Model Cards for Model Reporting" (2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from ... import markdown
from .. import Review, Slice
from . import text
from .render import environment

if TYPE_CHECKING:
    from ...bundle import Bundle

_TASKS = {"binary": "tabular-classification", "multi-class": "tabular-classification", "regression": "tabular-regression"}

_KINDS = {"binary": "binary-classification", "multi-class": "multi-class-classification", "regression": "regression"}


def render(
    review: Review,
    made: Bundle,
    *,
    version: int | None = None,
    commit: str | None = None,
    target: str | None = None,
    data: str | None = None,
) -> str:
    """The card in Markdown: the same arguments give the same text.

    ``version`` is the one it is promoted as (None: not promoted), ``commit`` the commit of main that made it, ``target`` the column that it
    predicts and ``data`` the path of the raw data, where they are known.
    """
    template = environment().get_template("card.md.j2")
    body = template.render(
        review=review,
        bundle=made,
        manifest=made.manifest,
        contract=made.contract,
        version=version,
        commit=commit,
        target=target,
        data=data,
        estimator=str(made.manifest.parameters.get("estimator", "")),
        parameters=sorted((made.manifest.parameters.get("parameters") or {}).items()),
        objective=_objective(made),
        headline=text.headline(review),
        package=__name__.partition(".")[0],
        limits=limits(review),
    )
    return f"---\n{yaml.safe_dump(_front(review, made, data), sort_keys=False, allow_unicode=True, width=140)}---\n\n{body.strip()}\n"


def _objective(made: Bundle) -> str:
    """What the decision threshold was chosen for, as a person says it; empty where it is fixed."""
    name = (made.manifest.parameters.get("threshold") or {}).get("objective") or ""
    return markdown.NAMES.get(name, name.replace("_", " "))


def limits(review: Review) -> list[str]:
    """What the judgement says against relying on the model, one Markdown sentence each."""
    few = [part.name for part in review.slices if not part.judged]
    weak = [part.name for part in review.slices if part.judged and _weaker(part, review)]
    drifted = [column.name for column in review.data.columns if column.drifted] if review.data else []
    error = next((metric for metric in review.metrics if metric.name == "ece"), None)
    name = markdown.metric_name(review.headline)
    found = [
        (few, f"Too few test rows (under {review.min_n}) to say how well it does for {_codes(few)}."),
        (weak, f"Weaker than over all rows, by the interval of {name}, for {_codes(weak)}."),
        (drifted, f"The data it was made from had drifted from main's in {_codes(drifted)}."),
    ]
    sentences = [sentence for about, sentence in found if about]
    if error is not None and markdown.is_number(error.candidate.value):
        off = markdown.estimate_text(error.candidate, 3)
        sentences.append(f"Its probabilities are off by {off} on average (expected calibration error).")
    for gap in review.fairness:
        if gap.candidate.low is not None and gap.candidate.low > 0:
            size = markdown.estimate_text(gap.candidate, 3)
            sentences.append(f"The gap of {markdown.code(gap.column)} in {gap.measure.replace('_', ' ')} is {size}.")
    sentences += [f"Sign of leakage, {alarm.kind}: {markdown.words(alarm.detail)}." for alarm in review.alarms]
    return [*sentences, "Nothing is known beyond rows like the test rows, nor for values that the contract refuses."]


def _weaker(part: Slice, review: Review) -> bool:
    """Whether the whole interval of a slice's headline metric is on the wrong side of the value over all rows."""
    whole = text.headline(review)
    if part.metric is None or whole is None or whole.candidate.value is None:
        return False
    low, high = part.metric.candidate.low, part.metric.candidate.high
    if low is None or high is None:
        return False
    return high < whole.candidate.value if whole.higher_is_better else low > whole.candidate.value


def _codes(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(markdown.code(name) for name in names[:most]) + more


def _front(review: Review, made: Bundle, data: str | None) -> dict[str, Any]:
    task = _TASKS[made.manifest.problem]
    dataset = {"type": "tabular", "name": f"test rows of {data or made.manifest.model}", "revision": made.manifest.data_digest}
    metrics = [
        {"type": metric.name, "name": markdown.NAMES.get(metric.name, metric.name), "value": round(metric.candidate.value, 6)}
        for metric in review.metrics
        if markdown.is_number(metric.candidate.value)
    ]
    results = [{"task": {"type": task}, "dataset": dataset, "metrics": metrics}]
    return {
        "language": "en",
        "license": "other",
        "license_name": "see-repository",
        "license_link": "LICENSE",
        "library_name": "onnx",
        "pipeline_tag": task,
        "tags": ["onnx", "onnxruntime", "tabular", _KINDS[made.manifest.problem]],
        "model-index": [{"name": made.manifest.model, "results": results if metrics else []}],
    }
