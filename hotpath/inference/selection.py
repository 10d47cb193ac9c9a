"""Which backend runs: one name, of one environment variable, and an answer at start-up if it cannot.

Must not fall back to another backend. A backend's library is imported only where that backend is chosen.
"""

from collections.abc import Callable, Mapping
from typing import Final

from domain.bid_snapshot import SpikingModel
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.inference.provider import BackendUnavailable, CoLaNetProvider

BACKEND_VARIABLE: Final = "CE_BID_INFERENCE"
_DEFAULT: Final = "numpy"


def _litert(model: SpikingModel) -> CoLaNetProvider:
    from hotpath.inference.litert_provider import litert_provider  # noqa: PLC0415 - see this module's docstring

    return litert_provider(model)


def _onnx(model: SpikingModel) -> CoLaNetProvider:
    from hotpath.inference.onnx_provider import OnnxProvider  # noqa: PLC0415 - see this module's docstring

    return OnnxProvider(model)


_BACKENDS: Final[Mapping[str, Callable[[SpikingModel], CoLaNetProvider]]] = {
    "numpy": NumpyProvider,
    "litert": _litert,
    "onnx": _onnx,
}


def provider_for(environment: Mapping[str, str], model: SpikingModel) -> CoLaNetProvider:
    """The backend that `CE_BID_INFERENCE` names, NumPy where it is not set, with the model loaded but not warm.

    Raises:
        BackendUnavailable: no such backend, or this host lacks what it needs.
    """
    name = environment.get(BACKEND_VARIABLE, _DEFAULT)
    build = _BACKENDS.get(name)
    if build is None:
        raise BackendUnavailable(f"{BACKEND_VARIABLE}={name} names no backend; there are: {', '.join(_BACKENDS)}")
    try:
        return build(model)
    except ImportError as error:
        raise BackendUnavailable(f"the backend {name} is not available on this host: {error}") from error
