"""The data difference, drift and leakage: what changed, whether chance explains it, and what a model must not know."""

from pathlib import Path

import kinds
import msgspec
import numpy as np
import pandas as pd
import pytest
from churn import dataset, drift, params
from churn.params import ColumnRule, Params
from churn.review.data import alarms, difference
from scipy import stats

ROOT = Path(params.__file__).parents[2]


@pytest.fixture(scope="module")
def chosen() -> Params:
    return params.load(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def telco(chosen: Params) -> pd.DataFrame:
    return dataset.read(ROOT / chosen.data.path, chosen)


def _slow_psi(expected: list[int], actual: list[int]) -> float:
    total = 0.0
    for e, a in zip(expected, actual, strict=True):
        share_e, share_a = max(e / sum(expected), 0.0001), max(a / sum(actual), 0.0001)
        total += (share_a - share_e) * np.log(share_a / share_e)
    return total


def test_psi_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        expected, actual = rng.integers(0, 40, (2, 8))
        assert drift.psi(expected, actual) == pytest.approx(_slow_psi(expected.tolist(), actual.tolist()), abs=1e-12)
    assert drift.psi(np.array([5, 5]), np.array([0, 0])) == 0.0


def test_numbers_are_compared_as_scipy_does_and_binned_by_tenths() -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.normal(0, 1, 800), rng.normal(0.2, 1, 500)
    found = drift.compare(reference, current, "number")
    expected = stats.ks_2samp(reference, current, method="asymp")
    assert (found.effect, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    edges = [-np.inf, *np.quantile(reference, np.arange(1, 10) / 10), np.inf]
    tenths = [np.histogram(side, edges)[0].tolist() for side in (reference, current)]
    assert found.psi == pytest.approx(_slow_psi(*tenths))


@pytest.mark.parametrize(("before", "after"), [(300, 5000), (5000, 300), (700, 700), (40_000, 30_000)])
@pytest.mark.parametrize("values", [3, 30, 10**9])
def test_numbers_with_and_without_ties_are_compared_as_scipy_does(before: int, after: int, values: int) -> None:
    rng = np.random.default_rng(before + values)
    reference, current = rng.integers(0, values, before) / values, rng.integers(0, values, after) / values + 0.01 * rng.integers(0, 2)
    found, expected = drift.compare(reference, current, "number"), stats.ks_2samp(reference, current, method="asymp")
    assert found.effect == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=0.02)


def test_categories_are_compared_as_scipy_does() -> None:
    rng = np.random.default_rng(2)
    reference, current = (
        rng.choice(["a", "b", "c", ""], size, p=share) for size, share in ((900, [0.4, 0.3, 0.2, 0.1]), (600, [0.25] * 4))
    )
    found = drift.compare(reference.astype(object), current.astype(object), "category")
    table = np.array([[(side == value).sum() for value in ("a", "b", "c", "")] for side in (reference, current)])
    assert found.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    assert found.effect == pytest.approx(stats.contingency.association(table, method="cramer"))
    assert found.psi == pytest.approx(_slow_psi(*table.tolist()))


def test_adjusted_p_values_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    for size in (1, 2, 17):
        p = rng.uniform(size=size)
        order = np.argsort(p)
        slow = [min(p[order[k]] * size / (k + 1) for k in range(np.flatnonzero(order == one)[0], size)) for one in range(size)]
        assert drift.benjamini_hochberg(p.tolist()) == pytest.approx(slow)
    assert drift.benjamini_hochberg([]) == []


@pytest.mark.parametrize(("rows", "most"), [(300, 16), (2000, 0)])
def test_equal_samples_hardly_ever_drift(rows: int, most: int) -> None:
    """Of 200 pairs of equal files with eight columns one in twenty may have a drifted one (16 is that and chance); of long files none."""
    rng = np.random.default_rng(rows)
    false = 0
    for _ in range(200):
        found = []
        for _ in range(4):
            numbers = rng.exponential(size=2 * rows)
            numbers[rng.uniform(size=2 * rows) < 0.1] = np.nan
            found.append(drift.compare(numbers[:rows], numbers[rows:], "number"))
            text = rng.choice([f"c{k}" for k in range(12)], 2 * rows).astype(object)
            found.append(drift.compare(text[:rows], text[rows:], "category"))
        adjusted = drift.benjamini_hochberg([item.p for item in found])
        false += any(drift.has_drifted(item, p, rows) for item, p in zip(found, adjusted, strict=True))
    assert false <= most


def test_a_large_shift_among_few_rows_and_a_small_one_among_many_are_no_drift() -> None:
    rng = np.random.default_rng(4)
    few = drift.compare(rng.normal(0, 1, 299), rng.normal(2, 1, 299), "number")
    assert few.p < 1e-9
    assert not drift.has_drifted(few, few.p, 299)
    many = drift.compare(rng.normal(0, 1, 200_000), rng.normal(0.03, 1, 200_000), "number")
    assert many.p < 1e-3
    assert not drift.has_drifted(many, many.p, 200_000)


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        ([0.0] * 980 + [1.0] * 20, [0.0] * 700 + [1.0] * 300),
        ([0.0] * 20 + [1.0] * 980, [0.0] * 300 + [1.0] * 700),
        ([1.0] * 1000, [1.0] * 500 + [2.0] * 500),
        ([np.nan] * 1000, [1.0] * 1000),
        (list(range(1000)), [*range(600), *([np.nan] * 400)]),
    ],
    ids=["rare one", "rare zero", "new value", "all missing", "lost values"],
)
def test_drift_of_awkward_numbers_is_seen(reference: list[float], current: list[float]) -> None:
    found = drift.compare(np.array(reference, dtype=float), np.array(current, dtype=float), "number")
    assert drift.has_drifted(found, found.p, 1000)
    assert found.psi > 0.2
    assert drift.compare(np.array(reference, dtype=float), np.array(reference, dtype=float), "number").psi == 0


