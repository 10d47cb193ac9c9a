"""A model as two .tflite files: its synapses in int8, and its steps in float32. Must not run them.

Synapses (features -> currents) are quantised: features by 1/127, since each lies in [-1, 1]; weights as the model holds
them, one scale per offer; currents to 255 levels from 0 to the model's `most_current`. Below 0 nothing is lost, as such
a neuron never fires whatever the level. The steps stay in float32: eight of them on a few hundred numbers cost less
than the call, and a spike that flips is the one error that inhibition would multiply.
"""

from typing import Any, Final

import numpy as np
import tflite
from numpy.typing import NDArray

from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from hotpath.inference.tflite_file import Options, Quantisation, TfliteFile
from hotpath.inference.unrolled import CURRENTS, SHARE, Operation, unrolled

_FEATURE_SCALE: Final = 1 / 127
_LEVELS: Final = 255
_LEAST: Final = -128
_BIAS_MOST: Final = 2**30
_LEAST_SCALE: Final = 1e-9


def most_current(model: SpikingModel) -> float:
    """The current up to which levels are told apart.

    At 2 plus the inhibition a neuron fires in each step whatever the others do, and ends with a full potential: its
    score is 1, as it is for any current above.
    """
    return model.calibrated_current or 2.0 + model.inhibition


def synapses(model: SpikingModel, batch: int) -> bytes:
    """Features, float32 of shape (1, batch, 1, 256), to currents, int8 of shape (1, batch, 1, offers + 1).

    The last current is that of a neuron that is not there: 0, so that it never fires. Padding points at it.
    """
    file, neurons = TfliteFile(), len(model.offer_ids) + 1
    weights, scales, biases = _rows(model)
    units = scales * _FEATURE_SCALE
    given = file.tensor("features", (1, batch, 1, FEATURES))
    features = file.tensor("features_int8", (1, batch, 1, FEATURES), np.int8, Quantisation((_FEATURE_SCALE,)))
    file.operator(tflite.BuiltinOperator.QUANTIZE, (given,), features)
    held = file.constant("weights", weights.reshape(neurons, 1, 1, FEATURES), Quantisation(scales.tolist()))
    added = file.constant("biases", np.rint(biases / units).astype(np.int32), Quantisation(units.tolist()))
    currents = file.tensor("currents", (1, batch, 1, neurons), np.int8, _currents(model))
    # A convolution by one pixel is a matrix product, and has had a scale per row from the first int8 release on.
    file.operator(
        tflite.BuiltinOperator.CONV_2D,
        (features, held, added),
        currents,
        version=3,
        options_type=tflite.BuiltinOptions.Conv2DOptions,
        options=_convolution,
    )
    return file.written((given,), currents)


def _rows(model: SpikingModel) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.float64]]:
    """Weights, scales and biases as a file can have them, with the row that pads.

    A file's scale is above 0 and large enough for the row's bias to be told in 32 bits of it. Nearly every row's is,
    and keeps its weights to the bit; another row's weights are told in the scale that it needs.
    """
    held = np.frombuffer(model.weights + bytes(FEATURES), np.int8).reshape(-1, FEATURES)
    given = np.asarray([*model.scales, 0.0])
    biases = np.asarray([*model.biases, 0.0])
    scales = np.maximum(np.abs(given), np.maximum(np.abs(biases) / (_FEATURE_SCALE * _BIAS_MOST), _LEAST_SCALE))
    [other] = np.nonzero(scales != given)
    weights = held.copy()
    weights[other] = np.clip(np.rint(held[other] * (given / scales)[other, None]), -128, 127).astype(np.int8)
    return weights, scales, biases


def steps(model: SpikingModel, batch: int, width: int) -> bytes:
    """Currents, int8 of shape (batch, width), and shares, float32 (batch, 1), to scores, float32 (batch, width)."""
    file, plan = TfliteFile(), unrolled(model)
    given = file.tensor("currents_int8", (batch, width), np.int8, _currents(model))
    share = file.tensor(SHARE, (batch, 1))
    names = {SHARE: share, CURRENTS: file.tensor(CURRENTS, (batch, width))}
    file.operator(tflite.BuiltinOperator.DEQUANTIZE, (given,), names[CURRENTS], version=2)
    for name, value in plan.constants.items():
        names[name] = file.constant(name, np.array([value], np.float32))
    axis = file.constant("axis", np.array([1], np.int32))
    for node in plan.nodes:
        is_sum = node.operation is Operation.SUM
        names[node.output] = file.tensor(node.output, (batch, 1) if is_sum else (batch, width))
        inputs = [names[name] for name in node.inputs]
        code, options_type, options = _OPERATORS[node.operation]
        file.operator(
            code,
            (*inputs, axis) if is_sum else inputs,
            names[node.output],
            options_type=options_type,
            options=options,
        )
    return file.written((given, share), names[plan.scores])


def _currents(model: SpikingModel) -> Quantisation:
    return Quantisation((most_current(model) / _LEVELS,), _LEAST)


def _convolution(builder: Any) -> int:
    tflite.Conv2DOptionsStart(builder)
    tflite.Conv2DOptionsAddPadding(builder, tflite.Padding.VALID)
    for add in (
        tflite.Conv2DOptionsAddStrideW,
        tflite.Conv2DOptionsAddStrideH,
        tflite.Conv2DOptionsAddDilationWFactor,
        tflite.Conv2DOptionsAddDilationHFactor,
    ):
        add(builder, 1)
    return int(tflite.Conv2DOptionsEnd(builder))


def _row_sum(builder: Any) -> int:
    tflite.ReducerOptionsStart(builder)
    tflite.ReducerOptionsAddKeepDims(builder, True)
    return int(tflite.ReducerOptionsEnd(builder))


def _plain(start: Any, end: Any) -> Options:
    def options(builder: Any) -> int:
        start(builder)
        return int(end(builder))

    return options


_CODES, _TABLES = tflite.BuiltinOperator, tflite.BuiltinOptions
_EXTREMUM: Final = _plain(tflite.MaximumMinimumOptionsStart, tflite.MaximumMinimumOptionsEnd)
_OPERATORS: Final[dict[Operation, tuple[int, int, Options | None]]] = {
    Operation.ADD: (_CODES.ADD, _TABLES.AddOptions, _plain(tflite.AddOptionsStart, tflite.AddOptionsEnd)),
    Operation.SUBTRACT: (_CODES.SUB, _TABLES.SubOptions, _plain(tflite.SubOptionsStart, tflite.SubOptionsEnd)),
    Operation.MULTIPLY: (_CODES.MUL, _TABLES.MulOptions, _plain(tflite.MulOptionsStart, tflite.MulOptionsEnd)),
    Operation.FLOOR: (_CODES.FLOOR, 0, None),
    Operation.MAXIMUM: (_CODES.MAXIMUM, _TABLES.MaximumMinimumOptions, _EXTREMUM),
    Operation.MINIMUM: (_CODES.MINIMUM, _TABLES.MaximumMinimumOptions, _EXTREMUM),
    Operation.SUM: (_CODES.SUM, _TABLES.ReducerOptions, _row_sum),
}
