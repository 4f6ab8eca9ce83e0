"""``params.md``: every key of ``params.yaml``."""

from __future__ import annotations

from typing import Any

from . import text

Facts = dict[str, Any]
_INTRO = """\
A generated repository has one file for everything that a person chooses. Each command reads and checks the whole of it. A key that is
not known, a value of another type and keys that contradict each other end in one line with the place and what to do. Scalars are those
of YAML 1.2: `No` is text, `1e-5` is a number. *required*: the key must be given. For examples see the file itself in a fresh bake."""


def page(facts: Facts) -> str:
    """The page."""
    whole, *parts = facts["structs"]
    names = {part["struct"]: part["name"] for part in parts}
    sections = [_section(part, names) for part in parts]
    grammar = text.prose(facts["gates"])
    metrics, estimators = _metrics(facts), _estimators(facts)
    top = f"## At the top\n\n{text.prose(whole['doc'])}\n\n{_fields(whole, names)}"
    forms = f"## The forms of a gate\n\n{grammar}"
    return text.page("`params.yaml`", "`params.py` and `gate.py`", _INTRO, top, *sections, forms, metrics, estimators)


def _section(part: Facts, names: dict[str, str]) -> str:
    return f"## `{part['name']}`\n\n{text.prose(part['doc'])}\n\n{_fields(part, names)}"


def _fields(part: Facts, names: dict[str, str]) -> str:
    rows = [(f"`{field['key']}`", _linked(field["type"], names), _default(field, names)) for field in part["fields"]]
    return text.table(("key", "value", "default"), rows)


def _linked(words: str, names: dict[str, str]) -> str:
    """A type whose structs are links to their sections."""
    for struct, place in names.items():
        words = words.replace(f"`{struct}`", f"[`{place}`](#{anchor(place)})")
    return words


def _default(field: Facts, names: dict[str, str]) -> str:
    if field["default"] is None:
        return "required"
    return "its defaults" if field["type"].strip("`") in names else text.code(field["default"])


def anchor(heading: str) -> str:
    """The fragment that GitHub gives a heading."""
    kept = "".join(character for character in heading.lower() if character.isalnum() or character in " -_")
    return kept.replace(" ", "-")


def _metrics(facts: Facts) -> str:
    lower = facts["lower_is_better"]
    rows = [
        (problem, ", ".join(f"`{name}`" for name in names if name not in lower), ", ".join(f"`{name}`" for name in names if name in lower))
        for problem, names in facts["metrics"].items()
    ]
    told = text.table(("problem", "higher is better", "lower is better"), rows)
    more = "`profit` is known where `money:` is given; a multi-class problem has `recall[CLASS]` for each class as well."
    return f"## Metrics\n\n{told}\n\n{more}"


def _estimators(facts: Facts) -> str:
    rows = [(f"`{name}`", ", ".join(problems)) for name, problems in facts["estimators"].items()]
    return f"## Estimators\n\nThose that `model.estimator` knows.\n\n{text.table(('estimator', 'problems'), rows)}"
