"""The drift that a story plants: inside the contract, in one column, the same each time; nothing is played here."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rehearse.errors import RehearseError
from rehearse.story.project import Clone
from rehearse.story.rows import Rows

from ..conftest import BakedProject


def _rows(bake: BakedProject, folder: Path, **settings: Any) -> Rows:
    project = bake.copy(folder / "project")
    Clone(project.root, {}).set_params({name.replace("__", "."): value for name, value in settings.items()})
    return Rows(project.root)


def _others(rows: list[dict[str, str]], column: str) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name != column} for row in rows]


def test_a_number_moves_by_its_standard_deviation(default_bake: BakedProject, tmp_path: Path) -> None:
    rows = _rows(default_bake, tmp_path)
    assert rows.column == "monthly_charges"
    assert _others(rows.drifted(), rows.column) == _others(rows.all, rows.column)
    moved = {round(float(new[rows.column]) - float(old[rows.column]), 2) for old, new in zip(rows.all, rows.drifted(), strict=True)}
    assert moved == {30.09}


def test_it_stays_inside_the_contract(default_bake: BakedProject, tmp_path: Path) -> None:
    rows = _rows(default_bake, tmp_path, columns__monthly_charges__max=120)
    values = [float(row[rows.column]) for row in rows.drifted()]
    assert max(values) == 120
    assert values.count(120) > 100


def test_where_there_are_no_numbers_a_category_moves_to_the_next_one(default_bake: BakedProject, tmp_path: Path) -> None:
    rows = _rows(default_bake, tmp_path, features__numeric=["female"], protected=["female", "multiple_lines"])
    assert rows.column == "internet_service"
    before, after = (Counter(row[rows.column] for row in each) for each in (rows.all, rows.drifted()))
    assert after == {"Fiber optic": before["DSL"], "No": before["Fiber optic"], "DSL": before["No"]}


def test_a_column_that_the_log_leaves_out_is_not_chosen(default_bake: BakedProject, tmp_path: Path) -> None:
    with pytest.raises(RehearseError, match="every feature is protected"):
        _rows(default_bake, tmp_path, features__numeric=["female"], features__categorical=[], protected=["female"])


def test_rows_are_asked_as_the_contract_has_them(default_bake: BakedProject, tmp_path: Path) -> None:
    rows = _rows(default_bake, tmp_path)
    record = rows.record(next(row for row in rows.all if not row["total_charges"]))
    assert record["total_charges"] is None
    assert (type(record["tenure"]), type(record["monthly_charges"]), record["internet_service"]) == (int, float, "DSL")
    assert "customer_id" not in record
    assert rows.target not in record
    assert rows.sample(rows.all, 5) == rows.sample(rows.all, 5)
    assert rows.csv(rows.all) == (tmp_path / "project" / rows.path).read_text()


def test_what_is_not_there_is_one_line(default_bake: BakedProject, tmp_path: Path) -> None:
    with pytest.raises(RehearseError, match=r"telco\.csv cannot be read \(No such file or directory\); .* with --no-drift"):
        _rows(default_bake, tmp_path, data__path="data/telco.csv")
    params = tmp_path / "project/params.yaml"
    params.write_text(params.read_text().replace("monitoring: {", "watching: {"))
    with pytest.raises(RehearseError, match=r"params\.yaml has no 'monitoring'"):
        Rows(tmp_path / "project")
