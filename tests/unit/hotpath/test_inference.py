"""The CPU backend beside the definition, what it says of itself, and how it is chosen."""

import numpy as np
import pytest

from domain.bid_snapshot import SpikingModel
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.inference.provider import BackendUnavailable
from hotpath.inference.reference import reference_scores
from hotpath.inference.requests import InferenceRequest
from hotpath.inference.selection import BACKEND_VARIABLE, provider_for


def random_model(count: int, seed: int = 1, **fields: object) -> SpikingModel:
    rng = np.random.default_rng(seed)
    return SpikingModel(
        name="random",
        offer_ids=tuple(f"o{number}" for number in range(count)),
        weights=rng.integers(-127, 128, (count, 256), np.int8).tobytes(),
        scales=tuple(rng.uniform(0.0005, 0.002, count).tolist()),
        biases=tuple(rng.uniform(0.1, 0.6, count).tolist()),
        **fields,
    )


def tiny_model(biases: tuple[float, ...], **fields: object) -> SpikingModel:
    count = len(biases)
    return SpikingModel(
        name="tiny", offer_ids=tuple("abc"[:count]), weights=bytes(256 * count), scales=(0.0,) * count, biases=biases,
        **fields,
    )  # fmt: skip


def ranks(scores: list[float]) -> np.ndarray:
    return np.argsort(np.argsort(scores))


def test_one_neuron_integrates_and_fires() -> None:
    model = tiny_model((0.75,), steps=4, leak=1.0)
    # 0.75, 1.5 -> fires, 0.5; 1.25 -> fires, 0.25; 1.0 -> fires, 0.
    assert reference_scores(model, np.zeros(256, np.float32), ["a"]) == [3 / 5]


def test_a_neuron_that_fires_holds_the_others_back() -> None:
    free = tiny_model((1.0, 0.5), steps=4, leak=1.0, inhibition=0.0)
    held = tiny_model((1.0, 0.5), steps=4, leak=1.0, inhibition=0.5)
    zeros = np.zeros(256, np.float32)
    # Alone b fires in steps 2 and 4. Held, it gains nothing after the first step: a fires in each.
    assert reference_scores(free, zeros, ["a", "b"]) == [4 / 5, 2 / 5]
    assert reference_scores(held, zeros, ["a", "b"]) == [4 / 5, 0.5 / 5]
    assert reference_scores(held, zeros, ["b"]) == [2 / 5]


@pytest.mark.req("FR-INF-008", "FR-INF-002")
def test_the_backend_is_held_to_the_reference() -> None:
    model = random_model(40)
    provider = NumpyProvider(model)
    rng = np.random.default_rng(2)
    errors, agreement = [], []
    requests = [
        InferenceRequest(
            rng.uniform(-1, 1, 256).astype(np.float32),
            [f"o{number}" for number in rng.permutation(40)[: rng.integers(2, 33)]],
        )
        for _ in range(320)
    ]
    for at in range(0, 320, 32):
        batch = requests[at : at + 32]
        for request, results in zip(batch, provider.predict_batch(batch), strict=True):
            wanted = reference_scores(model, request.profile, request.offer_ids)
            got = [result.score for result in results]
            assert [result.offer_id for result in results] == request.offer_ids
            errors += np.abs(np.subtract(got, wanted)).tolist()
            agreement.append(np.corrcoef(ranks(got), ranks(wanted))[0, 1])
    # One flipped spike moves a score by up to a ninth: nearly all must not have one.
    assert np.quantile(errors, 0.99) < 1e-5
    assert np.mean(agreement) > 0.999


def test_a_batch_changes_nobodys_scores() -> None:
    provider = NumpyProvider(random_model(20))
    rng = np.random.default_rng(3)
    requests = [
        InferenceRequest(rng.uniform(-1, 1, 256).astype(np.float32), [f"o{n}" for n in range(size)])
        for size in (1, 20, 7, 0)
    ]
    together = provider.predict_batch(requests)
    assert [len(one) for one in together] == [1, 20, 7, 0]
    for request, scores in zip(requests, together, strict=True):
        assert provider.predict(request.profile, request.offer_ids) == scores
        assert all(0 <= result.score <= 1 for result in scores)


@pytest.mark.req("FR-INF-009", "FR-INF-010")
def test_it_says_what_it_can() -> None:
    provider = NumpyProvider(random_model(3))
    provider.warm_up()
    assert (provider.provider_name, provider.supports_batching, provider.max_batch_size) == ("numpy", True, 32)
    assert provider.predict_batch([]) == []
    with pytest.raises(ValueError, match="33 requests are more than a batch of 32"):
        provider.predict_batch([InferenceRequest(np.zeros(256, np.float32), ["o1"])] * 33)
    with pytest.raises(KeyError):
        provider.predict(np.zeros(256, np.float32), ["unheard"])


@pytest.mark.req("AC-3.3")
def test_one_variable_chooses_and_nothing_else_is_taken_instead() -> None:
    model = random_model(1)
    assert provider_for({}, model).provider_name == "numpy"
    assert provider_for({BACKEND_VARIABLE: "numpy"}, model).provider_name == "numpy"
    with pytest.raises(BackendUnavailable, match="=quantum names no backend; there are: numpy, litert, onnx"):
        provider_for({BACKEND_VARIABLE: "quantum"}, model)
