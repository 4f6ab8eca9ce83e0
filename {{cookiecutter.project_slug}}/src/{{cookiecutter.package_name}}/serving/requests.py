"""Reads the body of a prediction request. Whatever it holds, it ends in records that hold to the contract or in a refusal."""

import msgspec
from starlette.requests import Request

from ..contract import Contract, Violation, short
from .live import Records

LARGEST_BODY = 1024 * 1024
MOST_ROWS = 1000
_MOST_VIOLATIONS = 100
_SHAPE = 'send one record {"column": value, …}, a list of records, or {"records": [...]}'


class RefusedError(Exception):
    """A request that is answered with ``status`` and ``content`` instead of predictions."""

    def __init__(self, status: int, error: str, violations: list[Violation] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.content: dict[str, object] = {"error": error}
        if violations is not None:
            self.content["violations"] = [
                {"row": one.row, "field": one.column or None, "value": one.value, "rule": one.rule} for one in violations[:_MOST_VIOLATIONS]
            ]


async def read_body(request: Request) -> bytes:
    """The body, of at most 1 MiB. A larger one is refused by its Content-Length, or as soon as that much has arrived."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusedError(415, "compressed bodies are not read; send plain JSON")
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _too_large()
    return bytes(body)


def read_records(body: bytes, contract: Contract) -> Records:
    """The records in a JSON body, checked by the contract; raises :class:`RefusedError` for anything else."""
    records = _records(_decode(body))
    if not records:
        raise RefusedError(422, f"there is no record in the body; {_SHAPE}", [])
    if len(records) > MOST_ROWS:
        raise RefusedError(413, f"{len(records)} records are too many; send at most {MOST_ROWS} in one request")
    try:
        violations = _not_objects(records) or contract.check(records)
    except RecursionError:
        raise RefusedError(400, "the body is nested too deeply; a value is a number, a text or null") from None
    if violations:
        raise broken(violations)
    return records


def broken(violations: list[Violation]) -> RefusedError:
    """The refusal of records that break the contract; it carries the first hundred violations."""
    count = "1 value does" if len(violations) == 1 else f"{len(violations)} values do"
    return RefusedError(422, f"{count} not hold to the contract; GET /model shows it", violations)


def _not_objects(records: Records) -> list[Violation]:
    rule = "must be a JSON object with one value per column"
    return [Violation(row, "", short(record), rule) for row, record in enumerate(records) if not isinstance(record, dict)]


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except UnicodeDecodeError:
        raise RefusedError(400, "the body is not UTF-8; send JSON in UTF-8") from None
    except RecursionError:
        raise RefusedError(400, "the body is nested too deeply; a value is a number, a text or null") from None
    except msgspec.DecodeError as error:
        reason = "it is empty" if not body.strip() else str(error)
        raise RefusedError(400, f"the body is not JSON ({reason}); {_SHAPE}") from None


def _records(content: object) -> Records:
    if isinstance(content, dict):
        if not isinstance(content.get("records"), list):
            return [content]
        if len(content) > 1:
            raise RefusedError(400, f"beside 'records' the body holds other keys; {_SHAPE}")
        content = content["records"]
    if not isinstance(content, list):
        raise RefusedError(400, f"the body is a single value; {_SHAPE}")
    return content


def _too_large() -> RefusedError:
    return RefusedError(413, f"the body is larger than {LARGEST_BODY} bytes; send fewer records in one request")
