"""Tensors of the Open Inference Protocol: what a client sends becomes rows, and predictions become tensors, as JSON or binary.

Each column of the contract is one input of shape [n] or [n, 1]. NaN, null and an empty text are missing values.
"""

import struct
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from ..contract import Column, Contract, Violation
from .reader import MOST_ROWS, Table
from .refused import RefusedError, broken, too_many

_NUMBERS = {
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
    "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
}  # fmt: skip
DATATYPES = (*_NUMBERS, "BYTES")


class Tensor(msgspec.Struct):
    """An input as a client sends it; with ``parameters.binary_data_size`` its data stands behind the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: Any = None
    parameters: dict[str, Any] = {}


class Wanted(msgspec.Struct):
    """An output that a client asks for."""

    name: str
    parameters: dict[str, Any] = {}


class Inference(msgspec.Struct):
    """The JSON of a request for inference."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Wanted] | None = None
    parameters: dict[str, Any] = {}


def inputs(contract: Contract) -> list[dict[str, Any]]:
    """The inputs, as a model's metadata tells them."""
    kinds = {"category": "BYTES", "number": "FP32", "integer": "INT64"}
    return [
        {"name": one.name, "datatype": "FP32" if one.missing and one.type == "integer" else kinds[one.type], "shape": [-1, 1]}
        for one in contract.columns
    ]


def outputs(contract: Contract) -> list[dict[str, Any]]:
    """The outputs, as a model's metadata tells them."""
    if contract.problem == "regression":
        return [{"name": "prediction", "datatype": "FP32", "shape": [-1]}]
    label = {"name": "prediction", "datatype": "BYTES", "shape": [-1]}
    if contract.problem == "binary":
        return [label, {"name": "probability", "datatype": "FP32", "shape": [-1]}]
    return [label, {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(contract.classes)]}]


def rows(request: Inference, binary: bytes, contract: Contract) -> Table:
    """The rows in the inputs, typed and not yet checked; raises :class:`RefusedError` when a tensor is not what it says it is."""
    found: dict[str, list[Any]] = {}
    place = 0
    for tensor in request.inputs:
        size = tensor.parameters.get("binary_data_size", 0)
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(binary) - place:
            raise _wrong(tensor, "binary_data_size is not the length of its data")
        found[tensor.name] = _values(tensor, binary[place : place + size] if "binary_data_size" in tensor.parameters else None)
        place += size
    if place != len(binary):
        raise RefusedError(400, f"{len(binary) - place} bytes stand behind the last input; every input names its binary_data_size")
    _check_names(request, contract)
    if len(lengths := {len(values) for values in found.values()}) > 1:
        raise RefusedError(400, f"the inputs differ in their number of rows: {', '.join(map(str, sorted(lengths)))}")
    if (count := lengths.pop()) > MOST_ROWS:
        raise too_many(count, MOST_ROWS)
    if not count:
        raise RefusedError(422, "there is no row in the inputs", [], kind="contract")
    return list(zip(*(_as(column, found[column.name]) for column in contract.columns), strict=True))


def answer(predictions: list[dict[str, Any]], request: Inference, contract: Contract) -> tuple[list[dict[str, Any]], bytes]:
    """The outputs that were asked for (all when none is named) and the data of the binary ones."""
    told, binary = [], b""
    asked = {one.name: one.parameters for one in request.outputs or ()}
    default = bool(request.parameters.get("binary_data_output"))
    for output in outputs(contract):
        name = output["name"]
        if asked and name not in asked:
            continue
        values: list[Any] = [list(one[name].values()) if name == "probabilities" else one[name] for one in predictions]
        tensor = {**output, "shape": [len(predictions), *output["shape"][1:]]}
        if asked.get(name, {}).get("binary_data", default):
            data = _packed(values) if output["datatype"] == "BYTES" else np.array(values, "<f4").tobytes()
            tensor["parameters"] = {"binary_data_size": len(data)}
            binary += data
        else:
            tensor["data"] = [number for row in values for number in row] if name == "probabilities" else values
        told.append(tensor)
    return told, binary


