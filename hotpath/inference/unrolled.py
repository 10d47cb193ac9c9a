"""CoLaNet's steps written out as plain array operations: the one list that every exported graph is made of.

Elementwise operations and one row sum, all of them older than any runtime in use. Must not know a file format.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from domain.bid_snapshot import SpikingModel

#: Inputs of the list: a row per request and a column per asked offer; and a column of inhibition per rival's spike.
CURRENTS: Final = "currents"
SHARE: Final = "share"


class Operation(StrEnum):
    """What a node does with its inputs, element by element, but SUM, which adds up each row."""

    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    FLOOR = "floor"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    SUM = "sum"


class Node(NamedTuple):
    """One operation; inputs name constants, graph inputs or earlier outputs."""

    operation: Operation
    inputs: tuple[str, ...]
    output: str


class Unrolled(NamedTuple):
    """Scalars by name, the nodes in order, and which output holds the scores."""

    constants: dict[str, float]
    nodes: list[Node]
    scores: str


def unrolled(model: SpikingModel) -> Unrolled:
    """The dynamics of `reference.py` for `model.steps` steps.

    A neuron fires where its potential is at least 1: `min(max(floor(p), 0), 1)` is that, and stays within arithmetic
    that every runtime fuses, which a comparison does not.
    """
    nodes: list[Node] = []

    def add(operation: Operation, *inputs: str) -> str:
        nodes.append(Node(operation, inputs, f"n{len(nodes)}"))
        return nodes[-1].output

    potential, left, fired, spikes = CURRENTS, "", "", ""
    for _ in range(model.steps):
        if fired:
            rivals = add(Operation.SUBTRACT, add(Operation.SUM, fired), fired)
            inhibition = add(Operation.MULTIPLY, rivals, SHARE)
            gained = add(Operation.ADD, add(Operation.MULTIPLY, left, "leak"), CURRENTS)
            potential = add(Operation.SUBTRACT, gained, inhibition)
        fired = _within_unit(add(Operation.FLOOR, potential), add)
        left = add(Operation.SUBTRACT, potential, fired)
        spikes = add(Operation.ADD, spikes, fired) if spikes else fired
    total = add(Operation.ADD, spikes, _within_unit(left, add))
    scores = add(Operation.MULTIPLY, total, "per_step")
    constants = {"leak": model.leak, "zero": 0.0, "one": 1.0, "per_step": 1 / (model.steps + 1)}
    return Unrolled(constants, nodes, scores)


def _within_unit(name: str, add: Callable[..., str]) -> str:
    return add(Operation.MINIMUM, add(Operation.MAXIMUM, name, "zero"), "one")
