"""Makes of a converted model its twin for coded rows (:mod:`..coding`): the same model, without texts.

Copying texts into the model and looking each of them up costs several times what a small model calculates. The twin compares every code
with every category's code instead, all in one step. From the one-hot encoded columns on, its graph is that of the model.
"""

import base64
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ..coding import codes_of
from ..contract import Contract
from ..scorer import CODED

MOST_CATEGORIES = 2000  # of all columns together: with more the comparisons cost what they save
LARGEST = 8 * 1024 * 1024  # bytes: what a larger model calculates takes longer than its texts do, and it would be kept twice
_NEVER = -1.0  # the code of a category that no row can have


class _Encoders(NamedTuple):
    """The part of a graph that one-hot encodes texts: its nodes, column and category of each column it makes, the value that it gives."""

    nodes: list[NodeProto]
    categories: list[tuple[int, str]]
    gives: str


def twin(model: onnx.ModelProto, contract: Contract) -> onnx.ModelProto | None:
    """The twin of a model that has one input per column; its own is ``coded [N, k + m]``.

    None where the model does not one-hot encode each column of texts, or would be too large.
    """
    encoders = _encoders(model.graph, [value.name for value in model.graph.input][len(contract.numeric) :])
    if encoders is None or len(encoders.categories) > MOST_CATEGORIES or model.ByteSize() > LARGEST:
        return None
    columns, numbers = [value.name for value in model.graph.input], len(contract.numeric)
    rest = [node for node in model.graph.node if node not in encoders.nodes]
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.input[:], made.graph.node[:]
    made.graph.input.append(helper.make_tensor_value_info(CODED, TensorProto.FLOAT, [None, len(columns)]))
    made.graph.node.append(_apart(made, columns[:numbers], len(columns) - numbers, rest))
    made.graph.node.extend([*_one_hot(made, encoders, contract), *rest])
    return made


def add(twin: onnx.ModelProto, model: onnx.ModelProto) -> None:
    """Put a twin into the metadata of its model, in base64."""
    helper.set_model_props(model, {CODED: base64.b64encode(twin.SerializeToString(deterministic=True)).decode()})


def split(model: onnx.ModelProto, name: str, widths: dict[str, int]) -> NodeProto:
    """A node that splits the columns of a value into others of these widths."""
    opset = next(entry.version for entry in model.opset_import if entry.domain == "")
    sizes = np.array(list(widths.values()), dtype=np.int64)
    if opset < 13:  # the widths became an input with this version
        return helper.make_node("Split", [name], list(widths), name=f"split_{name}", axis=1, split=sizes)
    model.graph.initializer.append(numpy_helper.from_array(sizes, f"{name}_widths"))
    return helper.make_node("Split", [name, f"{name}_widths"], list(widths), name=f"split_{name}", axis=1)


def _encoders(graph: onnx.GraphProto, columns: list[str]) -> _Encoders | None:
    """The encoders of these columns; None unless each has one and what they give stands side by side."""
    constants = {one.name: numpy_helper.to_array(one).tolist() for one in graph.initializer}
    uses = Counter(name for node in graph.node for name in node.input)
    picks = {node.output[0]: node for node in graph.node if _picks_all(node, columns, constants)}  # the converter's for a single column
    places = {name: place for place, name in enumerate(columns)} | {name: columns.index(one.input[0]) for name, one in picks.items()}
    encoders = {node.output[0]: node for node in graph.node if node.input[0] in places and _is_one_hot(node)}
    if not columns or len(encoders) != len(columns) or any(uses[name] != 1 for name in (*places, *encoders)):
        return None
    nodes, order = [*picks.values(), *encoders.values()], list(encoders)
    last = next(node for node in graph.node if order[0] in node.input)
    if len(encoders) > 1:
        if last.op_type != "Concat" or set(last.input) != set(encoders) or uses[last.output[0]] != 1:
            return None
        nodes, order, joined = [*nodes, last], list(last.input), last.output[0]
        last = next(node for node in graph.node if joined in node.input)
    categories = [(places[encoders[name].input[0]], text) for name in order for text in _texts(encoders[name])]
    if last.op_type != "Reshape" or constants.get(last.input[1]) != [-1, len(categories)]:
        return None
    return _Encoders([*nodes, last], categories, last.output[0])


def _picks_all(node: NodeProto, columns: list[str], constants: dict[str, Any]) -> bool:
    """Whether a node gives a column as it is."""
    if node.op_type != "Gather" or node.input[0] not in columns:
        return False
    return constants.get(node.input[1]) == [0] and _attributes(node) == {"axis": 1}


def _is_one_hot(node: NodeProto) -> bool:
    """Whether a node encodes texts, and one that it does not know as nothing but zeros."""
    return node.op_type == "OneHotEncoder" and bool(_texts(node)) and _attributes(node).get("zeros", 1) == 1


def _texts(node: NodeProto) -> list[str]:
    return [text.decode() for text in _attributes(node).get("cats_strings", [])]


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def _apart(model: onnx.ModelProto, numeric: list[str], texts: int, rest: list[NodeProto]) -> NodeProto:
    """The node that takes rows apart into numbers and codes; where ``rest`` joins all numbers at once, they are not parted for it."""
    joins = [node for node in rest if node.op_type == "Concat" and list(node.input) == numeric]
    uses = Counter(name for node in rest for name in node.input)
    if not joins or any(uses[name] != 1 for name in numeric):
        return split(model, CODED, {**dict.fromkeys(numeric, 1), "codes": texts})
    rest.remove(joins[0])
    return split(model, CODED, {joins[0].output[0]: len(numeric), "codes": texts})


def _one_hot(model: onnx.ModelProto, encoders: _Encoders, contract: Contract) -> list[NodeProto]:
    """Nodes that repeat each row's codes ``[N, m]`` once for each category, and compare them: ``[N, categories]``."""
    known = [codes_of(column) for column in contract.columns[len(contract.numeric) :]]
    repeat = np.zeros((len(known), len(encoders.categories)), dtype=np.float32)
    repeat[[column for column, _ in encoders.categories], np.arange(len(encoders.categories))] = 1
    codes = np.array([known[column].get(text, _NEVER) for column, text in encoders.categories], dtype=np.float32)
    model.graph.initializer.extend([numpy_helper.from_array(repeat, "repeat"), numpy_helper.from_array(codes, "categories")])
    return [
        helper.make_node("MatMul", ["codes", "repeat"], ["repeated"], name="repeat"),
        helper.make_node("Equal", ["repeated", "categories"], ["equal"], name="compare"),
        helper.make_node("Cast", ["equal"], [encoders.gives], name="encode", to=TensorProto.FLOAT),
    ]
