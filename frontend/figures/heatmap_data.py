"""What a heatmap shows, decided once for every renderer: order, colours, side bars, words.

`heatmap` draws it in the browser and `heatmap_image` into a file; neither adds a decision of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from plotly.colors import get_colorscale

from backend.domain.metrics import Direction
from backend.domain.ordering import cluster_order
from frontend.figures.numbers import count
from frontend.theme import (
    ATTRIBUTE_TITLES,
    DISTANCE_SCALE,
    SIMILARITY_SCALE,
    colour_of,
    colours_of_others,
    vocabulary,
)

ONE_WAY = "from the row's model to the column's"
NOT_COMPUTED = "rgba(134, 142, 150, 0.32)"


@dataclass(frozen=True)
class BarValue:
    """One value of an attribute as the legend shows it."""

    slug: str
    words: str
    colour: str


@dataclass(frozen=True)
class Bar:
    """One attribute beside the matrix: a slug for each of the models, and the values that occur, in the order of the
    legend."""

    attribute: str
    title: str
    slugs: Sequence[str]
    values: tuple[BarValue, ...]


@dataclass(frozen=True)
class HeatmapData:
    """What the heatmap shows. `values` (M, M) float32 in the order of `models`, NaN where not computed; `reasons` model
    -> why it has no values; `attributes` attribute -> M slugs; `low`, `high` the colour range; `value_words` what a
    value is, with its direction, for hover and colour bar; `subject` whose values they are; `absent_words` what is so
    of a cell without a value; `with_self` whether a model against itself counts as such a cell; `note` what else a
    reader of the picture alone should know; `colours` a named scale in place of that of the direction."""

    models: Sequence[str]
    values: np.ndarray
    attributes: Mapping[str, Sequence[str]]
    low: float
    high: float
    value_words: str
    direction: Direction = "similarity"
    subject: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    absent_words: str = "not computed"
    with_self: bool = True
    note: str = ""
    colours: str = ""

    @property
    def absent(self) -> np.ndarray:
        """Cells (M, M) that are drawn as being without a value."""
        missing = ~np.isfinite(self.values)
        return missing if self.with_self else missing & ~np.eye(len(missing), dtype=bool)

    @property
    def scale(self) -> list[list[float | str]]:
        """Stops of the colour scale from `low` to `high`, each a share and a colour: bright for alike whichever way the
        numbers run. The words at the bar are the other sign of direction."""
        stops: list[list[float | str]] = get_colorscale(
            self.colours or (DISTANCE_SCALE if self.direction == "distance" else SIMILARITY_SCALE)
        )
        return stops

    @property
    def bars(self) -> list[Bar]:
        """Side bars from the outermost to the one next to the matrix."""
        return [_bar(attribute, slugs) for attribute, slugs in self.attributes.items()]

    @property
    def caption(self) -> str:
        """One line about the whole picture, to stand under its subject."""
        return "; ".join(filter(None, [self.value_words, count(len(self.models), "model"), self.note])) + "."


def heatmap_data(
    models: Sequence[str],
    values: np.ndarray,
    *,
    title: str,
    direction: Direction,
    symmetric: bool = True,
    upper: float | None = None,
    attributes: Mapping[str, Sequence[str]] | None = None,
    subject: str = "",
    reasons: Mapping[str, str] | None = None,
    note: str = "",
    order: Sequence[int] | None = None,
    ends: tuple[float, float] | None = None,
    absent_words: str = "not computed",
    with_self: bool = True,
) -> HeatmapData:
    """The picture of one matrix (M, M) of the measure called `title`; of one that is not `symmetric`, values[i, j] is
    s(i, j).

    `order` are positions of the models in drawing order and `ends` the colour range, where several pictures share
    them; by default models are clustered, and the range is the full one of `colour_ranges`, up to the measure's
    `upper` bound. Cost O(M^3) for the clustering.
    """
    drawn = list(cluster_order(values, models, direction) if order is None else order)
    low, high = ends or colour_ranges(np.asarray(values)[None], upper)["full"]
    return HeatmapData(
        models=[models[i] for i in drawn],
        values=np.asarray(values, dtype=np.float32)[np.ix_(drawn, drawn)],
        attributes={name: [slugs[i] for i in drawn] for name, slugs in (attributes or {}).items()},
        low=low, high=high, value_words=value_words(title, direction, symmetric), direction=direction,
        subject=subject, reasons=reasons or {}, absent_words=absent_words, with_self=with_self, note=note,
    )


def value_words(title: str, direction: Direction, symmetric: bool) -> str:
    """What a value of the measure is: which way is more alike, and between which of the two models it runs."""
    alike = f"{'less' if direction == 'distance' else 'more'} is more alike"
    return f"{title} ({alike})" if symmetric else f"{title} ({alike}; {ONE_WAY})"


def colour_ranges(stack: np.ndarray, upper: float | None) -> dict[str, tuple[float, float]]:
    """Colour ranges of matrices (D, M, M) that are to be compared. `full`: 0 to the upper bound of the measure where it
    has one, as published; `fitted`: the values of all matrices between different models, rounded outwards to steps of
    0.05."""
    off_diagonal = ~np.eye(stack.shape[1], dtype=bool)
    values = stack[:, off_diagonal]
    values = values[np.isfinite(values)]
    fitted = (0.0, 1.0)
    if len(values):
        low, high = np.floor(values.min() * 20 + 1e-6) / 20, np.ceil(values.max() * 20 - 1e-6) / 20
        fitted = (float(low), float(max(high, low + 0.05)))
    bounded = upper is not None and np.isfinite(upper)
    full = (0.0, float(upper)) if bounded and upper is not None else (min(0.0, fitted[0]), fitted[1])
    return {"full": full, "fitted": fitted}


def orders(
    models: Sequence[str],
    attributes: Mapping[str, Sequence[str]],
    mean: np.ndarray | None = None,
    direction: Direction = "similarity",
) -> dict[str, list[int]]:
    """Permutations of the models that need their similarities: `cluster`, and by attribute its groups.

    `models` come in cluster order. `cluster` keeps it; an attribute groups by its values, in the order of its
    vocabulary. Inside a group models are clustered by `mean` (M, M), their similarity over all datasets, or without one
    keep the cluster order. Cost O(M^3) with `mean`.
    """
    made = {"cluster": list(range(len(models)))}
    for attribute, slugs in attributes.items():
        made[attribute] = []
        for value in _bar(attribute, slugs).values:
            here = [i for i, slug in enumerate(slugs) if slug == value.slug]
            if mean is not None:
                inside = cluster_order(mean[np.ix_(here, here)], [models[i] for i in here], direction)
                here = [here[i] for i in inside]
            made[attribute] += here
    return made


def _bar(attribute: str, slugs: Sequence[str]) -> Bar:
    """The bar of an attribute: values in the order of its vocabulary, those outside it after them by name."""
    words = vocabulary(attribute)
    rank = {slug: place for place, slug in enumerate(words)}
    present = sorted(set(slugs), key=lambda slug: (rank.get(slug, len(rank)), slug))
    own = {} if words else colours_of_others(present)
    return Bar(
        attribute, ATTRIBUTE_TITLES.get(attribute, attribute), slugs,
        tuple(BarValue(slug, words.get(slug, slug), own.get(slug) or colour_of(attribute, slug)) for slug in present),
    )