def test_added_removed_and_changed_rows_are_counted(telco: pd.DataFrame, chosen: Params) -> None:
    sides = dataset.side(telco[chosen.data.id], chosen.split)
    new = telco.iloc[:30].assign(customer_id=[f"N{k}" for k in range(30)])
    ours = pd.concat([telco.iloc[50:], new], ignore_index=True).sample(frac=1, random_state=0)
    ours.loc[ours["customer_id"].isin(telco["customer_id"][100:120]), "tenure"] += 1
    flipped = ours["customer_id"].isin(telco["customer_id"][110:125])
    ours.loc[flipped, "churn"] = ours.loc[flipped, "churn"].map({"Yes": "No", "No": "Yes"})
    found = difference(telco, ours, chosen, chosen)
    assert (found.rows_main, found.rows_candidate, found.added, found.removed) == (len(telco), len(telco) - 20, 30, 50)
    assert (found.changed, found.labels_changed) == (25, 15)
    touched = (np.arange(len(telco)) < 50) | ((np.arange(len(telco)) >= 100) & (np.arange(len(telco)) < 125))
    assert found.test_rows_changed == ((sides == "test") & touched).sum() > 0


def test_the_same_data_in_another_order_did_not_change(telco: pd.DataFrame, chosen: Params) -> None:
    found = difference(telco, telco.sample(frac=1, random_state=1), chosen, chosen)
    assert (found.added, found.removed, found.changed, found.labels_changed, found.test_rows_changed) == (0, 0, 0, 0, 0)
    assert all(column.psi == 0 and not column.drifted for column in found.columns)
    assert found.target_main == found.target_candidate == pytest.approx(0.2654, abs=1e-4)
    assert [column.name for column in found.columns] == [*chosen.columns, "churn"]
    assert next(column for column in found.columns if column.name == "total_charges").missing_main == pytest.approx(11 / 7043)


def test_labels_flipped_in_one_region_show_in_the_target(telco: pd.DataFrame, chosen: Params) -> None:
    region = telco["contract"] == "Two year"
    ours = telco.assign(churn=telco["churn"].where(~region, telco["churn"].map({"Yes": "No", "No": "Yes"})))
    found = difference(telco, ours, chosen, chosen)
    assert found.labels_changed == found.changed == region.sum()
    assert found.target_candidate > found.target_main + 0.2
    assert [column.name for column in found.columns if column.drifted] == ["churn"]


