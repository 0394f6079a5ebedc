"""All numbers of one matrix, from the API to what the browser draws and says: the null, the interval, p and q."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.contracts.matrices import Recipe
from backend.contracts.metrics import MetricInfo
from backend.domain.calibration import ALPHA
from backend.domain.metrics import Direction, parse_metric
from backend.domain.quantities import (
    ARI,
    CALIBRATED,
    CALIBRATION,
    CI_HIGH,
    CI_LOW,
    LAYERS,
    NULL_MEAN,
    NULL_SD,
    TAU,
    VALUE,
    P,
    Q,
    Z,
)
from frontend.pages.study import aligned
from parallax.client import MatrixArray

Array = NDArray[np.float32]
# Above this many models the browser gets what it draws and nothing beside it.
MOST_DETAILED = 512
LEVELS = 65534
# A null is said to differ between pairs when its tau spreads over more than this share of the colour range.
WIDE_TAU = 0.05
LAYER_TITLES = {VALUE: "Raw", CALIBRATED: "Calibrated", Z: "z", ARI: "ARI"}
LAYER_WORDS = {
    VALUE: "The value itself. Unrelated models need not score 0: the mark τ at the colour bar is what they pass with "
    "probability 0.05.",
    CALIBRATED: "The share of the way from τ, which unrelated models pass with probability 0.05, to perfect agreement. "
    "0 is what does not pass τ.",
    Z: "The distance from the mean of chance, in standard deviations of chance.",
    ARI: "The share of the way from the mean of chance to perfect agreement, as in the adjusted Rand index: unrelated "
    "models score 0 on average.",
}


@dataclass(frozen=True)
class Numbers:
    """Quantities of one matrix by name, each (M, M) float32 in the order of `models`, NaN where there is none.
    `directed` says that [i, j] and [j, i] differ."""

    models: Sequence[str]
    layers: Mapping[str, Array]
    best: float
    directed: bool

    def __getitem__(self, name: str) -> Array:
        return self.layers[name]

    @property
    def off_diagonal(self) -> NDArray[np.bool_]:
        """The cells that count as pairs: each pair once, or of a directed metric both its directions."""
        size = len(self.models)
        mask = ~np.eye(size, dtype=bool)
        return mask if self.directed else np.tril(mask)

    def pairs(self, name: str) -> Array:
        """Values over pairs of different models that have a similarity."""
        here = self.off_diagonal & np.isfinite(self.layers[VALUE])
        return self.layers[name][here]

    @property
    def n_uncalibrated(self) -> int:
        """Pairs that have a similarity and no null yet."""
        return int(np.isnan(self.pairs(TAU)).sum())

    def moved(self, number: Array, layer: str) -> Array:
        """What a value of these pairs would be in a layer: a monotone map of it for each pair, not cut off at 0."""
        mean, sd, tau = (self.layers[name].astype(np.float64) for name in (NULL_MEAN, NULL_SD, TAU))
        maps: dict[str, Callable[[], Any]] = {
            VALUE: lambda: number,
            CALIBRATED: lambda: (number - tau) / (self.best - tau),
            Z: lambda: (number - mean) / sd,
            ARI: lambda: (number - mean) / (self.best - mean),
        }
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.asarray(maps[layer](), dtype=np.float32)
        return np.where(np.isfinite(moved), moved, np.float32(np.nan))

    def shown(self, layer: str) -> dict[str, Array]:
        """What a picture of `layer` sends to the browser: all that a cell's card says and what its marks need; with
        many models what is drawn and the value."""
        names = [VALUE, CALIBRATED, Z, layer, NULL_MEAN, NULL_SD, TAU, P, Q, CI_LOW, CI_HIGH]
        if len(self.models) > MOST_DETAILED:
            names = [VALUE, layer]
        sent = {name: self.layers[name] for name in names if name in self.layers}
        return sent | {"width": self.width(layer)} if CI_LOW in sent else sent

    def width(self, layer: str) -> Array:
        """Width of the 95 % interval in the units of a layer, chance taken as known."""
        ends = [self.moved(self.layers[name], layer) for name in (CI_LOW, CI_HIGH)]
        if layer == CALIBRATED:
            ends = [np.maximum(end, 0.0) for end in ends]
        return np.abs(ends[1] - ends[0]).astype(np.float32)


def read_numbers(
    read: Callable[[str], MatrixArray], metric: MetricInfo, models: Sequence[str], layer: str, detailed: bool = True
) -> Numbers:
    """The layers of a matrix that `read` gives by name, in the order of `models`: all of them; above MOST_DETAILED
    models those that `layer` and the null are drawn from; not `detailed`, that layer, the values, and what tells
    whether it is known. Raises ApiError."""
    wanted: Sequence[str] = LAYERS
    if not detailed:
        wanted = [VALUE] if layer == VALUE else [VALUE, layer, TAU]
    elif len(models) > MOST_DETAILED:
        wanted = [VALUE, *CALIBRATION, Q, layer]
    layers = {name: aligned(read(name), models) for name in dict.fromkeys(wanted)}
    spec = parse_metric(metric.id).spec
    return Numbers(models, layers, spec.best, not spec.symmetric)


def layer_direction(metric: MetricInfo, layer: str) -> Direction:
    """Which way is more alike: shares of the way to perfect agreement grow with it whatever the metric does."""
    return "distance" if metric.direction == "distance" and layer in (VALUE, Z) else "similarity"


def layer_title(metric: MetricInfo, layer: str) -> str:
    """What a number of the layer is."""
    titles = {CALIBRATED: f"Calibrated {metric.title}", Z: f"z of {metric.title}", ARI: f"ARI form of {metric.title}"}
    return titles.get(layer, metric.title)


def absent_words(metric: MetricInfo, layer: str, numbers: Numbers | None) -> str:
    """Why a pair has no number in a layer."""
    if layer == VALUE:
        return "not computed"
    if metric.on_request:
        return "without a chance level, as it is computed on request"
    if numbers is None or numbers.n_uncalibrated:
        return "not calibrated yet"
    return "not defined, as chance does not vary" if layer == Z else "not defined, as chance alone is perfect agreement"


def packed(layers: Mapping[str, Array], directed: bool) -> dict[str, Any]:
    """Numbers (M, M) for the browser, each once per pair: the lower triangle by rows, or where directions differ all
    cells row by row. `size` is M. Above MOST_DETAILED models a number takes 16 bits."""
    size = len(next(iter(layers.values())))
    rows, columns = np.tril_indices(size, -1)
    return {
        "directed": directed, "size": size,
        "layers": {name: bytes_of(array if directed else array[rows, columns]) for name, array in layers.items()},
    }


def bytes_of(array: Array) -> dict[str, Any]:
    """An array as plotly writes arrays, float32. A large one becomes whole numbers from 0 at `low` to 65534 at `high`,
    which is within (high - low) / 131068 of the value; 65535 where there is none."""
    flat = np.ascontiguousarray(array, dtype="<f4").ravel()
    if flat.size <= MOST_DETAILED * MOST_DETAILED // 2:
        return {"dtype": "f4", "bdata": base64.b64encode(flat.tobytes()).decode()}
    finite = np.isfinite(flat)
    low, high = (float(flat[finite].min()), float(flat[finite].max())) if finite.any() else (0.0, 0.0)
    share = (np.where(finite, flat, low).astype(np.float64) - low) / ((high - low) or 1.0)
    whole = np.where(finite, np.rint(share * LEVELS), LEVELS + 1).astype("<u2")
    return {"dtype": "u2", "low": low, "high": high, "bdata": base64.b64encode(whole.tobytes()).decode()}


def floor_of_p(made: Recipe, n: int) -> float | None:
    """The least p that the route can give, about; None where nothing is calibrated."""
    if made.route is None:
        return None
    drawn = 1 / (made.permutations + 1) if made.permutations else 1 / n
    return max(drawn, 1 / made.ways) if made.ways else drawn


def spread(values: Array) -> dict[str, float] | None:
    """Least, median and largest of the finite values; None where there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    return {"low": float(finite.min()), "median": float(np.median(finite)), "high": float(finite.max())}


def tau_differs(numbers: Numbers, ends: tuple[float, float]) -> bool:
    """Whether tau spreads so much over pairs that equal values do not mean the same."""
    found = spread(numbers.pairs(TAU))
    return found is not None and found["high"] - found["low"] > WIDE_TAU * abs(ends[1] - ends[0])


def n_within_chance(numbers: Numbers) -> int:
    """Pairs that cannot be told from chance: q above alpha."""
    return int((numbers.pairs(Q) > ALPHA).sum())
