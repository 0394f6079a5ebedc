"""One model's symmetric n x n table: where it comes from, how it is held, and how two of them are centred."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import torch
from torch import Tensor

from workers.similarity.bands import Band, plan, row_sums
from workers.similarity.exact_sums import round_entries_

Centring = Literal["unbiased", "biased", "none"]


@dataclass(frozen=True)
class Form:
    """g(i, j) = 2 <U_i, U_j> + diagonal <d_i, d_j> + rows <r_i, r_j> + total s_i s_j.

    U is a model's entries, every pair of stimuli once, d its diagonal, r the sums over its rows, with the diagonal
    where there is one, s the sum of r.
    """

    diagonal: float
    rows: float
    total: float


def form_of(centring: Centring, n: int) -> Form:
    """The form that centres two tables of n stimuli: the unbiased HSIC of Song et al. (2012), the biased one, or the
    covariance over pairs of stimuli."""
    if centring == "unbiased":
        return Form(0.0, -2.0 / (n - 2), 1.0 / ((n - 1) * (n - 2)))
    if centring == "biased":
        return Form(1.0, -2.0 / n, 1.0 / n**2)
    return Form(0.0, 0.0, -1.0 / (n * (n - 1)))


class Entries(ABC):
    """Where a table comes from: its entries off the diagonal, of stimuli in the order that the rows were given in."""

    n: int
    device: torch.device
    # A self-product at or below this is rounding noise: the measure is not defined for the model.
    noise: float
    undefined_reason: str
    # (n,) float64 where the table's diagonal is part of the measure.
    diagonal: Tensor | None = None

    @abstractmethod
    def fill(self, band: Band, out: Tensor) -> None:
        """Write the band's entries to `out`, float32 (width, n)."""


class Table:
    """A table, given band by band, in order, its entries rounded so that products of tables are exact; `rows`, the sums
    over its rows, are complete after the last band."""

    def __init__(self, entries: Entries, held: bool) -> None:
        """Filled at once and kept if `held`; else its entries are made anew in every walk."""
        self.n, self.device, self.diagonal = entries.n, entries.device, entries.diagonal
        self.noise, self.undefined_reason = entries.noise, entries.undefined_reason
        self.rows = torch.zeros(self.n, dtype=torch.float64, device=self.device)
        self.held: Tensor | None = None
        self._entries: Entries | None = entries
        if held:
            self.held = self.whole()
            self._entries = None

    @classmethod
    def of(cls, held: Tensor, rows: Tensor, diagonal: Tensor | None, noise: float, undefined_reason: str) -> Table:
        """A table that was held before: all its diagonals (n // 2, n) and the sums over its rows (n,)."""
        table = cls.__new__(cls)
        table.n, table.device, table.diagonal = held.shape[1], held.device, diagonal
        table.noise, table.undefined_reason = noise, undefined_reason
        table.rows, table.held, table._entries = rows, held, None
        return table

    def slab(self, band: Band, out: Tensor) -> Tensor:
        """The band's entries, float32 (width, n): `out` filled with them, or a view of what is held."""
        if self.held is not None:
            return self.held[band.rows]
        assert self._entries is not None, "a table that is not held keeps where it comes from"
        self._entries.fill(band, out)
        if band.has_half:
            out[-1].mul_(sqrt(0.5))
        round_entries_(out.view(-1))
        if band.first == 1:
            self.rows.zero_()
            if self.diagonal is not None:
                self.rows += self.diagonal
        self.rows += row_sums(out, band)
        return out

    def whole(self) -> Tensor:
        """All diagonals, float32 (n // 2, n)."""
        if self.held is not None:
            return self.held
        table = torch.empty((self.n // 2, self.n), dtype=torch.float32, device=self.device)
        for band in plan(self.n):
            self.slab(band, table[band.rows])
        return table
