"""Do 95 % intervals of consistency hold the truth in 95 % of samples of models?

Models are drawn from populations whose true r is known. The quick tests draw few samples from two of them; the slow
ones (make test-slow) draw many from all: docs/decisions/0015-intervals-that-resample-models.md has their figures.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from backend.domain.consistency import Method, ModelSet, every, resample
from tests.science.consistency_populations import POPULATIONS, truth_of, truth_of_sets, two_sets

LEAST = 0.92
SIZES = (14, 20, 30, 64)
ABOVE = tuple(np.array(list(combinations(range(4), 2))).T)


def coverage(
    population: str, n_models: int, samples: int, *, draws: int, method: Method = "pearson"
) -> tuple[float, float]:
    """The share of intervals that hold the true r of two datasets, and the true median."""
    rng = np.random.default_rng(n_models)
    truth = truth_of(population, method)
    everyone = every(n_models)
    of_r, of_median = [], []
    for sample in range(samples):
        stack = POPULATIONS[population](rng, n_models)
        found = resample(stack, [(everyone, everyone)], method, resamples=draws, seed=sample)
        low, high = (ends[ABOVE] for ends in found.interval(0))
        of_r.append(np.mean((low <= truth.r) & (truth.r <= high)))
        of_median.append(found.medians[0].low <= truth.median <= found.medians[0].high)
    return float(np.mean(of_r)), float(np.mean(of_median))


def coverage_of_sets(n_a: int, n_b: int, samples: int, *, draws: int) -> dict[str, float]:
    """The same for medians within two sets, between them, and for the differences of these medians."""
    rng = np.random.default_rng(100 * n_a + n_b)
    first = np.arange(n_a + n_b) < n_a
    a, b = ModelSet("a", "A", first), ModelSet("b", "B", ~first)
    truth = truth_of_sets()
    held: dict[str, list[bool]] = {}
    for sample in range(samples):
        found = resample(two_sets(rng, n_a, n_b), [(a, a), (b, b), (a, b)], resamples=draws, seed=sample)
        for k, name in enumerate(("within a", "within b", "between")):
            low, high = found.median_interval(k)
            held.setdefault(name, []).append(low <= truth[k] <= high)
        for k, name in ((1, "within a - within b"), (2, "within a - between")):
            difference = found.difference(0, k)
            held.setdefault(name, []).append(difference.low <= truth[0] - truth[k] <= difference.high)
    return {name: float(np.mean(holds)) for name, holds in held.items()}


@pytest.mark.parametrize("n_models", SIZES)
@pytest.mark.parametrize("population", ["latent", "additive"])
def test_intervals_hold_the_truth(population: str, n_models: int) -> None:
    of_r, of_median = coverage(population, n_models, 150 if n_models < 64 else 80, draws=100)
    assert LEAST <= of_r < 1 and of_median >= LEAST


def test_differences_hold_the_truth() -> None:
    assert min(coverage_of_sets(14, 20, 120, draws=100).values()) >= LEAST


def test_the_highest_and_the_lowest_of_like_sets_are_seldom_told_apart() -> None:
    """Six sets of one population: the extremes are chosen after looking, and still differ in few samples only."""
    rng = np.random.default_rng(6)
    sets = [ModelSet(str(k), str(k), np.arange(84) // 14 == k) for k in range(6)]
    told = {2: 0, 6: 0}
    for sample in range(60):
        stack = POPULATIONS["latent"](rng, 84)
        found = resample(stack, [(one, one) for one in sets], resamples=100, seed=sample)
        ranked = sorted(range(6), key=lambda k: found.medians[k].value)
        for among in told:
            told[among] += found.difference(ranked[-1], ranked[0], among=among).low > 0
    assert told[6] <= 0.08 * 60 < told[2], "an interval of two sets that were not chosen would be too short"


def test_ranks_hold_the_truth() -> None:
    of_r, of_median = coverage("latent", 20, 60, draws=60, method="spearman")
    assert min(of_r, of_median) >= LEAST


def test_pairs_taken_as_independent_would_not_hold_it() -> None:
    """What the tests above are there to catch: the textbook interval over pairs, on the same samples."""
    rng = np.random.default_rng(64)
    truth = truth_of("additive")
    rows, columns = np.triu_indices(64, 1)
    held = []
    for _ in range(80):
        values = POPULATIONS["additive"](rng, 64)[:, rows, columns]
        z = np.arctanh(np.corrcoef(values)[ABOVE])
        held.append(np.mean(np.abs(z - np.arctanh(truth.r)) <= 1.96 / np.sqrt(len(rows) - 3)))
    assert np.mean(held) < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("n_models", SIZES)
@pytest.mark.parametrize("population", POPULATIONS)
def test_intervals_hold_the_truth_of_every_population(
    population: str, n_models: int, capsys: pytest.CaptureFixture[str]
) -> None:
    of_r, of_median = coverage(population, n_models, 1000, draws=300)
    with capsys.disabled():
        print(f"\n| {population} | {n_models} | {of_r:.1%} | {of_median:.1%} |")
    assert min(of_r, of_median) >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize("n_models", SIZES)
def test_ranks_hold_the_truth_in_many_samples(n_models: int, capsys: pytest.CaptureFixture[str]) -> None:
    of_r, of_median = coverage("latent", n_models, 300, draws=200, method="spearman")
    with capsys.disabled():
        print(f"\n| latent, Spearman | {n_models} | {of_r:.1%} | {of_median:.1%} |")
    assert min(of_r, of_median) >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize(("n_a", "n_b"), [(8, 8), (8, 20), (14, 14), (14, 30), (20, 30)])
def test_intervals_of_two_sets_hold_the_truth(n_a: int, n_b: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = coverage_of_sets(n_a, n_b, 500, draws=300)
    with capsys.disabled():
        print(f"\n| {n_a}, {n_b} | " + " | ".join(f"{name} {share:.1%}" for name, share in found.items()) + " |")
    assert min(found.values()) >= LEAST