def test_drift_new_categories_and_missing_values_name_their_column(telco: pd.DataFrame, chosen: Params) -> None:
    rng = np.random.default_rng(5)
    ours = telco.copy()
    ours["monthly_charges"] *= 1.3
    ours.loc[rng.uniform(size=len(ours)) < 0.2, "payment_method"] = "Gift card"
    ours.loc[rng.uniform(size=len(ours)) < 0.3, "total_charges"] = np.nan
    ours.loc[ours["contract"] == "One year", "contract"] = ""
    found = {column.name: column for column in difference(telco, ours, chosen, chosen).columns}
    assert {name for name, column in found.items() if column.drifted} == {"monthly_charges", "payment_method", "total_charges", "contract"}
    assert found["payment_method"].new_categories == ["Gift card"]
    assert found["contract"].gone_categories == ["One year"]
    assert found["contract"].new_categories == []
    assert found["contract"].missing_candidate == pytest.approx(0.209, abs=0.001)
    assert found["total_charges"].missing_candidate == pytest.approx(0.3, abs=0.02)


def test_columns_that_come_go_or_change_their_type_are_told(telco: pd.DataFrame, chosen: Params) -> None:
    columns = {name: rule for name, rule in chosen.columns.items() if name != "partner"}
    columns |= {"region": ColumnRule("number"), "female": ColumnRule("category", categories=("0", "1"))}
    theirs = msgspec.structs.replace(chosen, columns=columns)
    ours = telco.drop(columns="partner").assign(region=1.0, female=telco["female"].map("{:g}".format).astype(object))
    found = difference(telco, ours, chosen, theirs)
    assert (found.columns_added, found.columns_removed, found.changed) == (["region"], ["partner"], 0)
    assert next(column for column in found.columns if column.name == "female").psi == 0


def test_regression_and_multi_class_data_are_compared() -> None:
    for kind, mean in (("deliveries", True), ("penguins", False)):
        chosen = params.parse(kinds.params_text(kind))
        frame = dataset.read(kinds.DATA / f"{kind}.csv", chosen)
        ours = frame.copy()
        target = chosen.data.target
        ours.loc[:9, target] = ours[target][:10] + 5 if mean else np.roll(sorted(chosen.data.classes), 1)[0]
        found = difference(frame, ours, chosen, chosen)
        assert found.labels_changed == found.changed == 10
        assert (found.target_main is not None) == mean
        if mean:
            assert found.target_main == pytest.approx(frame[target].mean())


def _alarms(frame: pd.DataFrame, chosen: Params) -> list[tuple[str, str]]:
    sides = dataset.side(frame[chosen.data.id], chosen.split)
    return [(alarm.kind, alarm.detail) for alarm in alarms(frame, sides, chosen)]


def _with_feature(chosen: Params, name: str, **rule: object) -> Params:
    group = "categorical" if rule["type"] == "category" else "numeric"
    features = msgspec.structs.replace(chosen.features, **{group: (*getattr(chosen.features, group), name)})
    return msgspec.structs.replace(chosen, features=features, columns=chosen.columns | {name: ColumnRule(**rule)})


def test_natural_data_raises_no_alarm(telco: pd.DataFrame, chosen: Params) -> None:
    """The data holds 22 rows that are equal but for their id, and flippers that almost tell one species apart."""
    assert _alarms(telco, chosen) == []
    for kind in ("penguins", "deliveries"):
        theirs = params.parse(kinds.params_text(kind))
        assert _alarms(dataset.read(kinds.DATA / f"{kind}.csv", theirs), theirs) == []


def test_equal_rows_where_there_are_few_values_raise_no_alarm(telco: pd.DataFrame, chosen: Params) -> None:
    """Without the amounts a tenth of the test rows has an equal one elsewhere: many customers are alike, nothing leaks."""
    columns = {name: rule for name, rule in chosen.columns.items() if "charges" not in name}
    features = msgspec.structs.replace(chosen.features, numeric=tuple(name for name in chosen.features.numeric if name in columns))
    assert _alarms(telco, msgspec.structs.replace(chosen, columns=columns, features=features)) == []


@pytest.mark.parametrize("copies", [1, 6])
def test_copied_rows_raise_an_alarm(telco: pd.DataFrame, chosen: Params, copies: int) -> None:
    share = telco.sample(frac=0.3, random_state=0)
    more = [share.assign(customer_id=[f"{number}-{one}" for one in share["customer_id"]]) for number in range(copies)]
    ((kind, detail),) = _alarms(pd.concat([telco, *more], ignore_index=True), chosen)
    assert kind == "shared rows"
    assert "% of the test rows" in detail


