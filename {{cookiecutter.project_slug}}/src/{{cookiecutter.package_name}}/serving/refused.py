"""Requests that are refused: with which status, and in which words."""

from collections.abc import Sequence

from ..contract import Violation, short

MOST_VIOLATIONS = 100


class RefusedError(Exception):
    """A request that is answered with ``status`` and ``content`` instead of predictions.

    ``kind`` is the word under which it is counted, ``digest`` that of the model whose contract was broken. A 503 tells the client to come
    again after ``wait`` seconds, a 405 what to send instead.
    """

    def __init__(
        self,
        status: int,
        error: str,
        violations: list[Violation] | None = None,
        *,
        kind: str = "malformed",
        wait: int = 5,
        allow: str = "POST",
    ) -> None:
        super().__init__(error)
        self.status, self.kind, self.wait, self.allow = status, kind, wait, allow
        self.digest: str | None = None
        self.content: dict[str, object] = {"error": error}
        if violations is not None:
            self.content["violations"] = [
                {"row": one.row, "field": one.column or None, "value": one.value, "rule": one.rule} for one in violations[:MOST_VIOLATIONS]
            ]


def broken(violations: list[Violation]) -> RefusedError:
    """The refusal of rows that break the contract; it carries the first hundred violations."""
    count = "1 value does" if len(violations) == 1 else f"{len(violations)} values do"
    return RefusedError(422, f"{count} not hold to the contract; GET /model shows it", violations, kind="contract")


def not_objects(records: Sequence[object]) -> list[Violation]:
    """The records that are no JSON objects."""
    rule = "must be a JSON object with one value per column"
    return [Violation(row, "", short(record), rule) for row, record in enumerate(records) if not isinstance(record, dict)]


def too_large(limit: int) -> RefusedError:
    """The refusal of a body above the limit, in bytes."""
    return RefusedError(413, f"the body is larger than {limit} bytes; send fewer rows in one request", kind="too_large")


def too_many(rows: int | str, limit: int) -> RefusedError:
    """The refusal of more rows than one request may have."""
    return RefusedError(413, f"{rows} rows are too many; send at most {limit} in one request", kind="too_large")


def no_model(problem: str | None) -> RefusedError:
    """The refusal of everything that needs a model while there is none."""
    return RefusedError(503, f"there is no model yet: {problem}", kind="no_model")


def busy(reason: str) -> RefusedError:
    """The refusal of work above what this server can take on."""
    return RefusedError(503, f"{reason}; send the request again in a moment", kind="overload", wait=1)


def deep() -> RefusedError:
    """The refusal of JSON that is nested without end."""
    return RefusedError(400, "the body is nested too deeply; a value is a number, a text or null")
