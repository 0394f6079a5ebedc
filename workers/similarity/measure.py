"""What the engine asks of a measure: the work done once per model, and the work done for a group of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workers.similarity.resampling import Resampling

Prepared = TypeVar("Prepared")
Tick = Callable[[], None]
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """The last `new` models against all M, up to and including themselves; what stands right of a model's own column
    means nothing.

    `quantities` holds float64 arrays (new, M) by the names of backend.domain.quantities, `value` always; those of a
    measure that is not symmetric run from the row's model to the column's, and once more the other way round with
    REVERSE behind the name. `undefined` gives a reason for every position without values, whose row and column mean
    nothing either.
    """

    quantities: dict[str, Table]
    undefined: dict[int, str] = field(default_factory=dict)


class PreparedCache(Protocol):
    """Keeps prepared models from call to call. It may forget them."""

    def get(self, key: str) -> Mapping[str, NDArray[Any]] | None:
        """What was put under the key, bit by bit."""

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays under a key that names everything they depend on."""


class Measure(Protocol[Prepared]):
    """A metric with its parameters, ready to compute. It holds no state of any model.

    The bits of a value may depend on the two models alone, never on the others that are compared beside them, nor on
    what else is asked for. Null and interval may differ in their last bits.
    """

    def within(self, room_bytes: int, n: int, d: int, count: int, resampling: Resampling) -> Measure[Prepared]:
        """The same measure for `count` models of which each may take that much memory: room may be exchanged for time,
        never for other bits."""

    def prepare(self, X: Tensor, resampling: Resampling) -> Prepared:
        """What is done once per model: `X` is (n, d) float64, preprocessed; it may be kept or overwritten.

        Raises Undefined if the measure has no value for this model.
        """

    def compare(self, models: Sequence[Prepared], new: int, resampling: Resampling, tick: Tick) -> Comparison:
        """The last `new` models against all. Calls `tick` exactly `ticks(resampling, len(models), new)` times."""

    def draws(self, left: Prepared, right: Prepared, orders: NDArray[np.int64]) -> Table:
        """s(left, right with what stimulus `orders[k, i]` was as stimulus i) for every row of `orders` (K, n): (K,)."""

    def ticks(self, resampling: Resampling, count: int, new: int) -> int:
        """Into how many steps a comparison of the last `new` of `count` models is cut."""

    def resident_bytes(self, n: int, d: int) -> int:
        """Memory that one prepared model takes while it is compared."""

    def scratch_bytes(self, n: int, d: int) -> int:
        """Memory that preparing one model or comparing takes at its peak, beside what is resident."""

    def cache_name(self, resampling: Resampling) -> str | None:
        """What the prepared form is called, the same for measures that share it; None if making it anew is cheap."""

    def pack(self, prepared: Prepared) -> Mapping[str, NDArray[Any]]:
        """A prepared model as arrays, from which `unpack` makes the same again, bit by bit."""

    def unpack(self, arrays: Mapping[str, NDArray[Any]], device: str) -> Prepared:
        """A prepared model from what `pack` gave."""
