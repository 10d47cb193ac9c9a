"""The garbage collector of a process that serves: kept off what lives as long as the process. Must not hold a rule."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Objects made, less those freed, before the collector looks for circles among the young; so many such looks before it
#: looks among the older ones.
_THRESHOLDS = (50_000, 20, 20)


@contextmanager
def few_collections(thresholds: tuple[int, int, int] = _THRESHOLDS) -> Iterator[None]:
    """Let the collector leave alone what stands for as long as the process: schema, modules, routes.

    `thresholds` are those of `gc.set_threshold`.

    Measured with bench/fanout.py, a thousand subscribers on two cores, two runs of seven events each: the median p99
    went from 121 and 276 ms to 106 and 107 ms, the worst from 724 and 1,244 ms to 168 and 163 ms.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