def test_ids_that_differ_in_case_or_spaces_alone_raise_an_alarm(telco: pd.DataFrame, chosen: Params) -> None:
    sides = dataset.side(telco["customer_id"], chosen.split)
    seen, tested = telco.loc[sides == "train", "customer_id"].iloc[0], telco.index[sides == "test"][0]
    salt = next(number for number in range(100) if dataset.side(pd.Series([f" {seen.lower()}" + " " * number]), chosen.split)[0] == "test")
    ours = telco.copy()
    ours.loc[tested, "customer_id"] = f" {seen.lower()}" + " " * salt
    ((kind, detail),) = _alarms(ours, chosen)
    assert kind == "shared ids"
    assert "1 test rows" in detail
    assert repr(seen) in detail


@pytest.mark.parametrize("how", ["number", "reversed", "missing", "large or missing", "category"])
def test_a_feature_that_knows_the_outcome_raises_an_alarm(telco: pd.DataFrame, chosen: Params, how: str) -> None:
    rng = np.random.default_rng(6)
    known = (telco["churn"] == "Yes").to_numpy()
    noisy = np.where(rng.uniform(size=len(telco)) < 0.002, ~known, known)
    values: dict[str, object] = {
        "number": noisy * 10 + rng.normal(size=len(telco)),
        "reversed": -10.0 * noisy + rng.normal(size=len(telco)),
        "missing": np.where(noisy, rng.normal(size=len(telco)), np.nan),
        "large or missing": np.where(noisy, np.where(rng.uniform(size=len(telco)) < 0.5, 10.0, np.nan), rng.normal(size=len(telco))),
        "category": pd.Series(np.where(noisy, rng.choice(["moved", "price"], len(telco)), "none")).astype(object),
    }
    rule = {"type": "category", "categories": ("moved", "price", "none")} if how == "category" else {"type": "number", "missing": True}
    ((kind, detail),) = _alarms(telco.assign(refund=values[how]), _with_feature(chosen, "refund", **rule))
    assert kind == "telling feature"
    assert detail.startswith("'refund' alone reaches a ROC AUC of 0.99")


def test_strong_honest_features_and_constants_raise_no_alarm(telco: pd.DataFrame, chosen: Params) -> None:
    rng = np.random.default_rng(7)
    strong = (telco["churn"] == "Yes") * 2.5 + rng.normal(size=len(telco))
    assert _alarms(telco.assign(score=strong), _with_feature(chosen, "score", type="number")) == []
    assert _alarms(telco.assign(score=1.0), _with_feature(chosen, "score", type="number")) == []


def test_a_category_of_each_row_s_own_tells_nothing(telco: pd.DataFrame, chosen: Params) -> None:
    own = telco["customer_id"].astype(object)
    assert _alarms(telco.assign(code=own), _with_feature(chosen, "code", type="category", categories=tuple(own))) == []


def test_leaks_of_several_classes_and_of_numbers_raise_an_alarm() -> None:
    for kind, name in (("penguins", "ROC AUC"), ("deliveries", "rank correlation")):
        chosen = params.parse(kinds.params_text(kind))
        frame = dataset.read(kinds.DATA / f"{kind}.csv", chosen)
        target = frame[chosen.data.target]
        leak = np.exp(target / 10) if kind == "deliveries" else target.map({"Adelie": 2.0, "Chinstrap": 1.0, "Gentoo": 3.0})
        ((said, detail),) = _alarms(frame.assign(leak=leak.astype(float)), _with_feature(chosen, "leak", type="number"))
        assert said == "telling feature"
        assert f"'leak' alone reaches a {name} of 1.0000" in detail


def test_a_class_of_few_test_rows_hides_no_leak() -> None:
    chosen = params.parse(kinds.params_text("penguins"))
    frame = dataset.read(kinds.DATA / "penguins.csv", chosen)
    sides = dataset.side(frame["penguin_id"], chosen.split)
    rare = np.flatnonzero((frame["species"] == "Chinstrap") & (sides == "test"))[2:]
    frame = frame.drop(index=rare).reset_index(drop=True)
    leak = frame["species"].map({"Adelie": 2.0, "Chinstrap": 1.0, "Gentoo": 3.0}).astype(float)
    assert [kind for kind, _ in _alarms(frame.assign(leak=leak), _with_feature(chosen, "leak", type="number"))] == ["telling feature"]
