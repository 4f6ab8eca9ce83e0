"""Comments as GitHub would read and show them: GFM, its sanitiser, an older and a newer Mermaid, Chromium."""

import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from rehearse.pictures import page
from rehearse.pictures.__main__ import VIEWS, draw, told
from rehearse.pictures.cases import cases
from rehearse.pictures.comments import REVIEWS, comments
from rehearse.pictures.node import run_script
from rehearse.pictures.real import write
from scenarios import picture

from ..conftest import ROOT, BakedProject

KINDS = sorted(REVIEWS.glob("*.json"))
NASTY = "|`<script>alert(1)</script>`|@everyone ![x](https://x.example/x.png) [x](javascript:1) fixes #1\n\n# ü𝕏 </details> " * 50


@pytest.fixture(scope="module")
def texts(default_bake: BakedProject) -> dict[str, str]:
    """The comment of each kept judgement."""
    return comments(default_bake.package, KINDS)


def test_the_kept_judgements_show_each_kind_of_end() -> None:
    reviews = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in KINDS}
    verdicts = {kind: found["verdict"] for kind, found in reviews.items()}
    assert verdicts == {"binary": "promote", "multi-class": "hold", "regression": "promote"}
    assert [gate["outcome"] for gate in reviews["regression"]["gates"]].count("warn") == 1
    for kind, found in reviews.items():
        assert found["problem"] == kind
        assert found["merge"]["version"] == len(found["history"]) + 1 == found["champion"]["version"] + 1
        assert found["cost"]["runner"].startswith("at home: ")
        assert not re.search(r"/(tmp|home|root|work|Users)/", json.dumps(found)), "a machine's path"


def test_what_differs_in_a_step_of_a_case_is_all_that_is_written(default_bake: BakedProject, tmp_path: Path) -> None:
    bake = default_bake.copy(tmp_path / "bake")
    content = bake.text("data/telco_churn.csv")
    before = cases(bake.root)["binary"]
    write(before, before.steps[0], content, bake.root)
    assert bake.text("data/telco_churn.csv") == "".join(content.splitlines(keepends=True)[:-60])
    assert bake.yaml("params.yaml") == before.params | before.steps[0].changed
    write(before, before.steps[-1], content, bake.root)
    assert bake.text("data/telco_churn.csv") == content
    assert bake.yaml("params.yaml")["features"] == before.params["features"]


def check(given: dict[str, str]) -> dict[str, list[str]]:
    return run_script("check.mjs", given)


def test_older_and_newer_mermaid_read_every_chart(texts: dict[str, str], default_bake: BakedProject) -> None:
    assert {path.stem for path in KINDS} == {"binary", "multi-class", "regression"}
    assert {name: text.count("```mermaid") for name, text in texts.items()} == {"binary": 3, "multi-class": 1, "regression": 2}
    whole = comments(default_bake.package, KINDS, "summary")
    found = check(texts | {f"{name} in full": text for name, text in whole.items()})
    assert len(found) == 6
    assert not any(found.values()), found


def test_a_chart_that_mermaid_cannot_read_is_told(texts: dict[str, str]) -> None:
    (told,) = check({"broken": texts["binary"].replace("  line [", "  line (", 1)}).values()
    assert [problem.split(": ")[:2] for problem in told] == [["mermaid-10", "block 1"], ["mermaid", "block 1"]]


PLANTED = {
    "thanks @mona": "mention",
    "fixes #12": "mention",
    "<script>alert(1)</script>": "html",
    "<img src=x>": "html",
    "![](https://x.example/x.png)": "image",
    "[x](https://x.example)": "link",
    "www.x.example": "link",
}


def test_what_must_not_be_in_a_comment_is_told() -> None:
    told = check({planted: f"| a | b |\n|---|---|\n| {planted} | x |\n" for planted in PLANTED})
    assert {planted: problems[0].split(":")[0] for planted, problems in told.items()} == PLANTED


def test_a_row_that_fell_out_of_its_table_is_told() -> None:
    (told,) = check({"broken": "| a |\n|---|\n| 1 |\n\n| 2 |\n"}).values()
    assert told == ["table: a row that is in no table: | 2 |"]


