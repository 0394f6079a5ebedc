"""Measures that are a normalised inner product of one symmetric table per model, for all pairs by matrix products.

CKA, RSA and distance correlation have the form s(i, j) = g(i, j) / sqrt(g(i, i) g(j, j)), where g is a bilinear
function of the two models' n x n tables. The stimuli are first put into one seeded order, the same for all models. A
table is walked through by bands of circulant diagonals (bands): held in memory where there is room for all models,
made anew from the features band by band where there is not; the bits are the same. Products are exact (exact_sums), so
that a pair's value has the same bits whatever else is computed beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.calibration import pearson3_threshold, permutation_null
from backend.domain.metrics import Metric
from backend.domain.null_moments import centred_moments, hollow_moments
from backend.domain.quantities import CALIBRATION, CI_HIGH, CI_LOW, VALUE
from workers.similarity.bands import plan, slab_size, table_size
from workers.similarity.errors import UndefinedRow
from workers.similarity.exact_sums import ExactProducts
from workers.similarity.measure import Comparison, Tick
from workers.similarity.resampling import MOST_BLOCKS, Resampling
from workers.similarity.table import Centring, Entries, Table
from workers.similarity.table_blocks import BlockSums
from workers.similarity.table_null import CyclicShifts, Permuted, null_sums, stacked
from workers.similarity.table_walk import walk

_MOST_CACHED_BYTES = 1 << 26  # a larger table takes as long to read as to make


@dataclass(frozen=True)
class Model:
    """A prepared model: its table, and the sums from which its null follows where they are asked for."""

    table: Table
    order: NDArray[np.int64]
    sums: NDArray[np.float64] | None


class TableMeasure:
    """A measure given by where a model's table comes from and how it is centred. See `measure.Measure`."""

    def __init__(
        self,
        metric: Metric,
        entries: Callable[[Tensor, bool], Entries],
        centring: Centring,
        *,
        feature_bytes: Callable[[int, int], int],
        making_bytes: Callable[[int, int], int],
        streams: bool = True,
    ) -> None:
        """`entries(X, held)` makes a table's entries, to be walked through once if they are then held.

        `feature_bytes(n, d)` is what entries keep to be made anew, `making_bytes(n, d)` what making a table takes. What
        does not stream is held always.
        """
        self.metric, self.centring = metric, centring
        self._entries, self._feature_bytes, self._making_bytes = entries, feature_bytes, making_bytes
        self._streams = streams
        self._held, self._count = True, 2
        self._resampling = Resampling(0)
        self._bounds = (-1.0 if metric.spec.lower is None else metric.spec.lower, 1.0)

    def within(self, room_bytes: int, n: int, d: int, count: int, resampling: Resampling) -> TableMeasure:
        chosen = copy(self)
        chosen._count, chosen._resampling = count, resampling
        held = chosen.resident_bytes(n, d)
        if self._streams and held > room_bytes:
            chosen._held = False
            chosen._held = held <= chosen.resident_bytes(n, d)
        return chosen

    def prepare(self, X: Tensor, resampling: Resampling) -> Model:
        order = torch.from_numpy(resampling.relabelling).to(X.device)
        try:
            entries = self._entries(X[order], self._held)
        except UndefinedRow as undefined:
            raise UndefinedRow(int(order[undefined.row]), undefined.what) from None
        table = Table(entries, self._held)
        closed = resampling.calibrate and not resampling.grouped
        sums = null_sums(table.whole(), table.diagonal, self.centring) if closed else None
        return Model(table, resampling.relabelling, sums)

    def compare(self, models: Sequence[Model], new: int, resampling: Resampling, tick: Tick) -> Comparison:
        tables = [model.table for model in models]
        n, device = tables[0].n, tables[0].device
        shifts = blocks = permuted = None
        if resampling.calibrate and resampling.grouped:
            moved = [table.whole() for table in tables[len(tables) - new :]]
            permuted = Permuted(models[0].order, resampling.orders, moved, len(tables))
        elif resampling.calibrate:
            shifts = CyclicShifts(n, len(tables), new, device)
        if resampling.uncertainty:
            blocks = BlockSums(resampling, len(tables), new, device)
        inner = walk(tables, new, self.centring, [one for one in (shifts, permuted, blocks) if one], tick)
        values = self._bounded(inner.cross / inner.norm)
        found = {VALUE: values}
        if shifts:
            found |= self._closed_null([model.sums for model in models], new, n, shifts.p(inner))
        if permuted:
            draws = permuted.draws(inner) / inner.norm[..., None]
            summary = permutation_null(values, draws.cpu().numpy(), self.metric.spec.direction)
            found |= dict(zip(CALIBRATION, (summary.mean, summary.sd, summary.tau, summary.p), strict=True))
        if blocks:
            replicates = blocks.replicates(inner, tables, self.centring, self.metric.spec.minimum_n)
            found[CI_LOW], found[CI_HIGH] = resampling.interval(values, replicates, *self._bounds)
        undefined = {position: tables[position].undefined_reason for position in inner.undefined}
        return Comparison(found, undefined)

    def draws(self, left: Model, right: Model, orders: NDArray[np.int64]) -> NDArray[np.float64]:
        """s(left, right with what stimulus `orders[k, i]` was as stimulus i) for every k: (K,)."""
        permuted = Permuted(left.order, orders, [left.table.whole()], 2)
        inner = walk([right.table, left.table], 1, self.centring, [permuted], lambda: None)
        return self._bounded(permuted.draws(inner)[0, 0] / inner.norm[0, 0])

    def _bounded(self, values: Tensor) -> NDArray[np.float64]:
        found: NDArray[np.float64] = values.clamp(*self._bounds).cpu().numpy()
        return found

    def _closed_null(
        self, sums: Sequence[NDArray[np.float64] | None], new: int, n: int, p: NDArray[np.float64]
    ) -> dict[str, NDArray[np.float64]]:
        together = stacked([one for one in sums if one is not None])
        moments = (centred_moments if self.centring == "biased" else hollow_moments)(
            together[len(sums) - new :], together, n
        )
        tau = pearson3_threshold(moments.mean, moments.sd, moments.skew, self.metric.spec.direction)
        return dict(zip(CALIBRATION, (moments.mean, moments.sd, tau, p), strict=True))

    def ticks(self, resampling: Resampling, count: int, new: int) -> int:
        return len(plan(resampling.n))

    def resident_bytes(self, n: int, d: int) -> int:
        kept = 4 * table_size(n) if self._held else self._feature_bytes(n, d) + 4 * slab_size(n)
        kept += 24 * n + ExactProducts.bytes_per_model
        if self._resampling.uncertainty:
            kept += 4 * MOST_BLOCKS * n + 12 * slab_size(n)
        if self._resampling.calibrate:
            kept += 4 * n * n if self._resampling.grouped else 4 * n * self._count + 12 * slab_size(n)
        return kept

    def scratch_bytes(self, n: int, d: int) -> int:
        null = 16 * n * n if self._resampling.calibrate else 0
        return max(self._making_bytes(n, d), null)

    def cache_name(self, resampling: Resampling) -> str | None:
        if not self._held or 4 * table_size(resampling.n) > _MOST_CACHED_BYTES:
            return None
        order = sha256(resampling.relabelling.astype("<i8").tobytes()).hexdigest()[:16]
        closed = resampling.calibrate and not resampling.grouped
        return f"table {self.metric.id} v{self.metric.version} order {order}{' null' if closed else ''}"

    def pack(self, prepared: Model) -> Mapping[str, NDArray[Any]]:
        table = prepared.table
        assert table.held is not None, "only what is held has a cache name"
        arrays: dict[str, NDArray[Any]] = {
            "held": table.held.cpu().numpy(), "rows": table.rows.cpu().numpy(), "order": prepared.order,
            "noise": np.array(table.noise), "reason": np.frombuffer(table.undefined_reason.encode(), np.uint8),
        }
        if table.diagonal is not None:
            arrays["diagonal"] = table.diagonal.cpu().numpy()
        if prepared.sums is not None:
            arrays["sums"] = prepared.sums
        return arrays

    def unpack(self, arrays: Mapping[str, NDArray[Any]], device: str) -> Model:
        held, rows, diagonal = (
            torch.from_numpy(arrays[name]).to(device) if name in arrays else None
            for name in ("held", "rows", "diagonal")
        )
        assert held is not None and rows is not None
        table = Table.of(held, rows, diagonal, float(arrays["noise"]), arrays["reason"].tobytes().decode())
        return Model(table, arrays["order"], arrays.get("sums"))
