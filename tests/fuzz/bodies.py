"""Throws mutated bodies at the parsers of the server: any exception but a refusal is a fault, and what they accept holds to the contract.

``python bodies.py fuzz CORPUS OPTIONS…`` looks for faults with atheris (options are libFuzzer's), ``python bodies.py replay CORPUS TRIES``
gives the parsers the bodies of a corpus again and again and prints the process's memory after a third of the tries and at the end, in MB.
The first byte of an input says which parser the rest is for.
"""

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from itertools import cycle, islice
from pathlib import Path

import msgspec
import numpy as np

FUZZING = sys.argv[1] == "fuzz"
if FUZZING:
    import atheris

with atheris.instrument_imports(include=["churn"]) if FUZZING else nullcontext():
    from churn.coding import Coding
    from churn.contract import Column, Contract
    from churn.serving.body import Bodies
    from churn.serving.oip import parsed, split
    from churn.serving.reader import Reader, Rows, Table
    from churn.serving.refused import RefusedError
    from churn.serving.tables import from_csv
    from churn.serving.tensors import answer

CONTRACT = Contract(
    model="toy",
    numeric=("age", "any", "fee"),
    categorical=("plan", "note"),
    columns=(
        Column("age", "integer", min=0, max=120),
        Column("any", "integer", missing=True),
        Column("fee", "number", missing=True),
        Column("plan", "category", categories=("basic", "plus")),
        Column("note", "category", categories=("a", "None"), missing=True),
    ),
    classes=("No", "Yes"),
    positive="Yes",
)
READER, CODING = Reader(CONTRACT), Coding(CONTRACT)
PREDICTION = {"prediction": "Yes", "probability": 0.75}
MARK = b"\0--\0"  # between the JSON of tensors and their binary data
LOOP = asyncio.new_event_loop()
ROW = {"age": 40, "any": None, "fee": 20.5, "plan": "basic", "note": "a"}
TENSORS = [  # head, values, the same as binary data
    ({"name": "age", "datatype": "INT64", "shape": [2]}, [40, 3], np.array([40, 3], "<i8").tobytes()),
    ({"name": "any", "datatype": "INT32", "shape": [2]}, [7, 8], np.array([7, 8], "<i4").tobytes()),
    ({"name": "fee", "datatype": "FP32", "shape": [2, 1]}, [[20.5], [1.0]], np.array([20.5, np.nan], "<f4").tobytes()),
    ({"name": "plan", "datatype": "BYTES", "shape": [2]}, ["basic", "plus"], b"\5\0\0\0basic\4\0\0\0plus"),
    ({"name": "note", "datatype": "BYTES", "shape": [2]}, ["a", ""], b"\1\0\0\0a\0\0\0\0"),
]


def accepted(rows: Rows) -> None:
    """Rows that were let through hold to the contract, and the model can have them."""
    coded = READER.matrix([rows])
    numeric, texts = CODING.apart(coded)
    assert (numeric.shape, texts.shape) == ((rows.count, 3), (rows.count, 2))
    assert np.array_equal(CODING.coded(numeric, texts), coded, equal_nan=True)
    values = ([None if one == "" or one != one else one for one in column.tolist()] for column in (*numeric.T, *texts.T))
    records = [dict(zip(READER.names, row, strict=True)) for row in zip(*values, strict=True)]
    assert CONTRACT.check(records) == []


def typed(table: Table) -> bool:
    """Whether typed rows hold to the contract, in the words of both ways to know it."""
    found = READER.table(table)
    broken = CONTRACT.check([dict(zip(READER.names, row, strict=True)) for row in table])
    if isinstance(found, list):
        assert found == broken != []
        return False
    assert broken == []
    accepted(found)
    return True


def from_json(body: bytes) -> None:
    accepted(READER.json(body))


def from_table(body: bytes) -> None:
    for table in from_csv(body, CONTRACT):
        typed(table)


def from_tensors(body: bytes) -> None:
    head, mark, binary = body.partition(MARK)
    headers = {b"inference-header-content-length": b"%d" % len(head)} if mark else {}
    request, table = parsed(*split(headers, head + binary), CONTRACT)
    if typed(table):
        told, data = answer([PREDICTION] * len(table), request, CONTRACT)
        assert msgspec.json.decode(msgspec.json.encode(told)) == told
        assert len(data) == sum(one.get("parameters", {}).get("binary_data_size", 0) for one in told)


def from_compressed(body: bytes) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body[1:]}

    encoding = b"gzip" if body[:1] < b"\x80" else b"deflate"
    plain = LOOP.run_until_complete(Bodies().read({b"content-encoding": encoding}, receive, 65536))
    assert len(plain) <= 65536
    from_json(plain)


PARSERS: tuple[Callable[[bytes], None], ...] = (from_json, from_table, from_tensors, from_compressed)


def try_one(data: bytes) -> None:
    """Give one input to its parser; a refusal is as good as an answer when it blames the client and can be told."""
    if not data:
        return
    try:
        PARSERS[data[0] % len(PARSERS)](data[1:])
    except RefusedError as refused:
        assert 400 <= refused.status < 500, refused.status
        assert msgspec.json.decode(msgspec.json.encode(refused.content))["error"]


def seeds() -> list[bytes]:
    """A good body for every parser and form, to begin with."""
    row = json.dumps(ROW).encode()
    wanted = {"outputs": [{"name": "probability", "parameters": {"binary_data": True}}], "id": "1"}
    plain = {"inputs": [{**head, "data": values} for head, values, _ in TENSORS], "parameters": {"binary_data_output": True}}
    binary = {"inputs": [{**head, "parameters": {"binary_data_size": len(data)}} for head, _, data in TENSORS]}
    return [
        *(b"\0" + body for body in (row, b"[%b, %b]" % (row, row), b'{"records": [%b]}' % row)),
        b"\1age,any,fee,plan,note\n40,,20.5,basic,a\n3,7,,plus,\n",
        b'\1\xef\xbb\xbf"note","plan","fee","any","age"\r\n"a","plus","1e3","-7","120"\r\n',
        b"\2" + json.dumps(plain).encode(),
        b"\2" + json.dumps(binary | wanted).encode() + MARK + b"".join(data for *_, data in TENSORS),
        b"\3\0" + gzip.compress(row, mtime=0),
        b"\3\xff" + zlib.compress(row),
    ]


def memory() -> float:
    """What this process occupies, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def replay(corpus: Path, tries: int) -> None:
    """Print the memory after a third of the tries and after all."""
    bodies = [path.read_bytes() for path in sorted(corpus.iterdir())]
    for number, body in enumerate(islice(cycle(bodies), tries), start=1):
        try_one(body)
        if number in (tries // 3, tries):
            print(f"{memory():.1f}")


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    if FUZZING:
        for number, seed in enumerate(seeds()):
            PARSERS[seed[0]](seed[1:])  # a refusal here would mean that the seeds are no good bodies any more
            (folder / f"seed-{number}").write_bytes(seed)
        print(f"{memory():.1f}", flush=True)
        atheris.Setup([sys.argv[0], str(folder), *sys.argv[3:]], try_one)
        atheris.Fuzz()
    replay(folder, int(sys.argv[3]))
