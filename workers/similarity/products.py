"""Measures that are a normalised inner product of one table per model, computed for all pairs by matrix
products.

CKA and RSA have the form s(i, j) = g(i, j) / sqrt(g(i, i) g(j, j)), where g is a bilinear function of the two
models' n x n tables. The tables are never held: they are built tile by tile, each model once per pass, and
the tiles of all models are multiplied as one matrix product. The products are exact (exact_sums), so that a
pair's value has the same bits whatever else is computed beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.domain.quantities import VALUE
from workers.similarity.exact_sums import round_block_
from workers.similarity.measure import Comparison, Tick
from workers.similarity.resampling import Resampling
from workers.similarity.tiles import LARGEST, Tile, plan

_STRIDE = (
    LARGEST + 8
)  # entries from one model's tile to the next: not a power of two, which would share cache sets
_CANCELLED = 1e-8  # of the pairs' product: less than this, left over after subtraction, is rounding
_ROWS_AT_ONCE = 64  # of the lower triangle of the product over models


@dataclass(frozen=True)
class Form:
    """g(i, j) = pairs <U_i, U_j> + stimuli <v_i, v_j> + sum_k numbers[k] t_i[k] t_j[k].

    U is a model's strict upper triangle, v its vector over stimuli (None where `stimuli` is 0), t its few
    numbers.
    """

    pairs: float
    stimuli: float = 0.0
    numbers: tuple[float, ...] = ()


class Table(ABC):
    """One model's n x n table, given tile by tile, and the sums that belong to it.

    A pass calls `begin`, then `fill` and `absorb` for every tile of the plan, in order, then `sums`.
    """

    n: int
    device: torch.device
    # A self-product at or below this is rounding noise: the measure is not defined for the model.
    noise: float
    undefined_reason: str

    @abstractmethod
    def fill(self, tile: Tile, out: Tensor) -> None:
        """Write the entries of the tile to `out`, float32 of the tile's shape. What lies left of the
        diagonal, or on it, is set to zero afterwards."""

    def begin(self) -> None:  # noqa: B027 - tables without running sums have nothing to do here
        """A new pass starts."""

    def absorb(self, tile: Tile, filled: Tensor) -> None:  # noqa: B027
        """See the filled tile, zero left of the diagonal and on it, before it is multiplied."""

    def sums(self) -> tuple[Tensor | None, tuple[float, ...]]:
        """v (n,) float64 or None, and t, of the pass that ended."""
        return None, ()


class TiledMeasure:
    """A measure given by how a model's table is made and by its form. See `measure.Measure` for the methods."""

    def __init__(
        self,
        table: Callable[[Tensor], Table],
        form: Callable[[int], Form],
        bounds: tuple[float, float],
        held_bytes: Callable[[int, int], int],
        scratch_bytes: Callable[[int, int], int],
    ) -> None:
        """`held_bytes(n, d)` is what a table keeps, without its tile; `scratch_bytes(n, d)` what making one takes."""
        self._table, self._form, self._bounds = table, form, bounds
        self._held_bytes, self._scratch_bytes = held_bytes, scratch_bytes

    def prepare(self, X: Tensor, resampling: Resampling) -> Table:
        return self._table(X)

    def compare(self, models: Sequence[Table], new: int, resampling: Resampling, tick: Tick) -> Comparison:
        return compare_tables(models, new, self._form(models[0].n), self._bounds, tick)

    def ticks(self, resampling: Resampling, count: int, new: int) -> int:
        return len(plan(resampling.n))

    def resident_bytes(self, n: int, d: int) -> int:
        return self._held_bytes(n, d) + 8 * _STRIDE

    def scratch_bytes(self, n: int, d: int) -> int:
        return self._scratch_bytes(n, d) + 4 * LARGEST


def compare_tables(
    tables: Sequence[Table], new: int, form: Form, bounds: tuple[float, float], tick: Tick
) -> Comparison:
    """The last `new` of M tables of equal n against all of them. `tick` is called after every tile.

    Cost: every tile of every model once, and O(new M n^2 / 2) for the products; memory one tile a model.
    """
    count, n, device = len(tables), tables[0].n, tables[0].device
    blocks = torch.empty((count, _STRIDE), dtype=torch.float64, device=device)
    scratch = torch.empty(LARGEST, dtype=torch.float32, device=device)
    cross = torch.zeros((new, count), dtype=torch.float64, device=device)
    own = torch.zeros(count, dtype=torch.float64, device=device)
    for table in tables:
        table.begin()
    for tile in plan(n):
        entries, height = scratch[: tile.size], tile.shape[0]
        filled = entries.view(tile.shape)
        for position, table in enumerate(tables):
            table.fill(tile, filled)
            if tile.on_diagonal:
                filled[:, :height].triu_(1)
            table.absorb(tile, filled)
            block = blocks[position, : tile.size]
            round_block_(block.copy_(entries), torch.linalg.vector_norm(entries))
        _add_products(blocks[:, : tile.size], new, cross, own)
        tick()
    g, g_own = form.pairs * cross, form.pairs * own
    noise = torch.tensor([table.noise for table in tables], dtype=torch.float64, device=device)
    noise += _CANCELLED * g_own
    vectors, numbers = zip(*(table.sums() for table in tables), strict=True)
    if form.stimuli:
        v = torch.stack(vectors)
        for row in v:
            round_block_(row, torch.linalg.vector_norm(row))
        _add_products(v, new, cross.zero_(), own.zero_())
        g, g_own = g + form.stimuli * cross, g_own + form.stimuli * own
    for k, weight in enumerate(form.numbers):
        t = torch.tensor([row[k] for row in numbers], dtype=torch.float64, device=device)
        g, g_own = g + weight * (t[count - new :, None] * t), g_own + weight * (t * t)
    empty = ~(g_own > noise)
    undefined = {int(p): tables[int(p)].undefined_reason for p in empty.nonzero()[:, 0]}
    g_own = torch.where(empty, torch.ones_like(g_own), g_own)
    values = g / torch.sqrt(g_own[count - new :, None] * g_own)
    return Comparison({VALUE: values.clamp_(*bounds).cpu().numpy()}, undefined)


def _add_products(blocks: Tensor, new: int, cross: Tensor, own: Tensor) -> None:
    """Add to `cross` (new, M) the products of the last `new` rows of `blocks` (M, K) with all, and to `own`
    (M,) those of each row with itself. What lies above the diagonal of the full square is left out, but for
    whole groups of rows."""
    old = len(blocks) - new
    for first in range(0, new, _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, new)
        below = blocks[: old + last]
        product = blocks[old + first : old + last] @ below.T
        cross[first:last, : old + last] += product
        own[old + first : old + last] += product.diagonal(old + first)
    if old:
        own[:old] += torch.linalg.vecdot(blocks[:old], blocks[:old])
