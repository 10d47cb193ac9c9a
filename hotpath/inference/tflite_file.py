"""Writes .tflite files: tensors, built-in operators and quantisation over flatbuffers. Must not know a model.

Only operators and versions that runtimes of 2019 have, so that one file loads in LiteRT and in tflite-runtime.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

_IDENTIFIER: Final = b"TFL3"
_SCHEMA: Final = 3
#: Where a buffer begins, in bytes: vector units read it without a copy.
_ALIGNED: Final = 16
_TYPES: Final = {
    np.dtype(np.float32): tflite.TensorType.FLOAT32,
    np.dtype(np.int32): tflite.TensorType.INT32,
    np.dtype(np.int8): tflite.TensorType.INT8,
}

Options = Callable[[Any], int]


class Quantisation(NamedTuple):
    """real = scale * (stored - zero_point); several scales are one per index of the first dimension."""

    scales: Sequence[float]
    zero_point: int = 0


class _Tensor(NamedTuple):
    name: str
    shape: tuple[int, ...]
    kind: int
    data: bytes | None
    quantisation: Quantisation | None


class _Operator(NamedTuple):
    code: int
    version: int
    inputs: Sequence[int]
    output: int
    options_type: int
    options: Options | None


class TfliteFile:
    """One graph in the making; tensors are numbered in the order in which they are added."""

    def __init__(self) -> None:
        """An empty graph."""
        self._tensors: list[_Tensor] = []
        self._operators: list[_Operator] = []

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: type[np.generic] = np.float32,
        quantisation: Quantisation | None = None,
    ) -> int:
        """A tensor that is fed in or computed."""
        return self._add(_Tensor(name, shape, _TYPES[np.dtype(dtype)], None, quantisation))

    def constant(self, name: str, values: NDArray[Any], quantisation: Quantisation | None = None) -> int:
        """A tensor that the file holds."""
        return self._add(_Tensor(name, values.shape, _TYPES[values.dtype], values.tobytes(), quantisation))

    def operator(
        self,
        code: int,
        inputs: Sequence[int],
        output: int,
        *,
        version: int = 1,
        options_type: int = 0,
        options: Options | None = None,
    ) -> int:
        """An operator, run behind those added before it; gives back its output.

        Args:
            code: of `tflite.BuiltinOperator`.
            inputs: tensors.
            output: the tensor that it writes.
            version: of the operator; 1 for most.
            options_type: of `tflite.BuiltinOptions`.
            options: writes the options' table, given the builder.
        """
        self._operators.append(_Operator(code, version, inputs, output, options_type, options))
        return output

    def written(self, inputs: Sequence[int], output: int) -> bytes:
        """The file."""
        builder = flatbuffers.Builder(sum(len(one.data or b"") for one in self._tensors) + 65_536)
        # Buffer 0 is empty, as the format has it: tensors without data name it.
        buffers = [_buffer(builder, None)]
        tensors = []
        for one in self._tensors:
            if one.data is not None:
                buffers.append(_buffer(builder, one.data))
            tensors.append(_tensor(builder, one, 0 if one.data is None else len(buffers) - 1))
        codes = list(dict.fromkeys((one.code, one.version) for one in self._operators))
        operators = [_operator(builder, one, codes.index((one.code, one.version))) for one in self._operators]
        parts = (
            _offsets(builder, tensors, tflite.SubGraphStartTensorsVector),
            _offsets(builder, operators, tflite.SubGraphStartOperatorsVector),
            _numbers(builder, inputs, tflite.SubGraphStartInputsVector),
            _numbers(builder, (output,), tflite.SubGraphStartOutputsVector),
        )
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, parts[0])
        tflite.SubGraphAddOperators(builder, parts[1])
        tflite.SubGraphAddInputs(builder, parts[2])
        tflite.SubGraphAddOutputs(builder, parts[3])
        graph = tflite.SubGraphEnd(builder)
        _finish(builder, graph, [_code(builder, *code) for code in codes], buffers)
        return bytes(builder.Output())

    def _add(self, tensor: _Tensor) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1


def _finish(builder: Any, graph: int, codes: list[int], buffers: list[int]) -> None:
    graphs = _offsets(builder, [graph], tflite.ModelStartSubgraphsVector)
    code_vector = _offsets(builder, codes, tflite.ModelStartOperatorCodesVector)
    buffer_vector = _offsets(builder, buffers, tflite.ModelStartBuffersVector)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, _SCHEMA)
    tflite.ModelAddOperatorCodes(builder, code_vector)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddBuffers(builder, buffer_vector)
    builder.Finish(tflite.ModelEnd(builder), _IDENTIFIER)


def _buffer(builder: Any, data: bytes | None) -> int:
    held = None
    if data is not None:
        builder.StartVector(1, len(data), _ALIGNED)
        builder.head -= len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        held = builder.EndVector()
    tflite.BufferStart(builder)
    if held is not None:
        tflite.BufferAddData(builder, held)
    return int(tflite.BufferEnd(builder))


def _tensor(builder: Any, tensor: _Tensor, buffer: int) -> int:
    quantisation = None if tensor.quantisation is None else _quantisation(builder, tensor.quantisation)
    name = builder.CreateString(tensor.name)
    shape = _numbers(builder, tensor.shape, tflite.TensorStartShapeVector)
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, tensor.kind)
    tflite.TensorAddBuffer(builder, buffer)
    tflite.TensorAddName(builder, name)
    if quantisation is not None:
        tflite.TensorAddQuantization(builder, quantisation)
    return int(tflite.TensorEnd(builder))


def _quantisation(builder: Any, quantisation: Quantisation) -> int:
    # Number by number, as elsewhere, 10,000 offers would take 15 ms.
    scales = builder.CreateNumpyVector(np.array(quantisation.scales, np.float32))
    zero_points = builder.CreateNumpyVector(np.full(len(quantisation.scales), quantisation.zero_point, np.int64))
    tflite.QuantizationParametersStart(builder)
    tflite.QuantizationParametersAddScale(builder, scales)
    tflite.QuantizationParametersAddZeroPoint(builder, zero_points)
    return int(tflite.QuantizationParametersEnd(builder))


def _operator(builder: Any, operator: _Operator, code: int) -> int:
    options = None if operator.options is None else operator.options(builder)
    inputs = _numbers(builder, operator.inputs, tflite.OperatorStartInputsVector)
    outputs = _numbers(builder, (operator.output,), tflite.OperatorStartOutputsVector)
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, operator.options_type)
        tflite.OperatorAddBuiltinOptions(builder, options)
    return int(tflite.OperatorEnd(builder))


def _code(builder: Any, code: int, version: int) -> int:
    tflite.OperatorCodeStart(builder)
    # Runtimes before 2021 read the code from its old, narrower field.
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, code)
    tflite.OperatorCodeAddBuiltinCode(builder, code)
    tflite.OperatorCodeAddVersion(builder, version)
    return int(tflite.OperatorCodeEnd(builder))


def _numbers(builder: Any, values: Sequence[int], start: Callable[[Any, int], object]) -> int:
    start(builder, len(values))
    for value in reversed(values):
        builder.PrependInt32(value)
    return int(builder.EndVector())


def _offsets(builder: Any, offsets: Sequence[int], start: Callable[[Any, int], object]) -> int:
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
