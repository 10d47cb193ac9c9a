"""CoLaNet on LiteRT: int8 synapses and unrolled steps, compiled per batch size. Must not choose itself.

`ai-edge-litert` runs the files; tflite-runtime, its predecessor with the same interpreter, is taken where only that is
installed.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.bid_features import Vector
from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from hotpath.inference.gathering import BATCHES, Gatherer, chunks, padded_width, trimmed
from hotpath.inference.litert_files import steps, synapses
from hotpath.inference.provider import BackendUnavailable, InferenceResult, named
from hotpath.inference.requests import InferenceRequest

_MOST: Final = 32
_RUNTIMES: Final = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


def litert_provider(model: SpikingModel) -> "LiteRtProvider":
    """The provider, on the runtime that is here.

    Raises:
        BackendUnavailable: neither runtime is installed, or what writes the files is missing.
    """
    missing = []
    for name in _RUNTIMES:
        try:
            return LiteRtProvider(model, import_module(name).Interpreter)
        except ImportError as error:
            missing.append(f"{name}: {error}")
    raise BackendUnavailable(f"the backend litert needs ai-edge-litert or tflite-runtime ({'; '.join(missing)})")


class _Graph:
    """One compiled file: inputs in, one output out."""

    def __init__(self, interpreter: Callable[..., Any], content: bytes) -> None:
        self._runner = interpreter(model_content=content, num_threads=1)
        self._runner.allocate_tensors()
        self._inputs = [one["index"] for one in self._runner.get_input_details()]
        self._output = self._runner.get_output_details()[0]["index"]

    def run(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        runner = self._runner
        for index, array in zip(self._inputs, arrays, strict=True):
            runner.set_tensor(index, array)
        runner.invoke()
        result: NDArray[Any] = runner.get_tensor(self._output)
        return result


class LiteRtProvider:
    """One model's graphs. Synapses are compiled for each batch size, steps for each size and width as they come up."""

    def __init__(self, model: SpikingModel, interpreter: Callable[..., Any]) -> None:
        """Compile the synapses; `interpreter` is a runtime's `Interpreter`."""
        self._model = model
        self._interpreter = interpreter
        self._gatherer = Gatherer(model)
        self._synapses = {batch: _Graph(interpreter, synapses(model, batch)) for batch in BATCHES}
        neurons = len(model.offer_ids) + 1
        self._starts = {batch: (np.arange(batch, dtype=np.int32) * neurons)[:, None] for batch in BATCHES}
        self._steps: dict[tuple[int, int], _Graph] = {}

    @property
    def provider_name(self) -> str:
        """The name by which it is chosen."""
        return "litert"

    @property
    def supports_batching(self) -> bool:
        """A batch of 16 costs about twice what one request does."""
        return True

    @property
    def max_batch_size(self) -> int:
        """As the document has it for a CPU."""
        return _MOST

    def warm_up(self) -> None:
        """Run every batch size at the widths that requests of one to four impressions have."""
        nothing = np.zeros(FEATURES, np.float32)
        known = self._model.offer_ids
        for batch in BATCHES:
            for width in sorted({padded_width(min(count, len(known))) for count in (16, 32, 64)}):
                self.predict_batch([InferenceRequest(nothing, known[:width])] * batch)

    def predict(self, profile: Vector, offer_ids: Sequence[str]) -> list[InferenceResult]:
        """Score offers for one profile."""
        return self.predict_batch([InferenceRequest(profile, offer_ids)])[0]

    def predict_batch(self, requests: Sequence[InferenceRequest]) -> list[list[InferenceResult]]:
        """Score several profiles at once."""
        return named(requests, self.score_batch(requests))

    def score_batch(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
        """The bare scores of several profiles."""
        if len(requests) > _MOST:
            raise ValueError(f"{len(requests)} requests are more than a batch of {_MOST}")
        return [scores for chunk in chunks(requests) for scores in self._score(chunk)]

    def _score(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
        features, rows, share = self._gatherer.gather(requests)
        batch, width = rows.shape
        currents = self._synapses[batch].run(features.reshape(1, batch, 1, FEATURES))
        # One flat take for the whole batch: a look-up per request costs more than the synapses.
        rows += self._starts[batch]
        chosen = currents.ravel().take(rows)
        graph = self._steps.get((batch, width))
        if graph is None:
            graph = self._steps[batch, width] = _Graph(self._interpreter, steps(self._model, batch, width))
        return trimmed(requests, graph.run(chosen, share))
