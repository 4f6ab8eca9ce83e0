"""What written values mean: numbers with separators and signs of money, dates, yes and no, words for a missing value.

Every function takes the distinct texts of a column, stripped and not empty, and gives what each is in the data file, or None where they
are something else.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from ..contract import NUMBER

MISSING_WORDS = frozenset(
    {"na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "unknown", "missing", "n.a.", "not available", "#null!"}
)
_PAIRS = (
    ("yes", "no"),
    ("true", "false"),
    ("y", "n"),
    ("t", "f"),
    ("on", "off"),
    ("ja", "nein"),
    ("oui", "non"),
    ("si", "no"),
    ("sí", "no"),
)
MOST_SPELLINGS = 20
POSITIVE_WORDS = frozenset({pair[0] for pair in _PAIRS} | {"1", "1.0", "positive", "pos"})
_PLAIN = re.compile(NUMBER)
_POINT = re.compile(r"[-+]?\d{1,3}(?:[,\u00a0\u202f' ]\d{3})+(?:\.\d*)?")  # 1,234.5 and 1 234.5
_COMMA = re.compile(r"[-+]?(?:\d{1,3}(?:[.\u00a0\u202f' ]\d{3})+|\d+)(?:,\d+)?")  # 1.234,5 and 1234,5
_SIGN = re.compile(r"^(?P<minus>[-+]?)[$€£¥]\s*|\s*(?:[$€£¥%]|EUR|USD)$")
_GROUPS = re.compile(r"[,\u00a0\u202f' ]")
_SHAPES = (
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S",
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y",
)  # fmt: skip
_ORDERED = {
    "dmy": ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y", "%d-%m-%Y %H:%M", "%d/%m/%y"),
    "mdy": ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m-%d-%Y", "%m-%d-%Y %H:%M", "%m/%d/%y"),
}
_SAMPLE = 50


def is_missing_word(text: str) -> bool:
    """Whether people write this for a value that they do not have."""
    return text.casefold() in MISSING_WORDS


def number(text: str, comma: bool = False) -> str | None:
    """A number as the contract wants it written; with ``comma`` the comma stands before decimals. None for anything else."""
    if _PLAIN.fullmatch(text) and not comma:
        return text.strip()
    bare = _SIGN.sub(lambda match: match["minus"] or "", text)
    bare = _SIGN.sub(lambda match: match["minus"] or "", bare)
    if comma:
        return _GROUPS.sub("", bare.replace(".", "").replace(",", "\0")).replace("\0", ".") if _COMMA.fullmatch(bare) else None
    if _PLAIN.fullmatch(bare):
        return bare.strip()
    return _GROUPS.sub("", bare) if _POINT.fullmatch(bare) else None


def numbers(texts: Sequence[str]) -> list[str | None]:
    """The numbers among the texts, in the style that fits more of them; ``1,234`` alone is one thousand two hundred and thirty-four."""
    with_point = [number(text) for text in texts]
    if None not in with_point:
        return with_point
    with_comma = [number(text, comma=True) for text in texts]
    return with_comma if with_comma.count(None) < with_point.count(None) else with_point


def booleans(texts: Sequence[str]) -> list[str] | None:
    """Yes and no in different spellings, each in the spelling that comes first; None for anything else."""
    if len(texts) > MOST_SPELLINGS:
        return None
    folded = [text.casefold() for text in texts]
    if any({*folded} <= {*pair} for pair in _PAIRS) and len({*folded}) < len(folded):
        first = dict(zip(reversed(folded), reversed(texts), strict=True))
        return [first[fold] for fold in folded]
    return None


def dates(texts: Sequence[str], order: str | None = None) -> tuple[list[str], bool] | None:
    """The dates by ISO 8601, and whether day and month might be the other way round; None when a text is no date.

    Dates with a time zone are given in UTC. ``order`` (``dmy`` or ``mdy``) says how 03/04/2024 is meant; the texts may say it as well.
    """
    if not texts or not any(sign.isdigit() for sign in texts[0]):
        return None
    if (found := _iso(texts)) is not None:
        return _written(found), False
    for shape in _SHAPES:
        if (found := _parsed(texts, shape)) is not None:
            return _written(found), False
    for one, other in (("dmy", "mdy"), ("mdy", "dmy")):
        if order in (None, one):
            for shape, reverse in zip(_ORDERED[one], _ORDERED[other], strict=True):
                if (found := _parsed(texts, shape)) is not None:
                    return _written(found), order is None and _parsed(texts, reverse) is not None
    return None


def _iso(texts: Sequence[str]) -> list[datetime] | None:
    try:
        if not all(len(text) >= 10 and text[4] == "-" for text in texts):
            return None
        return [datetime.fromisoformat(text) for text in texts]
    except ValueError:
        return None


def _parsed(texts: Sequence[str], shape: str) -> list[datetime] | None:
    try:
        for text in texts[:_SAMPLE]:
            datetime.strptime(text, shape)
        return [datetime.strptime(text, shape) for text in texts]
    except ValueError:
        return None


def _written(found: list[datetime]) -> list[str]:
    """All in one form, so that their order as text is their order in time."""
    plain = [one.astimezone(UTC).replace(tzinfo=None) if one.tzinfo else one for one in found]
    days = all(one == one.replace(hour=0, minute=0, second=0, microsecond=0) for one in plain)
    return [one.date().isoformat() if days else one.isoformat() for one in plain]
