"""``make adopt`` of Parquet, Excel and a database, in the environment that reads them (requirements/adopt.txt)."""

import sqlite3
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow
import pytest
from adopt_kit import Adopt, adopting, former, rows_of, table
from churn import params
from churn.adopt import AdoptError
from conftest import Git
from pyarrow import parquet


@pytest.fixture
def adopt(git: Git, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Adopt:
    former(Path.cwd())
    return adopting(monkeypatch, capsys)


def test_a_parquet_file(adopt: Adopt, tmp_path: Path) -> None:
    columns = {**table(), "new": [n % 2 == 0 for n in range(400)], "seats": [None if n % 9 == 0 else n % 5 for n in range(400)]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "orders.parquet")
    made = adopt(tmp_path / "orders.parquet")
    assert made.chosen.columns["seats"] == params.ColumnRule("integer", 0, 8, missing=True)
    assert made.chosen.columns["new"].categories == ("false", "true")
    assert rows_of(made.chosen)["size"].tolist() == columns["size"]


def test_an_excel_file(adopt: Adopt, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    columns = {**table(), "bought": [date(2024, 1 + n % 12, 1) for n in range(400)]}
    sheet.append(list(columns))
    for row in zip(*columns.values(), strict=True):
        sheet.append(row)
    book.create_sheet("notes").append(["nothing"])
    book.save(tmp_path / "orders.xlsx")
    with pytest.raises(AdoptError, match="has 2 sheets; name one: SHEET=Sheet or notes"):
        adopt(tmp_path / "orders.xlsx")
    made = adopt(tmp_path / "orders.xlsx", SHEET="Sheet", TIME="bought")
    assert made.chosen.split.test == "2024-10-01"
    assert rows_of(made.chosen)["size"].tolist() == columns["size"]


def test_a_query(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("create table orders (size real, colour text, sold text)")
        database.executemany("insert into orders values (?, ?, ?)", list(zip(*columns.values(), strict=True)))
    url = f"sqlite:///{tmp_path}/shop.db"
    made = adopt(url, QUERY="select * from orders where colour <> 'red'")
    assert made.chosen.columns["colour"].categories == ("blue", "green")
    assert made.chosen.data.path == "data/query.csv"
    assert str(tmp_path) not in Path("data/SOURCE.md").read_text()
    with pytest.raises(AdoptError, match="the database refused the query"):
        adopt(url, QUERY="select * from nothing", REPLACE="yes")
    with pytest.raises(AdoptError, match="say which rows with QUERY="):
        adopt(url, REPLACE="yes")
