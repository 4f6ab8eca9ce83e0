"""The model card: what it says must be what the judgement and the bundle say, whatever a pull request brings."""

import re
from pathlib import Path

import pytest
import yaml
from churn.bundle import Bundle, Manifest
from churn.contract import Column, Contract
from churn.review import Estimate, Metric, Override, Review
from churn.review.report import card
from report_kit import DIGEST, OTHER, monster, review, rows


def bundle(problem: str = "binary", classes: tuple[str, ...] = ("No", "Yes"), positive: str | None = "Yes") -> Bundle:
    columns = (Column("tenure", "integer", 0, 120), Column("plan", "category", categories=("a", "b | @c"), missing=True))
    contract = Contract("churn", ("tenure",), ("plan",), columns, classes, positive)
    chosen = {"estimator": "LogisticRegression", "parameters": {"C": 0.5}}
    manifest = Manifest("churn", problem, {}, 0.3127, OTHER, chosen, {"numpy": "2.4.0"})
    return Bundle(Path("models/bundle"), manifest, contract, {"rows": 4600}, {}, DIGEST, b"")


def test_the_card_has_front_matter_for_model_hubs() -> None:
    _, front, body = card.render(review(), bundle(), version=4, commit="c" * 40).split("---\n", 2)
    told = yaml.safe_load(front)
    assert (told["library_name"], told["pipeline_tag"], told["language"]) == ("onnx", "tabular-classification", "en")
    (result,) = told["model-index"][0]["results"]
    assert result["task"] == {"type": "tabular-classification"}
    assert result["dataset"]["revision"] == OTHER
    assert result["metrics"][0] == {"type": "roc_auc", "name": "ROC AUC", "value": 0.8523}
    assert body.startswith("\n# Model card: `churn`\n")


def test_the_card_says_what_the_judgement_and_the_bundle_say() -> None:
    made = card.render(review(override=Override("mona", "the fair", "hold")), bundle(), version=4, commit="c" * 40, target="churn")
    found = rows(made)
    assert ["version", "4"] in found
    assert ["digest", f"`{DIGEST}`"] in found
    assert ["`tenure`", "integer", "0 to 120", "no"] in found
    assert ["`plan`", "category", "`a`, `b ¦ @c`", "yes"] in found
    assert ["ROC AUC", "0.8523 [0.8323, 0.8723]"] in found
    assert "a row is predicted so when it is at least 0.3127" in made
    assert "trained on 4,600 rows, tested on 1,409" in made
    assert "**The gates were overridden** by `mona`" in made
    assert "$ git checkout " + "c" * 40 in made
    assert "`LogisticRegression` that tells the probability of `Yes` (`churn`) from 2 columns. ROC AUC 0.8523 [0.8323, 0.8723]" in made
    assert f'load("models/bundle", "{DIGEST}")' in made, "who follows the card gets this bundle or an error"
    limits = made.split("## Limits\n")[1].split("\n## ")[0]
    assert "Too few test rows (under 100) to say how well it does for `contract=One year`." in limits
    assert "Weaker than over all rows, by the interval of ROC AUC, for `senior=1`, `first year`." in limits
    assert "had drifted from main's in `charges`" in limits
    assert "The gap of `senior` in equal opportunity is 0.115 [0.045, 0.185]." in limits


@pytest.mark.parametrize(
    ("problem", "classes", "positive", "words"),
    [("multi-class", ("x", "y", "z"), None, "the probability of each of `x`, `y`, `z`"), ("regression", (), None, "**Out:** a number.")],
)
def test_the_card_of_the_other_problems_made_at_home(problem: str, classes: tuple[str, ...], positive: str | None, words: str) -> None:
    made = card.render(
        Review(verdict="promote", problem=problem, metrics=[Metric("rmse", Estimate(3.2))]), bundle(problem, classes, positive)
    )
    assert words in made
    assert "| version | not promoted |" in made


def test_the_card_keeps_foreign_text_as_text() -> None:
    made = card.render(monster(), bundle())
    front = made.split("---\n")[1]
    assert yaml.safe_load(front)["tags"] == ["onnx", "onnxruntime", "tabular", "binary-classification"]
    outside = re.sub(r"`[^`\n]*`", "", made.split("---\n", 2)[2])
    assert not re.search(r"@everyone|<script|!\[|</details", outside)
