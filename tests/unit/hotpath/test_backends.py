"""LiteRT and ONNX Runtime beside the definition: on random vectors, on real requests, and what each says of itself.

How near is near enough: a score moves by a ninth where one spike flips, and lateral inhibition hands that on. LiteRT
rounds features to 1/127 and currents to 1/255 of their range, so its scores may differ by a fraction of a spike; ONNX
Runtime computes in float32 and may differ by a rounding alone, but for a potential that stands at the threshold.
"""

import sys
from collections.abc import Callable

import numpy as np
import pytest

from domain.bid_calibration import calibrated
from domain.bid_snapshot import SpikingModel
from hotpath.inference import litert_provider as litert_module
from hotpath.inference.gathering import BATCHES
from hotpath.inference.onnx_file import onnx_file
from hotpath.inference.provider import BackendUnavailable, CoLaNetProvider
from hotpath.inference.reference import reference_scores
from hotpath.inference.requests import InferenceRequest
from hotpath.inference.selection import BACKEND_VARIABLE, provider_for
from tests.unit.hotpath.real_vectors import DATA, real_requests, vector_of
from tests.unit.hotpath.test_inference import random_model, ranks, tiny_model

#: Median, 90 %, 99 % and largest error of a score in [0, 1]; the mean and the 5 % quantile of the rank correlation of
#: one request's offers; and the share of requests whose best offer is the reference's.
LIMITS = {
    "litert": ((0.003, 0.01, 0.03, 0.12), (0.99, 0.97), 0.95),
    "onnx": ((1e-6, 1e-6, 1e-5, 0.15), (0.999, 0.999), 0.995),
}
BACKENDS = tuple(LIMITS)


def backend(name: str, model: SpikingModel) -> CoLaNetProvider:
    return provider_for({BACKEND_VARIABLE: name}, model)