def _poison(value: Any, fixed: frozenset[str], key: str = "", number: list[int] | None = None) -> Any:
    """Every free text of a judgement made nasty, each a little different."""
    count = [0] if number is None else number
    if isinstance(value, dict):
        return {name: _poison(item, fixed, name, count) for name, item in value.items()}
    if isinstance(value, list):
        return [_poison(item, fixed, key, count) for item in value]
    if not isinstance(value, str) or key in fixed:
        return value
    count[0] += 1
    return f"{NASTY[count[0] % 90 :][:5000]}{count[0]}"


FIXED = frozenset({"verdict", "problem", "headline", "kind", "outcome", "method", "measure", "digest", "head_sha", "data_digest"})


@pytest.mark.parametrize("kind", [path.stem for path in KINDS])
def test_names_full_of_markdown_bring_nothing_in(kind: str, default_bake: BakedProject, tmp_path: Path) -> None:
    known = json.loads((REVIEWS / f"{kind}.json").read_text(encoding="utf-8"))
    poisoned = _poison(known | {"reasons": ["x"] * 5, "notes": ["x"] * 5, "verdict": "hold"}, FIXED)
    for part in ("importance", "slices", "parameters", "gates"):
        assert known[part], f"the judgement of {kind} has no {part} to make nasty"
        poisoned[part] = [_poison(item, FIXED, part, [place]) for place, item in enumerate(poisoned[part] * (300 // len(poisoned[part])))]
    (tmp_path / "nasty.json").write_text(json.dumps(poisoned), encoding="utf-8")
    (text,) = comments(default_bake.package, [tmp_path / "nasty.json"]).values()
    assert 10_000 < len(text.encode("utf-16-le")) // 2 <= 65_000
    assert check({"nasty": text}) == {"nasty": []}


def test_a_comment_is_drawn_without_any_other_host(texts: dict[str, str], chromium: str, tmp_path: Path) -> None:
    found = draw({"binary": texts["binary"]}, tmp_path, chromium, {"dark": VIEWS["dark"]})
    assert found == {"binary-dark": []}
    data = (tmp_path / "binary-dark.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert width == 880
    assert height > 2000


def test_a_short_text_is_a_short_picture(chromium: str, tmp_path: Path) -> None:
    found = draw({"scenarios": picture.comment()}, tmp_path, chromium, {"light": VIEWS["light"]})
    assert found == {"scenarios-light": []}
    width, height = struct.unpack(">II", (tmp_path / "scenarios-light.png").read_bytes()[16:24])
    assert width == 880
    assert height < 800


def test_a_foreign_image_and_a_broken_chart_are_told(texts: dict[str, str], chromium: str, tmp_path: Path) -> None:
    broken = f"![](https://x.example/x.png)\n\n{re.sub('line', 'lime', texts['regression'])}"
    (told,) = draw({"x": broken}, tmp_path, chromium, {"light": VIEWS["light"]}).values()
    assert "asks for https://x.example/x.png" in told
    assert [problem.split(":")[0] for problem in told if problem.startswith("chart")] == ["chart 1", "chart 2"]


def test_what_went_wrong_with_a_picture_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a-light", "a-dark"):
        (tmp_path / f"{name}.png").write_bytes(bytes(12_345))
    assert told({"a-light": [], "a-dark": []}, tmp_path) == 0
    assert capsys.readouterr().out == f"{tmp_path}/a-light.png, 12 kB\n{tmp_path}/a-dark.png, 12 kB\n"
    assert told({"a-light": [], "a-dark": ["asks for x", "too wide"]}, tmp_path) == 1
    assert capsys.readouterr().err == "error: a-dark: asks for x\nerror: a-dark: too wide\n"


def test_every_picture_of_the_documentation_is_kept() -> None:
    expected = {f"{path.stem}-{view}.png" for path in KINDS for view in VIEWS} | {f"page-{view}.png" for view in page.VIEWS}
    expected |= {f"scenarios-{view}.png" for view in picture.VIEWS}
    assert {path.name for path in (ROOT / "docs/pictures").glob("*.png")} == expected
