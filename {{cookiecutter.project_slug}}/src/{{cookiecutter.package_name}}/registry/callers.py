"""Whether callers who keep to one contract can use a model with another one: what they may send is taken, what they read is answered."""

import math
from collections.abc import Iterator

from ..contract import Column, Contract

_KINDS = {"number": "a number", "integer": "an integer", "category": "a category"}


def problems(now: Contract, target: Contract) -> Iterator[str]:
    """Every reason why callers of ``now`` cannot use ``target``, in words; none where they would not notice."""
    sent, wanted = ({column.name: column for column in one.columns} for one in (now, target))
    for name in wanted:
        if name not in sent:
            yield f"it needs the column {name!r}, which they do not send"
    for name in sent:
        if name not in wanted:
            yield f"it refuses the column {name!r}, which they send"
        else:
            yield from (f"the column {name!r} {rule}" for rule in _narrower(sent[name], wanted[name]))
    yield from _answers(now, target)


def _narrower(now: Column, target: Column) -> Iterator[str]:
    """In what a column takes less than it takes now."""
    if now.missing and not target.missing:
        yield "is required, and may be missing now"
    if (now.type == "category") != (target.type == "category"):
        yield f"holds {_KINDS[target.type]}, and {_KINDS[now.type]} now"
        return
    if (now.type, target.type) == ("number", "integer"):
        yield "takes whole numbers only, and others now"
    if unknown := [text for text in now.categories if text not in target.categories]:
        yield f"does not know {', '.join(map(repr, unknown[:5]))}{' and others' if len(unknown) > 5 else ''}"
    if _lowest(target) > _lowest(now):
        yield f"takes no value below {target.min:g}, and values from {_lowest(now):g} now"
    if _highest(target) < _highest(now):
        yield f"takes no value above {target.max:g}, and values up to {_highest(now):g} now"


def _lowest(column: Column) -> float:
    return -math.inf if column.min is None else column.min


def _highest(column: Column) -> float:
    return math.inf if column.max is None else column.max


def _answers(now: Contract, target: Contract) -> Iterator[str]:
    if now.problem != target.problem:
        yield f"it answers as {target.problem}, and they expect {now.problem}"
    elif set(now.classes) != set(target.classes):
        yield f"its classes are {', '.join(target.classes)}, and they expect {', '.join(now.classes)}"
    elif now.positive != target.positive:
        yield f"its probability is that of {target.positive!r}, and they expect that of {now.positive!r}"