def check_outputs(request: Inference, contract: Contract) -> None:
    """Raise :class:`RefusedError` when an output is asked for that there is not."""
    known = [one["name"] for one in outputs(contract)]
    for one in request.outputs or ():
        if one.name not in known:
            raise RefusedError(400, f"there is no output {one.name[:60]!r}; there is {', '.join(known)}")


def _check_names(request: Inference, contract: Contract) -> None:
    names, known = [one.name for one in request.inputs], [column.name for column in contract.columns]
    rules = {name: "this column is required" for name in known if name not in names}
    rules |= {name: "this column is not known" for name in names if name not in known}
    rules |= {name: "this column stands twice" for name in names if names.count(name) > 1}
    if rules:
        raise broken([Violation(0, name[:60], None, rule) for name, rule in rules.items()])


def _values(tensor: Tensor, binary: bytes | None) -> list[Any]:
    if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ([], [1]) or tensor.shape[0] < 0:
        raise _wrong(tensor, f"has the shape {str(tensor.shape)[:60]}; it must be [n] or [n, 1]")
    if tensor.datatype not in DATATYPES:
        raise _wrong(tensor, f"has the datatype {tensor.datatype[:20]!r}; send one of {', '.join(DATATYPES)}")
    values = _listed(tensor) if binary is None else _unpacked(tensor, binary)
    if len(values) != tensor.shape[0]:
        raise _wrong(tensor, f"has {len(values)} values, its shape says {tensor.shape[0]}")
    return values


def _listed(tensor: Tensor) -> list[Any]:
    if not isinstance(tensor.data, list):
        raise _wrong(tensor, "has no data; send a list, or binary data with its binary_data_size")
    nested = tensor.shape[1:] == [1] and all(isinstance(value, list) and len(value) == 1 for value in tensor.data)
    values = [value[0] for value in tensor.data] if nested else tensor.data
    fits = str if tensor.datatype == "BYTES" else int | float
    if not all(value is None or (isinstance(value, fits) and not isinstance(value, bool)) for value in values):
        raise _wrong(tensor, f"has a value that is no {tensor.datatype}")
    return values


def _unpacked(tensor: Tensor, binary: bytes) -> list[Any]:
    if tensor.datatype == "BYTES":
        return _texts(tensor, binary)
    kind = np.dtype(_NUMBERS[tensor.datatype])
    if len(binary) % kind.itemsize:
        raise _wrong(tensor, f"has {len(binary)} bytes, which is no number of {tensor.datatype}")
    values: list[Any] = np.frombuffer(binary, kind).tolist()
    return values


def _texts(tensor: Tensor, binary: bytes) -> list[str]:
    found, place = [], 0
    try:
        while place < len(binary):
            (size,) = struct.unpack_from("<I", binary, place)
            place += 4 + size
            if place > len(binary):
                raise _wrong(tensor, "is cut off: a text is longer than the data")
            found.append(binary[place - size : place].decode())
    except (struct.error, UnicodeDecodeError):
        raise _wrong(tensor, "is not a row of texts in UTF-8, each behind its length in four bytes") from None
    return found


def _packed(texts: list[str]) -> bytes:
    return b"".join(struct.pack("<I", len(data)) + data for data in (text.encode() for text in texts))


def _as(column: Column, values: list[Any]) -> list[Any]:
    typed: Callable[[Any], Any] = _text if column.type == "category" else _whole if column.type == "integer" else _number
    return [typed(value) for value in values]


def _text(value: Any) -> Any:
    return value or None if isinstance(value, str) else value


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else _number(value)


def _wrong(tensor: Tensor, what: str) -> RefusedError:
    return RefusedError(400, f"input {tensor.name[:60]!r} {what}")
