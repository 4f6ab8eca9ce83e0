"""Stage 5: the model card, written from the bundle and its metrics."""

import json
from typing import Any

import jinja2

from .. import bundle, params, run
from . import BUNDLE, CARD, METRICS


def main() -> None:
    """Write ``models/card.md``."""
    CARD.write_text(card(bundle.load(BUNDLE), json.loads(METRICS.read_bytes()), params.load()), encoding="utf-8")


def card(made: bundle.Bundle, found: dict[str, Any], chosen: params.Params) -> str:
    """The card in Markdown: the same bundle, metrics and parameters give the same text."""
    environment = jinja2.Environment(  # noqa: S701 - this is Markdown; `cell` escapes what comes from data
        loader=jinja2.PackageLoader(__package__, "."),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    template = environment.get_template("card.md.j2")
    return template.render(bundle=made, manifest=made.manifest, contract=made.contract, found=found, params=chosen)


def _cell(value: object) -> str:
    """A value for a table of Markdown."""
    if value is None:
        return "not defined"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


if __name__ == "__main__":
    run(main)
