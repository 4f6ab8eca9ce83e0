"""Turns a fitted pipeline into ONNX with two inputs, ``numeric`` and ``categorical``, and the same bytes every time."""

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from .. import ProblemError
from ..contract import Contract
from . import coded, parity

OUTPUTS = {"classes": ("label", "probabilities"), "values": ("values",)}


class ConvertError(ProblemError):
    """A pipeline that has no ONNX counterpart."""


def convert(pipeline: Pipeline, contract: Contract) -> bytes:
    """The pipeline as ONNX: float32 ``numeric [N, k]`` and text ``categorical [N, m]`` in.

    Out come ``label`` and ``probabilities [N, classes]``, or the ``values [N, 1]`` of a regression.

    Raises :class:`ConvertError` with the converter's reason and what helps. The converter renames columns that are no identifiers
    (``hours per week``), so they are told apart by their position and no name of a column stays in the graph.
    """
    if (known := parity.refusal(pipeline)) is not None:
        raise ConvertError(known)
    _round_down(pipeline)
    types = [(name, FloatTensorType([None, 1])) for name in contract.numeric]
    types += [(name, StringTensorType([None, 1])) for name in contract.categorical]
    try:
        model = to_onnx(pipeline, initial_types=types, options={id(pipeline): {"zipmap": False}} if contract.classes else None)
    except Exception as error:  # the converter raises whatever its parts raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise ConvertError(f"the model cannot be converted to ONNX ({reason}); {parity.general(pipeline)}") from None
    outputs = OUTPUTS["classes" if contract.classes else "values"]
    if len(model.graph.input) != len(types) or len(model.graph.output) != len(outputs):
        inputs = len(model.graph.input)
        raise ConvertError(f"the model's ONNX graph has {inputs} inputs for {len(types)} columns; {parity.general(pipeline)}")
    _anonymise(model, outputs)
    twin = coded.twin(model, contract)
    _join_inputs(model, contract)
    _make_stable(model)
    if twin is not None:
        _make_stable(twin)
        coded.add(twin, model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _round_down(pipeline: Pipeline) -> None:
    """Make each threshold of gradient boosting the largest 32-bit number that is no larger: for 32-bit inputs nothing changes.

    The converter takes the nearest one, and a value midway between two of the training rows (50.9 between 50.8 and 51.0) may be on its
    other side. For the other trees it does this itself.
    """
    for trees in getattr(pipeline.steps[-1][1], "_predictors", ()):
        for tree in trees:
            exact = tree.nodes["num_threshold"]
            near = exact.astype(np.float32)
            tree.nodes["num_threshold"] = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def _anonymise(model: onnx.ModelProto, outputs: tuple[str, ...]) -> None:
    """Number every value, so that no column can be named like an input, an output or another column."""
    graph = model.graph
    names: dict[str, str] = {"": ""}
    names |= {value.name: f"column_{index}" for index, value in enumerate(graph.input)}
    names |= {value.name: output for value, output in zip(graph.output, outputs, strict=True)}
    for index, name in enumerate(_names(graph)):
        names.setdefault(name, f"value_{index}")
    for index, node in enumerate(graph.node):
        node.name = f"node_{index}"
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    del graph.value_info[:]


def _names(graph: onnx.GraphProto) -> Iterable[str]:
    for value in graph.initializer:
        yield value.name
    for node in graph.node:
        if any(attribute.HasField("g") for attribute in node.attribute):
            raise ConvertError(f"the model's ONNX graph has the nested part {node.op_type}; choose another estimator or step")
        yield from node.output


def _join_inputs(model: onnx.ModelProto, contract: Contract) -> None:
    """Replace one input per column by one per kind."""
    graph = model.graph
    widths = {"numeric": len(contract.numeric), "categorical": len(contract.categorical)}
    kinds = {"numeric": TensorProto.FLOAT, "categorical": TensorProto.STRING}
    columns = [value.name for value in graph.input]
    del graph.input[:]
    nodes = []
    for name, width in widths.items():
        if width:
            graph.input.append(helper.make_tensor_value_info(name, kinds[name], [None, width]))
            nodes.append(coded.split(model, name, dict.fromkeys(columns[:width], 1)))
            columns = columns[width:]
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def _make_stable(model: onnx.ModelProto) -> None:
    """Take out what differs from run to run: the converter takes the order of ``opset_import`` from a set."""
    opsets = sorted(model.opset_import, key=lambda entry: entry.domain)
    copies = [helper.make_opsetid(entry.domain, entry.version) for entry in opsets]
    del model.opset_import[:]
    model.opset_import.extend(copies)
    model.graph.name = "model"
    model.doc_string = model.graph.doc_string = ""
    onnx.checker.check_model(model)
