"""Prints what the code of a baked default project says about itself, as JSON; run in its folder, with its ``src`` on the path.

Nothing is trained: what the server says is made from the contract in ``params.yaml``.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from churn import bundle, contract, gate, model, params, pointer
from churn.serving import Model, openapi

from reference import structs


def main() -> None:
    """Print the facts."""
    facts = {"params": _params(), "bundle": _bundle(), "pointer": structs.of(pointer.Pointer), "review": _review(), "server": _server()}
    json.dump(facts, sys.stdout)


def _params() -> dict[str, Any]:
    return {
        "structs": structs.of(params.Params),
        "gates": gate.__doc__,
        "metrics": gate.METRICS,
        "lower_is_better": sorted(gate.LOWER_IS_BETTER),
        "estimators": {name: entry.problems for name, entry in model.ESTIMATORS.items()},
    }


def _bundle() -> dict[str, Any]:
    return {
        "doc": bundle.__doc__,
        "files": [bundle.MANIFEST, *bundle.FILES],
        "largest_mb": bundle.LARGEST_FILE // 1024**2,
        "manifest": structs.of(bundle.Manifest),
        "contract": structs.of(contract.Contract),
        "histograms": _docstrings("pipeline/profile.py", ["profile_of", "predictions_of"]),
        "golden": _docstrings("pipeline/export.py", ["golden_rows"]),
        "candidate": _docstrings("candidate.py", ["pack"]),
    }


def _review() -> list[dict[str, Any]]:
    from churn import review

    return structs.of(review.Review)


def _server() -> dict[str, Any]:
    chosen = params.load()
    scorer: Any = SimpleNamespace(bundle=SimpleNamespace(contract=chosen.contract()), digest="sha256:…")
    told = openapi.document(Model(scorer, chosen.model.name, 1), secured=True)
    command = [sys.executable, "-m", "churn.serving", "--help"]
    wide = {**os.environ, "COLUMNS": "130", "NO_COLOR": "1"}
    return {"openapi": told, "help": subprocess.run(command, capture_output=True, text=True, check=True, env=wide).stdout}


def _docstrings(name: str, functions: list[str]) -> list[str]:
    """The docstrings of functions in a file that needs libraries for training to be imported."""
    package: ModuleType = sys.modules["churn"]
    tree = ast.parse((Path(str(package.__file__)).parent / name).read_text(encoding="utf-8"))
    found = {node.name: ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    return [found[function] or "" for function in functions]


if __name__ == "__main__":
    main()
