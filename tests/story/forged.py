"""Rewritten machines: workflows and a Makefile that train nothing and hand over what they like."""

from pathlib import Path

TRAIN = ".github/workflows/train.yml"
# All but the plain one start from a real candidate: the bundle and the metrics that production has.
_REAL = """\
git fetch -q origin refs/dvc/store
git archive FETCH_HEAD bundles | tar -x
mkdir candidate
mv bundles/* candidate/bundle
cp models/metrics.json candidate/metrics.json
"""
WORKFLOWS = {
    "another-model": _REAL,
    "forged-metrics": _REAL + "sed -i -E 's/0\\.[0-9]{2,}/0.99/' candidate/metrics.json\n",
    "forged-test-set": _REAL + "mkdir candidate/prepared\nhead -50 data/*.csv > candidate/prepared/test.csv\n",
}
MAKEFILE = "rewritten-makefile"
_WORKFLOW = """\
name: train
on: {pull_request: {branches: [main]}}
permissions: {}
jobs:
  train:
    runs-on: ubuntu-24.04
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - run: |
%s
      - uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
        with: {name: candidate, path: candidate}
"""
_TARGETS = """\
guard:
	@true

plan-pull-request:
	@echo "train=true" >> "$$GITHUB_OUTPUT"

candidate:
	@mkdir -p candidate/bundle
	@echo '{"metrics": {"roc_auc": 0.99}}' > candidate/metrics.json
"""


def rewrite(folder: Path, case: str) -> str:
    """Rewrite one file of a working tree for a case; returns the file's name."""
    if case == MAKEFILE:
        (folder / "Makefile").write_text(_TARGETS, encoding="utf-8")
        return "Makefile"
    lines = "\n".join(f"          {line}" for line in WORKFLOWS[case].splitlines())
    (folder / TRAIN).write_text(_WORKFLOW % lines, encoding="utf-8")
    return TRAIN
