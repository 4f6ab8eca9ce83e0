"""Scoring whole files: the answers and refusals of /predict, whatever the file looks like, row for row."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from churn.bundle import Bundle
from churn.contract import ContractError
from churn.scorer import Scorer
from churn.scoring import ScoringError, csv_source, parquet_source
from scoring_kit import SCHEMA, rows, score, toy, write_csv, write_parquet

NASTY: dict[str, list[Any]] = {
    "age": [None, -1.0, 0.0, 120.0, 121.0, 40.5, float("nan"), float("inf"), 1e39],
    "fee": [None, -5.0, float("nan"), float("-inf"), 3.5e38, 3.4e38],
    "plan": [None, "", "gold", "Basic", " plus", "naïve"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return toy(tmp_path_factory.mktemp("scoring") / "bundle")


def refusals(side: Path | None) -> list[tuple[int, str, str]]:
    """Row, column and rule of each line of a side file."""
    if side is None:
        return []
    with side.open(encoding="utf-8", newline="") as stream:
        return [(int(one["row"]), one["column"], one["rule"]) for one in csv.DictReader(stream)]


def as_served(made: Bundle, records: list[dict[str, Any]]) -> tuple[list[tuple[int, str, str]], list[dict[str, Any]]]:
    """What /predict refuses and answers, from the contract's check and the scorer it uses; rows count from 1."""
    bare = [{name: value for name, value in record.items() if name != "id"} for record in records]
    violations = made.contract.check(bare)
    bad = {one.row for one in violations}
    good = [number for number in range(len(bare)) if number not in bad]
    answers = Scorer(made).score([bare[number] for number in good])
    told = [{"row": n + 1, "id": records[n]["id"], **answer} for n, answer in zip(good, answers, strict=True)]
    return [(one.row + 1, one.column, one.rule) for one in violations], told


def spoilt(count: int) -> list[dict[str, Any]]:
    """Rows of which about a third break one or more rules."""
    records, random = rows(count), np.random.default_rng(1)
    for record in records:
        for name, values in NASTY.items():
            if random.random() < 0.15:
                record[name] = values[random.integers(len(values))]
    return records


