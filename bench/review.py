"""Times the review's intervals against a plain loop over scikit-learn that computes the same ones, and on a million rows with slices.

Run by ``make -C bench review`` in a baked project. Progress goes to standard error; the last line of standard output is a JSON object.
"""

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from churn.intervals.estimates import Answers, Question, estimate, rates
from sklearn import metrics

NAMES = ("roc_auc", "pr_auc", "log_loss", "brier", "f1", "precision", "recall", "accuracy")
DECIDED = (metrics.f1_score, metrics.precision_score, metrics.recall_score, metrics.accuracy_score)
ROLES = ("candidate", "champion", "difference")
PAIRED_ROWS = 100_000
PAIRS = 3
LOOPED = 20  # resamples that the plain loop is timed on; its time is in proportion to them
WIDTH_ROWS, WIDTH_RESAMPLES = 20_000, 1_000  # where the plain loop is run long enough to know the width of its intervals
MILLION = 1_000_000
SLICES = 20
LEAST_RATIO, MOST_APART, MOST_SECONDS, MOST_GIB = 50.0, 0.10, 60.0, 3.0


def data(rows: int, seed: int = 0) -> tuple[Question, Answers, Answers]:
    """Labels, of which about a quarter are positive, and two correlated models."""
    rng = np.random.default_rng(seed)
    targets = (rng.random(rows) < 0.26).astype(int)
    signal = rng.normal(size=rows) + 1.2 * targets - 1.6
    one, other = (1 / (1 + np.exp(-signal - 0.4 * rng.normal(size=rows))) for _ in range(2))
    return Question("binary", targets), Answers(one, 0.35), Answers(other, 0.4)


def plain(question: Question, models: list[Answers], resamples: int) -> np.ndarray:
    """The resampled metrics [models, metrics, resamples] by one call of scikit-learn for each."""
    rng = np.random.default_rng(question.seed)
    strata = [np.flatnonzero(question.targets == label) for label in (0, 1)]
    found = np.empty((len(models), len(NAMES), resamples))
    for index in range(resamples):
        rows = np.concatenate([rng.choice(stratum, len(stratum)) for stratum in strata])
        targets = question.targets[rows]
        for model, answers in enumerate(models):
            scores = answers.scores[rows]
            chosen = scores >= answers.threshold
            found[model, :, index] = [
                metrics.roc_auc_score(targets, scores),
                metrics.average_precision_score(targets, scores),
                metrics.log_loss(targets, scores),
                metrics.brier_score_loss(targets, scores),
                *(score(targets, chosen) for score in DECIDED),
            ]
    return found


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratios() -> dict[str, object]:
    """Paired runs, the two programs in turn on the same rows."""
    fast, slow = [], []
    for pair in range(PAIRS):
        question, *models = data(PAIRED_ROWS, pair)
        fast.append(timed(partial(estimate, question, *models, only=NAMES)))
        slow.append(timed(partial(plain, question, models, LOOPED)) * question.resamples / LOOPED)
        pace = f"{fast[-1]:.2f} s against {slow[-1]:,.0f} s: {slow[-1] / fast[-1]:,.0f} times"
        say(f"pair {pair + 1} of {PAIRS}, {PAIRED_ROWS:,} rows: {pace}")
    each = [a / b for a, b in zip(slow, fast, strict=True)]
    return {"seconds": rounded(fast), "plain_seconds": rounded(slow), "ratios": rounded(each), "smallest_ratio": round(min(each), 1)}


def widths() -> dict[str, object]:
    """How far the widths of both programs' intervals are apart, on rows enough for the fast form to let rows share cells."""
    question, *models = data(WIDTH_ROWS)
    ours = [[getattr(metric, role) for metric in estimate(question, *models, only=NAMES)] for role in ROLES]
    one, other = plain(question, models, WIDTH_RESAMPLES)
    normal = 2 * 1.959964 * np.stack([one, other, one - other]).std(axis=-1)  # steadier than the ends of as few resamples
    apart = np.array([[metric.high - metric.low for metric in row] for row in ours]) / normal - 1
    worst = np.unravel_index(np.abs(apart).argmax(), apart.shape)
    say(f"widths at {WIDTH_ROWS:,} rows: at most {abs(apart[worst]):.1%} apart ({NAMES[worst[1]]} of the {ROLES[worst[0]]})")
    return {"rows": WIDTH_ROWS, "plain_resamples": WIDTH_RESAMPLES, "largest_apart": round(float(np.abs(apart).max()), 4)}


def million(seconds: "multiprocessing.Queue[float]") -> None:
    """Every metric on all rows and on every slice, and the rates of each slice, for both models."""
    question, *models = data(MILLION)
    parts = np.random.default_rng(1).integers(0, 2, (SLICES // 2, MILLION), dtype=np.int8)
    masks = [column == value for column in parts for value in (0, 1)]

    def review() -> None:
        estimate(question, *models)
        for mask in masks:
            estimate(question, *models, mask)
            rates(question, *models, mask)

    seconds.put(timed(review))


def large() -> dict[str, object]:
    """The million rows in a process of its own, whose largest memory is measured (data included)."""
    context = multiprocessing.get_context("spawn")
    seconds: multiprocessing.Queue[float] = context.Queue()
    child = context.Process(target=million, args=(seconds,))
    child.start()
    child.join()
    if child.exitcode:
        raise SystemExit(f"error: the run on {MILLION:,} rows ended with exit code {child.exitcode}")
    took, gib = seconds.get(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    say(f"{MILLION:,} rows, {SLICES} slices, every metric of each: {took:.1f} s, {gib:.2f} GiB")
    return {"rows": MILLION, "slices": SLICES, "seconds": round(took, 1), "peak_gib": round(gib, 2)}


def rounded(values: list[float]) -> list[float]:
    """To two digits after the point."""
    return [round(value, 2) for value in values]


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Print the figures; 1 when a limit is broken."""
    speed, size, width = ratios(), large(), widths()
    ok = speed["smallest_ratio"] >= LEAST_RATIO and size["seconds"] < MOST_SECONDS and size["peak_gib"] < MOST_GIB
    ok = bool(ok and width["largest_apart"] <= MOST_APART)
    note = f"the plain loop was timed on {LOOPED} resamples and its time scaled to {Question('binary', np.zeros(1)).resamples}"
    limits = {"ratio": LEAST_RATIO, "apart": MOST_APART, "seconds": MOST_SECONDS, "gib": MOST_GIB}
    paired = {"rows": PAIRED_ROWS, "note": note, **speed}
    print(json.dumps({"ok": ok, "paired": paired, "widths": width, "large": size, "limits": limits}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
