"""The planted set: what has drifted is known, so recall and false alarms can be counted. Needs numpy alone."""

import numpy as np

REFERENCE, CURRENT = 100_000, 1_000_000
NUMBERS, CATEGORIES = 12, 8
LARGE = ("shifted", "wider", "reordered", "new")  # half a standard deviation; 1.6 times as wide; shares turned round; 2 % of a new category
TINY = ("nudged", "tilted")  # 0.02 standard deviations; half a hundredth of the rows
_SHARES = np.array([0.30, 0.20, 0.15, 0.10, 0.10, 0.07, 0.05, 0.03])
_LEVELS = np.array([f"level {place}" for place in range(len(_SHARES) + 1)], dtype=object)


def columns(rows: int, seed: int, moved: bool) -> dict[str, np.ndarray]:
    """Twelve columns of numbers and eight of text; with ``moved`` four are far off, two a little, and fourteen are as before."""
    rng = np.random.default_rng(seed)
    made = {}
    for place in range(NUMBERS):
        name = {0: "shifted", 1: "wider", 2: "nudged"}.get(place, f"number {place}")
        values = rng.normal(size=rows)
        change = {"shifted": (1, 0.5), "wider": (1.6, 0), "nudged": (1, 0.02)}.get(name, (1, 0)) if moved else (1, 0)
        made[name] = values * change[0] + change[1]
    for place in range(CATEGORIES):
        name = {0: "reordered", 1: "new", 2: "tilted"}.get(place, f"category {place}")
        made[name] = _LEVELS[_levels(name if moved else "", rows, rng)]
    return made


def _levels(name: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    shares = _SHARES[::-1] if name == "reordered" else _SHARES
    if name == "tilted":
        shares = shares + np.array([0.005, -0.005, *[0] * (len(shares) - 2)])
    found = rng.choice(len(shares), rows, p=shares)
    return np.where(rng.random(rows) < 0.02, len(shares), found) if name == "new" else found
