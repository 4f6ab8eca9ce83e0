"""What differs between a scenario as it was measured and main's reference, and whether that is worse than the tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .measured import TIMES, Measured, Spread, Times
from .settings import Tolerance

Judgement = Literal["same", "better", "worse", "within", "shown", "not comparable", "new"]


@dataclass(frozen=True)
class Row:
    """One figure: here and on main, how they are related, what may be at most, and what that means; ``note`` is a word to it.

    ``factor`` is that between comparable figures, times divided by the yardsticks beside them; ``metric`` says that the subject is a metric
    of the model.
    """

    subject: str
    here: str
    main: str
    judgement: Judgement
    relation: str = ""
    limit: str = ""
    note: str = ""
    factor: float | None = None
    metric: bool = False


@dataclass(frozen=True)
class Comparison:
    """A scenario beside its reference; ``machine`` is how many times longer the yardstick took here than it took for main's."""

    rows: list[Row]
    digest: str
    main: str | None
    machine: float | None

    @property
    def worse(self) -> list[Row]:
        """The rows that stop a merge."""
        return [row for row in self.rows if row.judgement == "worse"]


def compare(here: Measured, main: Measured | None, tolerance: Tolerance) -> Comparison:
    """Every figure of a scenario; without ``main`` the scenario is new, and nothing of it can be worse."""
    rows = [*_quality(here, main, tolerance), *_times(here, main, tolerance), _serving(here, main, tolerance), *_sizes(here, main)]
    training = None if main is None else main.times["train"]
    comparable = training is not None and training.yardstick_name == here.times["train"].yardstick_name
    machine = here.times["train"].yardstick_seconds / training.yardstick_seconds if training and comparable else None
    return Comparison(rows, here.digest, main and main.digest, machine)


def _quality(here: Measured, main: Measured | None, tolerance: Tolerance) -> Iterator[Row]:
    """The headline first and judged; the others, shown. The same digest is the same model: nothing of it can differ but by a defect."""
    order = [here.headline, *(name for name in here.quality if name != here.headline)]
    if main is not None and main.headline != here.headline:
        note = f"main's headline is {main.headline}; compare by hand"
        yield Row(f"{here.headline} (headline)", _metric(here.quality[here.headline]), "", "worse", note=note, metric=True)
        order = order[1:]
    for name in order:
        value, headline = here.quality[name], name == here.headline
        subject = f"{name} (headline)" if headline else name
        if main is None or name not in main.quality:
            yield Row(subject, _metric(value), "", "new", metric=True)
            continue
        change = value - main.quality[name]
        loss, allowed = change if name in here.lower_is_better else -change, tolerance.headline * abs(main.quality[name])
        limit = f"{allowed:.2g} worse" if headline else ""
        judged = _told(loss, allowed, headline)
        yield Row(subject, _metric(value), _metric(main.quality[name]), judged, f"{change:+.4f}" if change else "", limit, metric=True)


def _told(loss: float, allowed: float, judged: bool) -> Judgement:
    if loss == 0:
        return "same"
    if not judged:
        return "shown"
    return "better" if loss < 0 else "worse" if loss > allowed else "within"


def _times(here: Measured, main: Measured | None, tolerance: Tolerance) -> Iterator[Row]:
    for name, subject in TIMES.items():
        mine, its = here.times[name], None if main is None else main.times.get(name)
        yield _time(f"{subject}, s", mine, its, tolerance.clock_time, processor=False)
        if mine.processor is not None:
            yield _time(f"{subject}, processor s", mine, its, tolerance.processor_time, processor=True)


def _time(subject: str, mine: Times, its: Times | None, most: float, *, processor: bool) -> Row:
    """Times of two machines are compared as multiples of what each needed for the same work at that time."""
    here = mine.processor if processor else mine.seconds
    main = None if its is None else its.processor if processor else its.seconds
    assert here is not None
    if its is None or main is None:
        return Row(subject, _seconds(here), "", "new")
    if its.yardstick_name != mine.yardstick_name:
        note = f"another yardstick: {mine.yardstick_name}, on main {its.yardstick_name}"
        return Row(subject, _seconds(here), _seconds(main), "not comparable", note=note)
    machine = mine.yardstick_processor / its.yardstick_processor if processor else mine.yardstick_seconds / its.yardstick_seconds
    return _factor(subject, _seconds(here), _seconds(main), here.median / main.median / machine, most)


def _factor(subject: str, here: str, main: str, factor: float, most: float) -> Row:
    judged: Judgement = "worse" if factor > most else "better" if factor < 1 / most else "within"
    return Row(subject, here, main, judged, f"{factor:.2f} ×", f"{most:g} ×", factor=factor)


def _serving(here: Measured, main: Measured | None, tolerance: Tolerance) -> Row:
    subject, mine = "a request, in requests to an empty endpoint", f"{here.serving.median:.2f}"
    if main is None:
        return Row(subject, mine, "", "new")
    factor = here.serving.median / main.serving.median
    return _factor(subject, mine, f"{main.serving.median:.2f}", factor, tolerance.serving)


def _sizes(here: Measured, main: Measured | None) -> Iterator[Row]:
    for subject, mine, its in (
        ("generated files", here.files, main and main.files),
        ("generated lines", here.lines, main and main.lines),
        ("image, MB", here.image_mb, main and main.image_mb),
    ):
        shown: Judgement = "new" if main is None else "same" if mine == its else "shown"
        yield Row(subject, _count(mine), "" if main is None else _count(its), shown)


def _count(value: float | None) -> str:
    return "not measured" if value is None else f"{value:,g}" if value < 1e6 else f"{value:,.0f}"


def _metric(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.2f}"


def _seconds(found: Spread) -> str:
    digits = 0 if found.median >= 100 else 1
    several = f"\u00a0[{found.lowest:.{digits}f},\u00a0{found.highest:.{digits}f}]" if found.lowest != found.highest else ""
    return f"{found.median:.{digits}f}{several}"