@pytest.mark.parametrize("group", [7, 50, 1000])
def test_parquet_gets_the_answers_and_refusals_of_the_server(made: Bundle, tmp_path: Path, group: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(parquet_source, "PIECE", 60)
    records = spoilt(400)
    result = score(write_parquet(tmp_path / "in.parquet", records, group), made, tmp_path / "out.parquet")

    refused, told = as_served(made, records)
    assert len(refused) > 60
    assert refusals(result.side) == refused
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == told
    assert (result.rows, result.scored) == (400, len(told))


@pytest.mark.parametrize("piece", [40, 700, 10_000_000])
def test_csv_gets_the_answers_and_refusals_of_the_server(made: Bundle, tmp_path: Path, piece: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(csv_source, "PIECE", piece)
    records = [record for record in spoilt(300) if not any(value != value for value in record.values())]
    result = score(write_csv(tmp_path / "in.csv", records), made, tmp_path / "out.parquet")

    refused, told = as_served(made, records)
    assert len(refused) > 60
    # what JSON cannot say, CSV can: 'inf' is a word there, and a whole row
    words = {"must be a number", "must be a whole number", "must be a finite number that fits into 32-bit floating point"}
    assert [one[:2] for one in refusals(result.side)] == [one[:2] for one in refused]
    assert all(a == b or {a[2], b[2]} <= words for a, b in zip(refusals(result.side), refused, strict=True))
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == told


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("abc", "must be a whole number"),
        ("nan", "must be a whole number"),
        ("Infinity", "must be a whole number"),
        ("0x10", "must be a whole number"),
        ("1_0", "must be a whole number"),
        ("NA", "must be a whole number"),
        ("1e400", "must be a finite number that fits into 32-bit floating point"),
        ("40.5", "must be a whole number"),
        ("200", "must be at most 120"),
        ("", "is required and cannot be missing"),
        ('""', "is required and cannot be missing"),
    ],
)
def test_a_cell_is_refused_as_it_stands(made: Bundle, tmp_path: Path, cell: str, rule: str) -> None:
    file = tmp_path / "in.csv"
    file.write_text(f"id,age,fee,plan\na,40,,basic\nb,{cell},1,basic\nc,+4e1, 1.5 ,plus\n", encoding="utf-8")
    result = score(file, made, tmp_path / "out.csv")

    with (tmp_path / "out.refused.csv").open(encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == [["row", "column", "value", "rule"], ["2", "age", cell.strip('"'), rule]]
    assert result.side == tmp_path / "out.refused.csv"
    found = pa.csv.read_csv(tmp_path / "out.csv")
    assert found.column_names == ["row", "id", "prediction", "probability"]
    assert found.select(["row", "id"]).to_pylist() == [{"row": 1, "id": "a"}, {"row": 3, "id": "c"}]


def test_rows_that_cannot_be_read_are_refused_alone(made: Bundle, tmp_path: Path, monkeypatch: Any) -> None:
    lines = [
        b"a,40,1,basic",
        b"b,40,1",
        b'"c\nc","4""0",1,basic',
        b"",
        b"\xe9,40,1,basic",
        b"d,40,1,\xff",
        b"e,40,1,basic,",
        b'"f,""",40,,plus',
    ]
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbfid,age,fee,plan\r\n" + b"\r\n".join(lines))
    found = []
    for piece in (12, 1000):
        monkeypatch.setattr(csv_source, "PIECE", piece)
        result = score(tmp_path / "in.csv", made, tmp_path / "out.parquet")
        found.append((refusals(result.side), pq.read_table(tmp_path / "out.parquet").select(["row", "id"]).to_pylist()))

    assert found[0] == found[1]
    assert found[0] == (
        [
            (2, "", "the row has 3 fields, the header has 4"),
            (3, "age", "must be a whole number"),
            (4, "id", "is not UTF-8; save the file with the encoding UTF-8"),
            (5, "plan", "must be one of 'basic', 'plus'"),
            (6, "", "the row has 5 fields, the header has 4"),
        ],
        [{"row": 1, "id": "a"}, {"row": 7, "id": 'f,"'}],
    )


def test_quotes_that_stay_open_are_an_error_and_not_a_lost_rest(made: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('id,age,fee,plan\na,40,1,basic\n"b,40,1,basic\nc,40,1,basic\n', encoding="utf-8")
    with pytest.raises(ContractError, match="a quote that opens behind byte 29 does not close"):
        score(tmp_path / "in.csv", made, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_multi_class_gives_each_probability(tmp_path: Path) -> None:
    made, records = toy(tmp_path / "bundle", "multi-class"), [row for row in rows(20) if row["fee"] is not None]
    score(write_parquet(tmp_path / "in.parquet", records), made, tmp_path / "out.parquet")

    _, told = as_served(made, records)
    flat = [{k: v for k, v in one.items() if k != "probabilities"} | _named(one["probabilities"]) for one in told]
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == flat


def _named(chances: dict[str, float]) -> dict[str, float]:
    return {f"probability_{name}": value for name, value in chances.items()}


def test_regression_gives_values_and_refuses_what_has_none(tmp_path: Path) -> None:
    made, records = toy(tmp_path / "bundle", "regression"), rows(6)
    records[1]["fee"], records[2]["fee"], records[3]["age"] = 3.0, 3.4e38, 200.0
    result = score(write_parquet(tmp_path / "in.parquet", records), made, tmp_path / "out.parquet")

    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["row", "id", "prediction"]
    assert found.to_pylist()[1] == {"row": 2, "id": "c1", "prediction": 30.0}
    assert refusals(result.side) == [
        (3, "", "the model has no finite answer for this row; its numbers are too extreme"),
        (4, "age", "must be at most 120"),
    ]
    assert found.column("row").to_pylist() == [1, 2, 5, 6]


@pytest.mark.parametrize("kind", [pa.int32(), pa.uint8(), pa.float32(), pa.decimal128(22, 2)], ids=str)
def test_numbers_of_any_type_are_numbers(made: Bundle, tmp_path: Path, kind: pa.DataType) -> None:
    plans = pa.array(["plus", "basic"]).dictionary_encode()
    columns = {"age": pa.array([40, 121]).cast(kind), "fee": pa.nulls(2), "plan": plans, "when": plans}
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    result = score(tmp_path / "in.parquet", made, tmp_path / "out.parquet")

    assert refusals(result.side) == [(2, "age", "must be at most 120")]
    expected = Scorer(made).score([{"age": 40, "fee": None, "plan": "plus"}])[0]
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"row": 1, "when": "plus", **expected}]


def test_out_names_the_model_that_made_it(made: Bundle, tmp_path: Path) -> None:
    score(write_parquet(tmp_path / "in.parquet", rows(3)), made, tmp_path / "out.parquet")
    about = pq.read_schema(tmp_path / "out.parquet").metadata
    assert (about[b"model"], about[b"digest"]) == (b"toy", made.digest.encode())


@pytest.mark.parametrize(("keep", "expected"), [(None, ["id"]), ((), []), (("fee", "plan"), ["fee", "plan"])])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_are_carried_over(
    made: Bundle, tmp_path: Path, keep: tuple[str, ...] | None, expected: list[str], ending: str, monkeypatch: Any
) -> None:
    records = rows(5)
    records[2]["age"] = -1.0
    write = write_csv if ending == "csv" else write_parquet
    score(write(tmp_path / f"in.{ending}", records), made, tmp_path / "out.parquet", keep=keep)

    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["row", *expected, "prediction", "probability"]
    del records[2]
    assert found.select(expected).to_pylist() == [{name: record[name] for name in expected} for record in records]


def _table(**columns: Any) -> pa.Table:
    return pa.table({"id": ["a"], "age": [1.0], "fee": [1.0], "plan": ["plus"]} | columns)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (_table().drop(["fee", "plan"]), "has no column 'fee', 'plan', which the model's contract asks for; it has id, age"),
        (_table(age=["1"]), "column 'age' is of type string, the model's contract asks for a number"),
        (_table(age=[True]), "column 'age' is of type bool"),
        (_table(plan=[1]), "column 'plan' is of type int64, the model's contract asks for text"),
        (_table(prediction=[1]), "has a column 'prediction', which OUT has of its own; leave it out with --keep"),
        (_table(age=[-1.0]), "every row breaks the contract, as "),
        (SCHEMA.empty_table(), "has no rows; "),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(made: Bundle, tmp_path: Path, table: pa.Table, words: str) -> None:
    pq.write_table(table, tmp_path / "in.parquet")
    with pytest.raises((ScoringError, ContractError)) as error:
        score(tmp_path / "in.parquet", made, tmp_path / "out.parquet")
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"in.parquet", "out.refused.csv"}


def test_a_side_file_of_an_earlier_run_does_not_stay(made: Bundle, tmp_path: Path) -> None:
    (tmp_path / "out.refused.csv").write_text("old", encoding="utf-8")
    assert score(write_csv(tmp_path / "in.csv", rows(3)), made, tmp_path / "out.csv").side is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
