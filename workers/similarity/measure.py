"""What the engine asks of a measure: the work done once per model, and the work done for a group of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

Prepared = TypeVar("Prepared")
Tick = Callable[[], None]


@dataclass(frozen=True)
class Comparison:
    """`values` (new, M) float64 on the CPU: the last `new` models against all M, up to and including
    themselves; what stands right of a model's own column means nothing. `undefined` gives a reason for every
    position without a value, whose row and column mean nothing either."""

    values: Tensor
    undefined: dict[int, str]


class Measure(Protocol[Prepared]):
    """A metric with its parameters, ready to compute. It holds no state of any model.

    The bits of a value may depend on the two models alone, never on the others that are compared beside them.
    """

    def prepare(self, X: Tensor) -> Prepared:
        """What is done once per model: `X` is (n, d) float64, preprocessed; it may be kept or overwritten.

        Raises Undefined if the measure has no value for this model.
        """

    def compare(self, models: Sequence[Prepared], new: int, tick: Tick) -> Comparison:
        """The last `new` models against all, by matrix products. Calls `tick` exactly `ticks(n)` times on the way."""

    def ticks(self, n: int) -> int:
        """Into how many steps a comparison of n stimuli is cut."""

    def resident_bytes(self, n: int, d: int) -> int:
        """Memory that one prepared model takes while it is compared."""

    def scratch_bytes(self, n: int, d: int) -> int:
        """Memory that preparing one model or comparing takes at its peak, beside what is resident."""