def compared(
    provider: CoLaNetProvider, model: SpikingModel, requests: list[InferenceRequest]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Errors of all scores, rank correlation by request, and the share of requests with the same best offer."""
    errors, agreement, same = [], [], []
    for at in range(0, len(requests), 16):
        batch = requests[at : at + 16]
        for request, results in zip(batch, provider.predict_batch(batch), strict=True):
            wanted = reference_scores(model, request.profile, request.offer_ids)
            got = [result.score for result in results]
            assert [result.offer_id for result in results] == list(request.offer_ids)
            errors += np.abs(np.subtract(got, wanted)).tolist()
            same.append(wanted[int(np.argmax(got))] == max(wanted))
            if len(set(wanted)) > 1 and len(set(got)) > 1:
                agreement.append(np.corrcoef(ranks(got), ranks(wanted))[0, 1])
    return np.array(errors), np.array(agreement), float(np.mean(same))


def hold(provider: CoLaNetProvider, model: SpikingModel, requests: list[InferenceRequest]) -> None:
    quantiles, (mean, low), best = LIMITS[provider.provider_name]
    errors, agreement, same = compared(provider, model, requests)
    assert (np.quantile(errors, (0.5, 0.9, 0.99, 1.0)) <= quantiles).all()
    assert (np.mean(agreement) >= mean, np.quantile(agreement, 0.05) >= low, same >= best) == (True, True, True)


@pytest.mark.req("FR-INF-001", "FR-INF-008")
@pytest.mark.parametrize("name", BACKENDS)
def test_random_vectors_and_any_number_of_offers(name: str) -> None:
    model = random_model(80)
    rng = np.random.default_rng(2)
    requests = [
        InferenceRequest(
            rng.uniform(-1, 1, 256).astype(np.float32),
            [f"o{number}" for number in rng.permutation(80)[: rng.integers(2, 81)]],
        )
        for _ in range(320)
    ]
    hold(backend(name, model), model, requests)


@pytest.mark.req("FR-INF-001", "FR-RTB-003")
@pytest.mark.external_data
@pytest.mark.skipif(not DATA.is_dir(), reason="EXTERNAL_DATA names no folder with openrtb/")
@pytest.mark.parametrize("name", BACKENDS)
def test_vectors_of_real_requests(name: str) -> None:
    vectors = [vector_of(request) for request in real_requests()]
    assert len(vectors) > 200
    model = calibrated(random_model(200, seed=4), vectors[::2])
    assert 1.0 <= model.calibrated_current < 2.5
    rng = np.random.default_rng(5)
    requests = [InferenceRequest(vector, [f"o{n}" for n in rng.permutation(200)[:16]]) for vector in vectors[1::2]]
    hold(backend(name, model), model, requests)


@pytest.mark.parametrize("name", BACKENDS)
def test_inhibition_by_hand(name: str) -> None:
    # As in the definition's own test: a fires in each step; b, alone, in each second one, and beside a never.
    provider = backend(name, tiny_model((1.0, 0.5), steps=4, leak=1.0, inhibition=0.5))
    zeros = np.zeros(256, np.float32)
    assert [result.score for result in provider.predict(zeros, ["b"])] == pytest.approx([2 / 5], abs=0.02)
    both = [result.score for result in provider.predict(zeros, ["a", "b"])]
    assert both == pytest.approx([4 / 5, 0.5 / 5], abs=0.02)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_batch_changes_nobodys_scores(name: str) -> None:
    provider = backend(name, random_model(70))
    rng = np.random.default_rng(3)
    requests = [
        InferenceRequest(rng.uniform(-1, 1, 256).astype(np.float32), [f"o{n}" for n in range(size)])
        for size in (1, 20, 7, 0, 70, 16, 17, 33, 2, 5, 4, 3, 64, 65, 10, 11, 12)
    ]
    together = provider.predict_batch(requests)
    for request, scores in zip(requests, together, strict=True):
        alone = provider.predict(request.profile, request.offer_ids)
        assert [one.offer_id for one in scores] == list(request.offer_ids)
        assert [one.score for one in alone] == pytest.approx([one.score for one in scores], abs=1e-6)
        assert all(0 <= one.score <= 1 for one in scores)


@pytest.mark.req("FR-INF-009", "FR-INF-010")
@pytest.mark.parametrize("name", BACKENDS)
def test_it_says_what_it_can(name: str) -> None:
    provider = backend(name, random_model(3))
    provider.warm_up()
    assert (provider.provider_name, provider.supports_batching, provider.max_batch_size) == (name, True, 32)
    assert provider.predict_batch([]) == []
    with pytest.raises(ValueError, match="33 requests are more than a batch of 32"):
        provider.predict_batch([InferenceRequest(np.zeros(256, np.float32), ["o1"])] * 33)
    with pytest.raises(KeyError):
        provider.predict(np.zeros(256, np.float32), ["unheard"])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        pytest.param({"biases": (5.0, -40.0)}, (1.0, 0.0), id="far beyond the range"),
        pytest.param({"scales": (0.0, 0.0), "biases": (0.6, 0.0)}, None, id="a row that says nothing"),
        pytest.param({"scales": (-0.001, 1e-12), "weights": bytes([50] * 512)}, None, id="a row turned round"),
        pytest.param({"steps": 1}, None, id="one step"),
        pytest.param({"leak": 0.0, "inhibition": 0.0}, None, id="no memory and no rivals"),
    ],
)
def test_models_at_their_edges(name: str, change: dict[str, object], wanted: tuple[float, float] | None) -> None:
    model = tiny_model((0.7, 0.4))
    model = SpikingModel(**{field: getattr(model, field) for field in model.__struct_fields__} | change)
    vector = np.full(256, 3 / 127, np.float32)
    scores = [result.score for result in backend(name, model).predict(vector, ["a", "b"])]
    assert scores == pytest.approx(wanted or reference_scores(model, vector, ["a", "b"]), abs=0.02)


def test_calibration_spends_the_levels_on_currents_that_occur() -> None:
    rng = np.random.default_rng(6)
    model = random_model(50, seed=7)
    vectors = [rng.uniform(-0.4, 0.4, 256).astype(np.float32) for _ in range(200)]
    narrow = calibrated(model, vectors)
    assert 1.0 <= narrow.calibrated_current < 2.5
    requests = [InferenceRequest(vector, [f"o{n}" for n in range(16)]) for vector in vectors]
    wide, _, _ = compared(backend("litert", model), model, requests)
    close, _, _ = compared(backend("litert", narrow), model, requests)
    assert np.mean(close) < np.mean(wide)


def test_a_batch_of_any_size_finds_a_compiled_one() -> None:
    assert BATCHES == (1, 4, 8, 16)


@pytest.mark.parametrize(
    ("name", "missing"),
    [("litert", "tflite"), ("litert", "flatbuffers"), ("onnx", "onnxruntime")],
)
def test_a_library_that_is_not_here_is_told_at_the_start(
    name: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [
        one for one in sys.modules if one.startswith(("hotpath.inference.litert", "hotpath.inference.onnx"))
    ]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "hotpath.inference.tflite_file", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(BackendUnavailable, match=f"the backend {name} is not available on this host: .*{missing}"):
        backend(name, random_model(1))


def test_litert_without_a_runtime_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(litert_module, "import_module", absent)
    with pytest.raises(BackendUnavailable, match="needs ai-edge-litert or tflite-runtime"):
        backend("litert", random_model(1))


def test_the_files_name_only_old_operators() -> None:
    flatbuffer = pytest.importorskip("tflite")
    model = random_model(3)
    files: list[tuple[Callable[..., bytes], tuple[int, ...]]] = [
        (litert_module.synapses, (4,)), (litert_module.steps, (4, 16)),
    ]  # fmt: skip
    for write, sizes in files:
        held = flatbuffer.Model.GetRootAs(write(model, *sizes))
        assert held.Version() == 3
        for at in range(held.OperatorCodesLength()):
            code = held.OperatorCodes(at)
            # Operators below 100 and versions up to 3 were there when int8 first was, in 2019; QUANTIZE is 114.
            assert code.BuiltinCode() < 100 or code.BuiltinCode() == flatbuffer.BuiltinOperator.QUANTIZE
            assert code.Version() <= 3


def test_the_onnx_file_passes_the_formats_own_checker() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(onnx_file(random_model(3)))
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.input] == ["features", "rows", "share"]
