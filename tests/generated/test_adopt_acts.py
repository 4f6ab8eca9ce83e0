"""``make adopt``: what it writes, what it never does, its sources and options, and the metric that the shipped data reach."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import kinds
import numpy as np
import pytest
import yaml
from adopt_kit import Adopt, adopting, former, rows_of, same_everywhere, table, trained, write
from churn import params
from churn.adopt import AdoptError, options, summary
from churn.adopt import write as writing
from conftest import Git
from planted import default, project

MOST_DIFFERENT = 0.01  # of the headline metric, from a contract that a person wrote


@pytest.fixture
def adopt(git: Git, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Adopt:
    former(Path.cwd())
    return adopting(monkeypatch, capsys)


def test_nothing_of_the_former_project_remains(adopt: Adopt, tmp_path: Path) -> None:
    for name in ("models/bundle/model.onnx", "data/prepared/train.csv", "reports/report.md", "models/model.joblib"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("penguins")
    before = params.load()
    made = adopt(write(table(), tmp_path / "orders.csv"), ABOUT="Predicts which orders are sold.")
    everything = "".join(path.read_text() for path in Path().rglob("*") if path.is_file() and ".git" not in path.parts)
    for word in ("bill_length_mm", "island", "penguin_id", "Adelie", "Chinstrap", "labels.csv", "Palmer", "species"):
        assert word not in everything
    assert not Path("data/penguins.csv").exists()
    assert not Path("models/bundle").exists()
    assert Path("README.md").read_text() == "# Penguins\n\n**The model:** Predicts which orders are sold.\n\nMore words.\n"
    assert 'description = "Predicts which orders are sold."' in Path("pyproject.toml").read_text()
    assert "orders.csv" in Path("data/SOURCE.md").read_text()
    now = made.chosen
    assert (now.seed, now.parity, now.model.name, now.promotion) == (before.seed, before.parity, before.model.name, before.promotion)
    assert (now.monitoring.labels, now.monitoring.log, now.money) == (None, "log", None)


def test_comments_of_the_parts_that_stay_are_kept_and_the_others_renewed(adopt: Adopt, git: Git, tmp_path: Path) -> None:
    shutil.copyfile(project() / "params.yaml", "params.yaml")
    shutil.copyfile(project() / "data/telco_churn.csv", "data/telco_churn.csv")
    git("add", "-A")
    git("commit", "-q", "-m", "telco", "--no-verify")
    before = Path("params.yaml").read_text()
    made = adopt(write(table(), tmp_path / "orders.csv"))
    comments = [line for line in before.splitlines() if line.startswith("#")]
    kept = [line for line in made.text.splitlines() if line.startswith("#")]
    gone = [line for line in comments if line not in kept]
    assert len(gone) == 2, gone  # what an offer costs, in the example of a telephone company
    assert "offer" in "".join(gone)
    again = adopt(write(table(), tmp_path / "orders.csv"), REPLACE="yes")
    assert again.text == made.text
    paragraphs = [block.splitlines()[0] for block in made.text.split("\n\n")]
    assert len(paragraphs) == len(before.split("\n\n"))


def test_dvc_reads_the_same_as_we(adopt: Adopt, tmp_path: Path) -> None:
    from ruamel.yaml import YAML

    columns = {**table(), "null": [("yes", "no", "1e5", "010", "~", "a: b #c", 'q"u', "\\", "ü", "1.0")[n % 10] for n in range(400)]}
    made = adopt(write(columns, tmp_path / "a.csv"), TEXT="null")
    theirs = YAML(typ="safe").load(made.text)
    assert tuple(theirs["columns"]["null"]["categories"]) == made.chosen.columns["null"].categories
    assert len(theirs["columns"]["null"]["categories"]) == 10
    assert theirs["data"] == yaml.safe_load(made.text)["data"]


@pytest.mark.parametrize("changed", ["params.yaml", "data/penguins.csv", "data/SOURCE.md", "README.md"])
def test_what_git_does_not_have_is_not_replaced(adopt: Adopt, tmp_path: Path, changed: str) -> None:
    path = write(table(), tmp_path / "orders.csv")
    with Path(changed).open("a") as stream:
        stream.write("\n")
    before = same_everywhere(Path.cwd())
    with pytest.raises(AdoptError, match=rf"{changed}: has changes that git does not have.*REPLACE=yes"):
        adopt(path)
    assert same_everywhere(Path.cwd()) == before
    adopt(path, REPLACE="yes")


def test_a_file_that_git_never_had_is_not_replaced(adopt: Adopt, tmp_path: Path) -> None:
    Path("data/orders.csv").write_text("mine")
    with pytest.raises(AdoptError, match=r"data/orders.csv: has changes that git does not have"):
        adopt(write(table(), tmp_path / "orders.csv"))
    assert Path("data/orders.csv").read_text() == "mine"


def test_former_data_that_dvc_keeps_goes_and_that_nobody_keeps_does_not(adopt: Adopt, git: Git, tmp_path: Path) -> None:
    data = Path("data/penguins.csv")
    md5 = hashlib.md5(data.read_bytes(), usedforsecurity=False).hexdigest()
    git("rm", "-q", "--cached", str(data))
    Path("data/.gitignore").write_text("/penguins.csv\n")
    Path("data/penguins.csv.dvc").write_text(f"outs:\n- md5: {md5}\n  path: penguins.csv\n")
    git("add", "-A")
    git("commit", "-q", "-m", "dvc", "--no-verify")
    path = write(table(), tmp_path / "orders.csv")
    with pytest.raises(AdoptError, match=r"data/penguins.csv: has changes that git does not have"):
        adopt(path)
    assert data.exists()
    cached = Path(".dvc/cache/files/md5", md5[:2], md5[2:])
    cached.parent.mkdir(parents=True)
    shutil.copyfile(data, cached)
    adopt(path)
    assert not data.exists()
    assert not Path("data/penguins.csv.dvc").exists()
    assert cached.exists()


def test_a_table_in_the_data_folder_is_used_in_place_or_left_beside(adopt: Adopt) -> None:
    plain = write({"order_id": range(400), **table()}, Path("data/orders.csv"))
    content = plain.read_bytes()
    assert adopt(plain).chosen.data.path == "data/orders.csv"
    assert plain.read_bytes() == content
    mixed = write({**table(), "price": [f"{1000 + n:,}" for n in range(400)]}, Path("data/prices.csv"))
    content = mixed.read_bytes()
    assert adopt(mixed, REPLACE="yes").chosen.data.path == "data/prices_adopted.csv"
    assert mixed.read_bytes() == content


def test_all_or_nothing(adopt: Adopt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(table(), tmp_path / "orders.csv")
    before = same_everywhere(Path.cwd())
    really, calls = os.replace, []

    def replace(source: Path, target: Path) -> None:
        calls.append(target)
        if fails == len(calls):
            raise OSError(28, "No space left on device", str(target))
        really(source, target)

    monkeypatch.setattr(writing.os, "replace", replace)
    for fails in range(1, 30):
        calls.clear()
        try:
            adopt(path)
        except AdoptError as error:
            assert "nothing was changed" in str(error)
            assert same_everywhere(Path.cwd()) == before, f"after failure {fails}"
        else:
            break
    assert 6 < fails < 29
    assert not [name for name in same_everywhere(Path.cwd()) if name.endswith((".adopting", ".before"))]


def test_without_a_repository_or_a_commit_nothing_is_done(git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kinds.write("penguins", Path.cwd())
    monkeypatch.setattr("sys.argv", ["adopt", "DATA=x.csv", "TARGET=y"])
    with pytest.raises(AdoptError, match="needs a git repository with a commit"):
        adopting_main()


def adopting_main() -> int:
    from churn.adopt.__main__ import main

    return main()


def test_a_row_keeps_its_side_when_rows_are_added(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    first = rows_of(adopt(write(columns, tmp_path / "a.csv")).chosen)
    more = {name: [*values[::-1], *table(50, seed=9)[name]] for name, values in columns.items()}
    second = rows_of(adopt(write(more, tmp_path / "a.csv"), REPLACE="yes").chosen)
    before, now = (frame.set_index("row_id")["size"] for frame in (first, second))
    assert len(now) == len(before) + 50
    assert now[before.index].equals(before)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["TARGT=a"], r"'TARGT=a' is not an option \(did you mean 'TARGET'\?\)"),
        (["file.csv"], "'file.csv' is not an option"),
        (["TARGET=a"], "DATA is missing"),
        (["DATA=a", "TARGET=b", "PROBLEM=binry"], "PROBLEM: "),
    ],
)
def test_wrong_words_are_named(words: list[str], expected: str) -> None:
    with pytest.raises(AdoptError, match=expected):
        options.parse(words)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"TARGET": "solt"}, r"TARGET=solt: .* has no such column \(did you mean 'sold'\?\)"),
        ({"ID": "colour"}, r"ID=colour: does not name single rows, '.*' stands in \d+ of them"),
        ({"TIME": "colour"}, "TIME=colour: holds other things than dates"),
        ({"PROBLEM": "regression"}, "TARGET=sold: holds words such as"),
        ({"POSITIVE": "maybe"}, "POSITIVE=maybe: 'sold' holds 'no' and 'yes'"),
        ({"DROP": "size,colour"}, "leaves no column to learn from"),
        ({"DATA": "nowhere.csv"}, "DATA=nowhere.csv: no such file or folder"),
        ({"QUERY": "select 1", "DATA": "nosuchthing://x"}, "sqlalchemy|database"),
    ],
)
def test_wrong_options_are_refused_and_nothing_is_written(adopt: Adopt, tmp_path: Path, given: dict[str, str], expected: str) -> None:
    before = same_everywhere(Path.cwd())
    words = {"DATA": str(write(table(), tmp_path / "a.csv")), **given}
    with pytest.raises(AdoptError, match=expected):
        adopt(words.pop("DATA"), **words)
    assert same_everywhere(Path.cwd()) == before


def _ragged(text: str) -> bytes:
    lines = text.splitlines()
    return "\n".join([*lines[:20], lines[20] + ",x", *lines[21:]]).encode()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda text: b"", "is empty, or has no header line"),
        (lambda text: text.splitlines()[0].encode(), "has a header and no rows"),
        (_ragged, "the row that ends on line 21 has 4 fields, the header has 3"),
        (lambda text: text.replace("red", "röt").encode("latin-1"), r"is not text in the encoding UTF-8; name its own.*ENCODING=cp1252"),
        (lambda text: text.replace("yes", "no").encode(), "has the same value in every row"),
        (lambda text: text.replace("\nred", '\n"red').replace(",red", ',"red', 1).encode(), "quote too many"),
    ],
)
def test_broken_files_are_named(adopt: Adopt, tmp_path: Path, spoil: Callable[[str], bytes], expected: str) -> None:
    path = write(table(), tmp_path / "a.csv")
    path.write_bytes(spoil(path.read_text()))
    with pytest.raises(AdoptError, match=expected) as caught:
        adopt(path)
    assert "\n" not in str(caught.value)


def test_a_folder_of_files(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    folder = tmp_path / "parts"
    write({name: values[:200] for name, values in columns.items()}, folder / "a.csv")
    write({name: columns[name][200:] for name in reversed(columns)}, folder / "b.csv", delimiter=";")
    made = adopt(folder)
    assert made.chosen.data.path == "data/parts.csv"
    assert rows_of(made.chosen)["size"].tolist() == columns["size"]
    write({"size": [1], "sold": ["no"]}, folder / "c.csv")
    with pytest.raises(AdoptError, match=r"c\.csv: has no column 'colour', as other files of the folder do"):
        adopt(folder, REPLACE="yes")


@pytest.mark.parametrize(("kind", "metric"), [("penguins", "f1_macro"), ("deliveries", "r2"), ("telco", "roc_auc")])
def test_shipped_data_reach_what_a_hand_written_contract_reaches(adopt: Adopt, git: Git, tmp_path: Path, kind: str, metric: str) -> None:
    if kind == "telco":
        shutil.copyfile(project() / "params.yaml", "params.yaml")
        source = shutil.copyfile(project() / default().data.path, tmp_path / "telco_churn.csv")
        shutil.copyfile(source, default().data.path)
    else:
        kinds.write(kind, Path.cwd())
        source = shutil.copyfile(kinds.DATA / f"{kind}.csv", tmp_path / f"{kind}.csv")
    git("add", "-A")
    git("commit", "-q", "-m", kind, "--no-verify", "--allow-empty")
    from churn.pipeline import prepare

    prepare.main()
    by_hand = trained()[metric]
    target = params.load().data.target
    made = adopt(source, TARGET=target, REPLACE="yes")
    reached = trained()[metric]
    print(f"{kind}: {metric} {by_hand:.4f} by hand, {reached:.4f} adopted")
    assert made.chosen.headline == metric
    assert reached > by_hand - MOST_DIFFERENT


WORDS = [
    *("NA", "None", "", "  ", "-", "yes", "No", "TRUE", "1", "01", "1.0", "1e5", "-3.5", "1,234", "1.234,5", "$5", "12 %", "2024-01-01"),
    *("31.12.2023 10:00", "日本", "a,b", "line\nbreak", 'q"uote', "=1+1", "∞", "inf", "1e999", "0x1F", "1_000", "١٢", "\u00a0", "[1, 2]"),
    *("a: b", "- a", "*x", "&y", "%d", "yes ", "\x85c", "\u2028d", "~", ".5", "5.", "+7", "x" * 300),
]
NAMES = ["a", "b c", "null", "yes", "1", "x.y", "id", "sex", "a: b", "#h", "a,b", 'q"', "{z}", "[l]", "-", "\u2028", "'", "é" * 90]


def messy(random: Random) -> dict[str, list[object]]:
    """A table such as nobody should have."""
    rows = random.choice([60, 80, 300])
    columns: dict[str, list[object]] = {}
    for name in random.sample(NAMES, random.randint(1, 8)):
        words = random.sample(WORDS, random.randint(1, len(WORDS)))
        makers = [lambda words=words: random.choice(words), lambda: round(random.gauss(0, 1e6), 3), lambda: random.randint(0, 5)]
        make = random.choice([makers[0], *makers])
        columns[name] = [make() for _ in range(rows)]
    classes = random.choice([["yes", "no"], ["a", "b", "c", ""], WORDS[:5]])
    columns["sold"] = [random.choice(classes) for _ in range(rows)]
    return columns


def test_messy_tables_are_read_by_training_or_refused_in_one_line(adopt: Adopt, tmp_path: Path) -> None:
    accepted = 0
    for seed in range(40):
        path = write(messy(Random(seed)), tmp_path / "a.csv")
        try:
            made = adopt(path, REPLACE="yes")
        except AdoptError as error:
            assert "\n" not in str(error), seed
        else:
            accepted += 1
            assert max(map(len, made.shown.splitlines()), default=0) <= 160, seed
    assert accepted >= 20


def test_the_summary_fits_into_a_narrow_terminal(adopt: Adopt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = {f"a very long name of a column about nothing in particular {n}": np.random.default_rng(n).random(400) for n in range(3)}
    words = {
        "kind": [f"a long category number {n % 9}" for n in range(400)],
        "note": [f"words and more words, {n} of them" for n in range(400)],
    }
    made = adopt(write({**table(), **long, **words}, tmp_path / "a.csv"))
    assert max(map(len, made.shown.splitlines()[:-1])) <= 80
    assert summary.allowed(params.ColumnRule("integer", 0, 3)) == "0 to 3"
