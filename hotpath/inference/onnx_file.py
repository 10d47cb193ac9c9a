"""A model as one .onnx file: a gather of the asked offers' weights, a product, and the unrolled steps.

The file is Protocol Buffers; the few messages that it needs are written here, so that a bid process needs no exporter.
In float32 throughout: what LiteRT's int8 is compared with on the same steps. Must not run it.
"""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from hotpath.inference.unrolled import CURRENTS, SHARE, Operation, unrolled

_IR_VERSION: Final = 7
_OPSET: Final = 13
_TYPES: Final = {np.dtype(np.float32): 1, np.dtype(np.int8): 3, np.dtype(np.int32): 6, np.dtype(np.int64): 7}
_TO_FLOAT: Final = 1
_INT_ATTRIBUTE: Final = 2
_OPERATORS: Final = {
    Operation.ADD: "Add",
    Operation.SUBTRACT: "Sub",
    Operation.MULTIPLY: "Mul",
    Operation.FLOOR: "Floor",
    Operation.MAXIMUM: "Max",
    Operation.MINIMUM: "Min",
    Operation.SUM: "ReduceSum",
}


def onnx_file(model: SpikingModel) -> bytes:
    """Inputs: features (batch, 256), rows int32 (batch, width), share (batch, 1); output: scores (batch, width).

    The row behind the last offer's is of a neuron that is not there: its current is 0, so that it never fires.
    """
    plan = unrolled(model)
    weights = np.frombuffer(model.weights + bytes(FEATURES), np.int8).reshape(-1, FEATURES)
    constants: dict[str, NDArray[Any]] = {
        "weights": weights,
        "scales": np.asarray([*model.scales, 1.0], np.float32),
        "biases": np.asarray([*model.biases, 0.0], np.float32),
        "last": np.array([2], np.int64),
        "rows_axis": np.array([1], np.int64),
        **{name: np.array(value, np.float32) for name, value in plan.constants.items()},
    }
    nodes = [
        _node("Gather", ("weights", "rows"), "chosen_int8"),
        _node("Cast", ("chosen_int8",), "chosen", to=_TO_FLOAT),
        _node("Unsqueeze", ("features", "last"), "columns"),
        _node("MatMul", ("chosen", "columns"), "products"),
        _node("Squeeze", ("products", "last"), "sums"),
        _node("Gather", ("scales", "rows"), "chosen_scales"),
        _node("Gather", ("biases", "rows"), "chosen_biases"),
        _node("Mul", ("sums", "chosen_scales"), "scaled"),
        _node("Add", ("scaled", "chosen_biases"), CURRENTS),
    ]
    for node in plan.nodes:
        inputs = (*node.inputs, "rows_axis") if node.operation is Operation.SUM else node.inputs
        nodes.append(_node(_OPERATORS[node.operation], inputs, node.output))
    graph = _message(
        *((1, node) for node in nodes),
        (2, "colanet"),
        *((5, _constant(name, values)) for name, values in constants.items()),
        (11, _value("features", np.float32, "batch", FEATURES)),
        (11, _value("rows", np.int32, "batch", "width")),
        (11, _value(SHARE, np.float32, "batch", 1)),
        (12, _value(plan.scores, np.float32, "batch", "width")),
    )
    return _message((1, _IR_VERSION), (7, graph), (8, _message((1, ""), (2, _OPSET))))


def _node(operator: str, inputs: Iterable[str], output: str, **attributes: int) -> bytes:
    numbers = [_message((1, name), (3, value), (20, _INT_ATTRIBUTE)) for name, value in attributes.items()]
    return _message(*((1, name) for name in inputs), (2, output), (4, operator), *((5, one) for one in numbers))


def _constant(name: str, values: NDArray[Any]) -> bytes:
    dimensions = ((1, size) for size in values.shape)
    return _message(*dimensions, (2, _TYPES[values.dtype]), (8, name), (9, values.tobytes()))


def _value(name: str, dtype: type[np.generic], *shape: int | str) -> bytes:
    """An input or output; a size by name is any."""
    sizes = _message(*((1, _message((1 if isinstance(size, int) else 2, size))) for size in shape))
    return _message((1, name), (2, _message((1, _message((1, _TYPES[np.dtype(dtype)]), (2, sizes))))))


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """One message: numbers as varints, texts and inner messages with their length before them."""
    parts: list[bytes] = []
    for number, value in fields:
        if isinstance(value, int):
            parts += (_varint(number << 3), _varint(value))
        else:
            data = value.encode() if isinstance(value, str) else value
            parts += (_varint(number << 3 | 2), _varint(len(data)), data)
    return b"".join(parts)


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)
