"""``make adopt``: each trap of real files in a file that shows it; what is written is read, split and trained on."""

from pathlib import Path

import numpy as np
import pytest
from adopt_kit import Adopt, adopting, former, rows_of, table, trained, write, write_rows
from churn.adopt import AdoptError, texts
from churn.contract import ContractError
from churn.params import ColumnRule

pytestmark = pytest.mark.usefixtures("git")


@pytest.fixture
def adopt(git: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Adopt:
    former(Path.cwd())
    return adopting(monkeypatch, capsys)


def test_a_plain_table_is_kept_byte_for_byte_and_trains(adopt: Adopt, tmp_path: Path) -> None:
    columns = {"order_id": [f"O{n}" for n in range(400)], **table()}
    path = write(columns, tmp_path / "Orders 2024.csv")
    made = adopt(path)
    assert Path("data/orders_2024.csv").read_bytes() == path.read_bytes()
    assert (made.chosen.problem, made.chosen.data.id, made.chosen.data.positive) == ("binary", "order_id", "yes")
    assert made.chosen.columns["colour"] == ColumnRule("category", categories=("blue", "green", "red"))
    assert made.chosen.columns["size"].type == "number"
    assert trained()["roc_auc"] > 0.75
    assert "make train" in made.shown


def test_none_and_na_stay_categories_and_only_empty_cells_are_missing(adopt: Adopt, tmp_path: Path) -> None:
    words = (["None", "NA", "brick", ""] * 100)[:400]
    made = adopt(write({**table(), "facing": words}, tmp_path / "houses.csv"))
    assert made.chosen.columns["facing"] == ColumnRule("category", categories=("NA", "None", "brick"), missing=True)
    assert (rows_of(made.chosen)["facing"] == "None").sum() == 100
    assert "# 25 % missing" in made.text


def test_a_word_that_means_missing_can_be_named(adopt: Adopt, tmp_path: Path) -> None:
    words = (["None", "NA", "brick", "stone"] * 100)[:400]
    made = adopt(write({**table(), "facing": words}, tmp_path / "houses.csv"), MISSING="NA")
    assert made.chosen.columns["facing"] == ColumnRule("category", categories=("None", "brick", "stone"), missing=True)
    assert (rows_of(made.chosen)["facing"] == "").sum() == 100


def test_na_among_numbers_is_missing(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    columns["size"] = ["NA" if place % 10 == 0 else value for place, value in enumerate(columns["size"])]
    made = adopt(write(columns, tmp_path / "a.csv"))
    assert made.chosen.columns["size"].type == "number"
    assert rows_of(made.chosen)["size"].isna().sum() == 40
    assert "'NA' in 40 rows means missing" in made.shown


def test_capitals_spaces_and_signs_in_names(adopt: Adopt, tmp_path: Path) -> None:
    rows = list(zip(*table().values(), strict=True))
    made = adopt(
        write_rows([" Größe (cm) ", "null", "Ist verkauft?: ja/nein"], rows, tmp_path / "Größen & Farben.csv"),
        TARGET="Ist verkauft?: ja/nein",
    )
    assert set(made.chosen.columns) == {"Größe (cm)", "null"}
    assert made.chosen.data.path == "data/groen_farben.csv"
    assert made.chosen.data.target == "Ist verkauft?: ja/nein"
    assert "is called 'Größe (cm)' here" in made.shown
    assert trained()["roc_auc"] > 0.75


def test_names_that_only_case_tells_apart_and_one_that_is_empty(adopt: Adopt, tmp_path: Path) -> None:
    columns = {**table(), "SIZE": np.random.default_rng(1).random(400).round(3).tolist(), "": np.arange(400) % 7}
    made = adopt(write(columns, tmp_path / "a.csv"))
    assert {"size", "SIZE", "column_5"} <= set(made.chosen.columns)


def test_a_header_that_stands_twice_and_columns_with_the_same_values(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    other = np.random.default_rng(1).random(400).round(3).tolist()
    rows = zip(columns["size"], other, columns["size"], columns["colour"], columns["colour"], columns["sold"], strict=True)
    made = adopt(write_rows(["size", "size", "größe", "colour", "Farbe", "sold"], rows, tmp_path / "a.csv"))
    assert list(made.chosen.columns) == ["size", "size.2", "colour"]
    assert made.out == {"größe": "the same values as 'size'", "Farbe": "the same values as 'colour'"}


@pytest.mark.parametrize(
    ("days", "first"),
    [
        (["2024-03-01", "2024-03-15"], "2024-03-01"),
        (["31.12.2023", "01.02.2024"], "2023-12-31"),
        (["12/31/2023", "02/01/2024"], "2023-12-31"),
        (["2023-12-31 10:00:00+02:00", "2024-02-01 10:00:00+02:00"], "2023-12-31T08:00:00"),
        (["Dec 31, 2023", "Feb 01, 2024"], "2023-12-31"),
    ],
)
def test_dates_are_left_out_with_advice_and_split_when_named(adopt: Adopt, tmp_path: Path, days: list[str], first: str) -> None:
    columns = {**table(), "bought": [days[0]] * 260 + [days[1]] * 140}
    path = write(columns, tmp_path / "a.csv")
    made = adopt(path)
    assert made.out["bought"].startswith("dates; TIME='bought' splits by them")
    assert made.chosen.split.time is None
    with pytest.raises(AdoptError, match=r"TIME=bought: split by it, validation gets 0 rows"):
        adopt(path, TIME="bought", REPLACE="yes")
    written, _ = texts.dates(days)
    assert written[0] == first
    assert sorted(written) == written


def test_a_time_column_splits_by_time(adopt: Adopt, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    days = random.integers(0, 300, 400)
    bought = [f"{1 + day % 28:02}/{1 + day // 28:02}/2024" for day in days]
    made = adopt(write({**table(), "bought": bought}, tmp_path / "a.csv"), TIME="bought")
    split = made.chosen.split
    frame = rows_of(made.chosen)
    assert split.time == "bought"
    assert frame["bought"].str.fullmatch(r"2024-\d\d-\d\d").all()
    sides = {side: Path(f"data/prepared/{side}.csv").read_text().count("\n") - 1 for side in ("train", "validation", "test")}
    assert sides["test"] == (frame["bought"] >= split.test).sum() == pytest.approx(80, abs=10)
    assert (
        sides["validation"] == ((frame["bought"] < split.test) & (frame["bought"] >= split.validation)).sum() == pytest.approx(60, abs=10)
    )
    assert "bought" not in made.chosen.columns
    assert trained()["roc_auc"] > 0.7
    path = Path(made.chosen.data.path)
    path.write_text(path.read_text().replace(",2024-01-01", ",01/01/2024", 1))
    with pytest.raises(ContractError, match=r"column 'bought' must be a time by ISO 8601.*'01/01/2024'"):
        rows_of(made.chosen)


def test_a_time_that_can_be_read_in_two_ways_is_asked_about(adopt: Adopt, tmp_path: Path) -> None:
    bought = [f"{1 + place % 12:02}/{1 + place % 11:02}/2024" for place in range(400)]
    path = write({**table(), "bought": bought}, tmp_path / "a.csv")
    with pytest.raises(AdoptError, match=r"day first or month first\? Say DATES=dmy or DATES=mdy"):
        adopt(path, TIME="bought")
    made = adopt(path, TIME="bought", DATES="mdy")
    assert rows_of(made.chosen)["bought"][1] == "2024-02-02"
    assert rows_of(made.chosen)["bought"][11] == "2024-12-01"


def test_mixed_types(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    mostly = [">100" if place % 40 == 0 else value for place, value in enumerate(columns["size"])]
    hardly = ["small" if place % 3 else place % 5 for place in range(400)]
    path = write({**columns, "size": mostly, "grade": hardly}, tmp_path / "a.csv")
    made = adopt(path)
    assert made.chosen.columns["size"].type == "number"
    assert rows_of(made.chosen)["size"].isna().sum() == 10
    assert "TEXT='size'" in made.shown
    assert made.chosen.columns["grade"].categories == ("0", "1", "2", "3", "4", "small")


def test_a_number_that_becomes_a_word_far_below(adopt: Adopt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn.adopt.look.CHUNK", 50)
    columns = table()
    late = [*(place % 4 for place in range(200)), *["x"] * 200]
    made = adopt(write({**columns, "late": late}, tmp_path / "a.csv"))
    assert made.chosen.columns["late"].categories == ("0", "1", "2", "3", "x")
    assert (rows_of(made.chosen)["late"] == "x").sum() == 200


@pytest.mark.parametrize(
    ("written", "value"),
    [("{:,.2f}", "1234.5"), ("${:,.2f}", "1234.5"), ("{:,.0f}", "1234"), ("{:,.2f} €", "1234.5")],
)
def test_numbers_with_separators_and_signs(adopt: Adopt, tmp_path: Path, written: str, value: str) -> None:
    columns = table()
    price = [written.format(1234.5 + 100 * place) for place in range(400)]
    made = adopt(write({**columns, "price": price}, tmp_path / "a.csv"))
    assert made.chosen.columns["price"].type in ("number", "integer")
    assert rows_of(made.chosen)["price"][0] == float(value)
    assert "price: read as numbers" in made.shown


def test_numbers_with_a_comma_before_decimals(adopt: Adopt, tmp_path: Path) -> None:
    price = [f"{1234.5 + place:,.2f}".translate(str.maketrans(",.", ".,")) for place in range(400)]
    made = adopt(write({**table(), "price": price}, tmp_path / "a.csv", delimiter=";", encoding="cp1252"))
    assert rows_of(made.chosen)["price"][:2].tolist() == [1234.5, 1235.5]


def test_yes_and_no_in_many_spellings(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    columns["sold"] = [value.upper() if place % 3 else f" {value}" for place, value in enumerate(columns["sold"])]
    paid = [("yes", "Yes", "NO ", "no")[place % 4] for place in range(400)]
    flag = [("TRUE", "FALSE")[place // 3 % 2] for place in range(400)]
    made = adopt(write({**columns, "paid": paid, "flag": flag}, tmp_path / "a.csv"))
    assert len(made.chosen.columns["paid"].categories) == 2
    assert made.chosen.columns["flag"].categories == ("FALSE", "TRUE")
    assert len(made.chosen.data.classes) == 2
    assert made.chosen.data.positive.lower() == "yes"
    assert trained()["roc_auc"] > 0.75


def test_rows_without_a_target_are_left_out_and_said_so(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    columns["sold"] = ["" if place % 8 == 0 else value for place, value in enumerate(columns["sold"])]
    path = write(columns, tmp_path / "a.csv")
    before = path.read_bytes()
    made = adopt(path)
    assert len(rows_of(made.chosen)) == 350
    assert "50 rows without a value of 'sold' are left out" in made.shown
    assert path.read_bytes() == before


def test_na_in_a_target_of_two_classes_is_no_third_class(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    columns["sold"] = ["NA" if place % 8 == 0 else value for place, value in enumerate(columns["sold"])]
    path = write(columns, tmp_path / "a.csv")
    made = adopt(path)
    assert made.chosen.data.classes == ("no", "yes")
    assert "KEEP='sold' says otherwise" in made.shown
    assert adopt(path, KEEP="sold", REPLACE="yes").chosen.data.classes == ("NA", "no", "yes")


def test_a_target_of_numbers_with_missing_values(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    price = [f"{1000 + 20 * size:,.1f}" if place % 10 else "n/a" for place, size in enumerate(columns["size"])]
    noise = np.random.default_rng(3).normal(0, 8, 400)
    columns["size"] = (np.array(columns["size"]) + noise).round(1).tolist()
    made = adopt(write({**columns, "price": price}, tmp_path / "a.csv"), TARGET="price")
    assert made.chosen.problem == "regression"
    assert len(rows_of(made.chosen)) == 360
    assert made.chosen.headline == "r2"
    assert trained()["r2"] > 0.3


def test_a_slip_in_a_target_of_numbers_is_named(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    path = write({**columns, "price": [*columns["size"][:-1], "sold out"]}, tmp_path / "a.csv")
    with pytest.raises(AdoptError, match=r"holds numbers, and also 'sold out'.*MISSING=sold out"):
        adopt(path, TARGET="price")
    assert len(rows_of(adopt(path, TARGET="price", MISSING="sold out").chosen)) == 399


def test_ranges_leave_room_for_rows_to_come(adopt: Adopt, tmp_path: Path) -> None:
    size = table()["size"]
    columns = {"flag": [n % 2 for n in range(400)], "items": [n % 4 for n in range(400)], "change": [value - 50 for value in size]}
    made = adopt(write({**table(), **columns, "year": [1990 + n % 33 for n in range(400)]}, tmp_path / "a.csv"))
    ranges = {name: (rule.min, rule.max) for name, rule in made.chosen.columns.items()}
    assert ranges["flag"] == (0, 1)
    assert ranges["items"] == (0, 6)
    assert ranges["year"] == (0, 2100)
    assert ranges["size"][0] == 0
    assert ranges["size"][1] > 1.4 * max(size)
    assert ranges["change"][0] < min(columns["change"]) - 20


def test_forty_categorical_columns(adopt: Adopt, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    many = {f"answer {number}": random.choice(list("abcdefgh"), 400).tolist() for number in range(40)}
    made = adopt(write({**table(), **many}, tmp_path / "a.csv"))
    assert len(made.chosen.features.categorical) == 41
    assert max(map(len, made.text.splitlines())) <= 145
    assert trained()["roc_auc"] > 0.6


def test_five_hundred_columns(adopt: Adopt, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    wide = {f"x{number}": random.normal(0, 1, 400).round(3).tolist() for number in range(500)}
    made = adopt(write({**table(), **wide}, tmp_path / "a.csv"))
    assert len(made.chosen.columns) == 502
    assert len(made.shown.splitlines()) < 90
    assert "and 442 more" in made.shown


def test_sixty_rows(adopt: Adopt, tmp_path: Path) -> None:
    made = adopt(write(table(60), tmp_path / "a.csv"))
    sides = {side: Path(f"data/prepared/{side}.csv").read_text().count("\n") - 1 for side in ("train", "validation", "test")}
    assert min(sides.values()) >= 10
    assert sum(sides.values()) == 60
    assert trained()["roc_auc"] > 0.5
    assert made.chosen.review.min_n == 10


def test_fewer_rows_than_can_be_split_are_refused(adopt: Adopt, tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match="25 rows cannot be split"):
        adopt(write(table(25), tmp_path / "a.csv"))


def test_useless_columns_are_left_out_with_a_reason(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    made = adopt(
        write(
            {
                "row": range(1000, 1400),
                "CustomerID": [f"C{n:05}" for n in range(400)],
                "token": [f"{n * 7919:08x}" for n in range(400)],
                "country": ["DE"] * 400,
                "version": [3] * 400,
                "shop_id": [1000 + n // 2 * 7 for n in range(400)],
                "nothing": [""] * 400,
                "comment": [f"the customer number {n} said that all is well" for n in range(400)],
                "town": [f"town {n % 120}" for n in range(400)],
                "zip": [f"{n % 60:05}" for n in range(400)],
                **columns,
            },
            tmp_path / "a.csv",
        )
    )
    assert made.chosen.data.id == "CustomerID"
    assert set(made.chosen.columns) == {"size", "colour"}
    expected = {
        "row": "id-like: another number in every row",
        "token": "id-like: 400 values in 400 rows",
        "country": "constant: always 'DE'",
        "version": "constant: always 3",
        "shop_id": "id-like by its name: 200 different numbers",
        "nothing": "empty",
        "comment": "free text",
        "town": "too many categories: 120",
        "zip": "codes that begin with 0; TEXT='zip' takes them as categories, NUMBERS='zip' as numbers",
    }
    assert made.out == expected
    for reason in expected.values():
        assert reason[:30] in made.shown


def test_a_column_that_tells_the_target_is_left_out_unless_kept(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    refund = [0 if value == "no" else 10 + place % 5 for place, value in enumerate(columns["sold"])]
    path = write({**columns, "refund": refund}, tmp_path / "a.csv")
    made = adopt(path)
    assert made.out["refund"].startswith("leakage suspected: alone it reaches a ROC AUC of 1.0000")
    assert "refund" in adopt(path, KEEP="refund", REPLACE="yes").chosen.columns


def test_protected_columns_are_named_or_found(adopt: Adopt, tmp_path: Path) -> None:
    sex = [("f", "m")[place // 3 % 2] for place in range(400)]
    path = write({**table(), "sex": sex}, tmp_path / "a.csv")
    made = adopt(path)
    assert made.chosen.protected == ("sex",)
    assert "PROTECTED=none" in made.shown
    assert adopt(path, PROTECTED="none", REPLACE="yes").chosen.protected == ()
    assert adopt(path, PROTECTED="colour,sex", REPLACE="yes").chosen.protected == ("colour", "sex")
    with pytest.raises(AdoptError, match="PROTECTED=size: must be a column that the model gets, with few values"):
        adopt(path, PROTECTED="size", REPLACE="yes")


def test_a_rare_class_is_refused_or_dropped(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    columns["colour"][:3] = ["gold"] * 3
    path = write(columns, tmp_path / "a.csv")
    with pytest.raises(AdoptError, match=r"fewer than 8 rows cannot be learned and tested: 'gold' \(3\).*RARE=drop"):
        adopt(path, TARGET="colour")
    made = adopt(path, TARGET="colour", RARE="drop")
    assert made.chosen.data.classes == ("blue", "green", "red")
    assert made.chosen.problem == "multi-class"
    assert len(rows_of(made.chosen)) == 397


def test_whole_numbers_to_predict_are_classes_or_quantities(adopt: Adopt, tmp_path: Path) -> None:
    columns = table()
    path = write({**columns, "stars": [1 + int(size) % 5 for size in columns["size"]]}, tmp_path / "a.csv")
    assert adopt(path, TARGET="stars").chosen.problem == "multi-class"
    assert adopt(path, TARGET="stars", PROBLEM="regression", REPLACE="yes").chosen.problem == "regression"
    assert adopt(path, ["regression", "", "", ""], TARGET="stars", REPLACE="yes").chosen.problem == "regression"
