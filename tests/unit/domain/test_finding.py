"""The sentence and its numbers, recomputed one by one."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import pearsonr

from backend.domain.finding import finding, verdict, verdict_words

DATASETS = ["sky", "digits", "histology", "textures"]
OBJECTIVES = ["supervised"] * 4 + ["self-supervised"] * 4 + ["untrained"] * 2


def matrices(n_datasets: int = 4, n_models: int = 10, noise: float = 0.5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.random((n_models, n_models)) + noise * rng.random((n_datasets, n_models, n_models))
    values = values + values.transpose(0, 2, 1)
    values[:, np.arange(n_models), np.arange(n_models)] = 1
    return values


def correlations_by_hand(values: np.ndarray, keep: list[tuple[int, int]]) -> dict[tuple[str, str], float]:
    rows, columns = np.array(keep).T
    return {
        (DATASETS[a], DATASETS[b]): pearsonr(values[a, rows, columns], values[b, rows, columns]).statistic
        for a, b in combinations(range(len(values)), 2)
    }


def test_every_number_is_recomputable() -> None:
    values = matrices()
    numbers = finding(values, DATASETS, OBJECTIVES, "cka.linear.unbiased").numbers
    every = correlations_by_hand(values, list(combinations(range(10), 2)))
    r = list(every.values())
    assert numbers["n_datasets"] == 4 and numbers["n_dataset_pairs"] == 6
    assert numbers["n_models"] == 10 and numbers["n_model_pairs"] == numbers["n_model_pairs_min"] == 45
    assert numbers["median_r"] == pytest.approx(np.median(r))
    assert [numbers["min_r"], numbers["q1_r"], numbers["q3_r"], numbers["max_r"]] == pytest.approx(
        list(np.quantile(r, [0, 0.25, 0.75, 1]))
    )
    assert set(numbers["weakest_pair"]) == set(min(every, key=every.__getitem__))  # type: ignore[arg-type]
    assert set(numbers["strongest_pair"]) == set(max(every, key=every.__getitem__))  # type: ignore[arg-type]

    trained = correlations_by_hand(values, list(combinations(range(8), 2)))
    assert numbers["n_trained_models"] == 8
    assert numbers["median_r_trained"] == pytest.approx(np.median(list(trained.values())))

    across = correlations_by_hand(values, [(i, j) for i in range(4) for j in range(4, 8)])
    prefix = "set_pair.self-supervised.supervised"
    assert numbers[f"{prefix}.median_r"] == pytest.approx(np.median(list(across.values())))
    assert numbers[f"{prefix}.n_pairs"] == 16 and numbers[f"{prefix}.n_dataset_pairs"] == 6
    assert not any(key.startswith("set_pair.untrained.untrained") for key in numbers), "one pair is too few"


def test_the_sentence_says_what_the_numbers_say() -> None:
    made = finding(
        matrices(), DATASETS, OBJECTIVES, "cka.linear.unbiased",
        metric_title="linear CKA", dataset_titles={"sky": "Night sky"},
    )
    shown = re.findall(r"−?\d+\.\d\d", made.sentence)
    trained = ("median_r_trained", "median_r_trained_ci_low", "median_r_trained_ci_high")
    keys = ("median_r", "median_r_ci_low", "median_r_ci_high", "min_r", "max_r", *trained)
    assert shown == [f"{made.numbers[key]:.2f}" for key in keys]
    # The interval reaches from below 0.8 to above it.
    assert made.numbers["verdict"] == "largely" and " carries over partly or largely from" in made.sentence
    assert "the similarities of 10 models (45 model pairs, linear CKA)" in made.sentence
    assert "6 pairs of 4 datasets" in made.sentence
    assert "without the 2 untrained models" in made.sentence
    for name in (*made.numbers["weakest_pair"], *made.numbers["strongest_pair"]):  # type: ignore[misc,union-attr]
        assert {"sky": "Night sky"}.get(name, name) in made.sentence
    assert made.sentence.endswith(".") and made.sentence.count(". ") == 0


def test_a_verdict_that_rests_on_untrained_models_is_qualified_in_the_claim() -> None:
    """Trained models unrelated across datasets, all far from the untrained ones: r is high, and says little."""
    values = 0.3 * np.random.default_rng(3).random((4, 10, 10))
    values = values + values.transpose(0, 2, 1)
    values[:, 8:, :8] += 5
    values[:, :8, 8:] += 5
    made = finding(values, DATASETS, OBJECTIVES, "m")
    assert made.numbers["verdict"] == "largely" and made.numbers["verdict_trained"] == "hardly"
    assert "or largely from one dataset to another, but hardly among the trained models alone: " in made.sentence


@pytest.mark.parametrize(("numbers", "words"), [
    ((0.41, 0.15, 0.49), "hardly"), ((0.41, 0.15, 0.62), "hardly or partly"), ((0.9, 0.7, 0.95), "partly or largely"),
    ((0.6, 0.2, 0.9), "hardly, partly or largely"), ((0.85, None, None), "largely"), ((None, None, None), ""),
])
def test_the_verdict_leaves_open_what_the_interval_does(numbers: tuple[float | None, ...], words: str) -> None:
    assert verdict_words(*numbers) == words


def test_the_order_of_datasets_and_models_does_not_matter() -> None:
    """Datasets are sorted by name; another order of models draws others, which moves ends by a little."""
    values = matrices()
    models, datasets = np.random.default_rng(1).permutation(10), [2, 0, 3, 1]
    first = finding(values, DATASETS, OBJECTIVES, "cka.linear.unbiased")
    again = finding(values[datasets], [DATASETS[i] for i in datasets], OBJECTIVES, "cka.linear.unbiased")
    assert again.sentence == first.sentence
    other = finding(
        values[:, models][:, :, models], DATASETS, [OBJECTIVES[i] for i in models], "cka.linear.unbiased"
    ).numbers
    for key, value in first.numbers.items():
        if key.startswith("median_r_ci"):
            assert other[key] == pytest.approx(value, abs=0.05), key
        elif isinstance(value, float) and "ci_" not in key:
            assert other[key] == pytest.approx(value), key
        elif value is not None and "ci_" not in key:
            assert other[key] == value, key


def steady_and_not(n_each: int = 12) -> tuple[np.ndarray, list[str]]:
    """Self-supervised models that hardly move over four datasets, supervised ones that move a lot."""
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(2 * n_each, 3))
    noise = np.r_[np.full(n_each, 0.05), np.full(n_each, 1.5)][:, None]
    seen = positions + noise * rng.normal(size=(4, 2 * n_each, 3))
    values = np.exp(-((seen[:, :, None] - seen[:, None]) ** 2).sum(axis=3) / 4)
    return values, ["self-supervised"] * n_each + ["supervised"] * n_each


def test_the_steadiest_objective_is_named_with_the_difference() -> None:
    values, objectives = steady_and_not()
    made = finding(values, DATASETS, objectives, "m")
    numbers = made.numbers
    assert (numbers["steadiest_objective"], numbers["least_steady_objective"]) == ("self-supervised", "supervised")
    assert numbers["objective_verdict"] == "apart"
    medians = [numbers[f"set_pair.{slug}.{slug}.median_r"] for slug in ("self-supervised", "supervised")]
    assert numbers["objective_difference"] == pytest.approx(medians[0] - medians[1])  # type: ignore[operator]
    assert numbers["objective_difference_ci_low"] > 0  # type: ignore[operator]
    assert (
        f"; pairs of Self-Supervised models (median {medians[0]:.2f}) are steadier than those of Supervised models "
        f"({medians[1]:.2f}), by {numbers['objective_difference']:.2f} (95 % interval "
    ) in made.sentence.replace("−", "-")


def test_the_extremes_of_three_objectives_are_judged_as_chosen() -> None:
    values, objectives = steady_and_not()
    two = finding(values, DATASETS, objectives, "m")
    rng = np.random.default_rng(3)
    copied = rng.permutation(12)  # some self-supervised models once more, as a third objective
    at = np.r_[np.arange(24), copied]
    three = finding(values[:, at][:, :, at], DATASETS, [*objectives, *["image-text"] * 12], "m")
    assert (two.numbers["objectives_ranked"], three.numbers["objectives_ranked"]) == (2, 3)
    assert ", chosen of 3)" in three.sentence and "chosen of" not in two.sentence


def test_a_tie_is_said_in_words() -> None:
    made = finding(matrices(), DATASETS, ["supervised"] * 5 + ["self-supervised"] * 5, "m")
    assert made.numbers["objective_verdict"] == "tie"
    low, high = (made.numbers[f"objective_difference_ci_{side}"] for side in ("low", "high"))
    assert low <= 0 <= high  # type: ignore[operator]
    assert f" tie, the 95 % interval {low:.2f} to {high:.2f} of their difference holds 0." in (
        made.sentence.replace("−", "-")
    )


def test_small_sets_give_way_to_larger_ones_and_untrained_models_are_no_objective() -> None:
    values, objectives = steady_and_not()
    image_text = ["image-text"] * 4 + objectives[4:]
    numbers = finding(values, DATASETS, image_text, "m").numbers
    assert numbers["set_pair.image-text.image-text.small"] is True
    assert numbers["set_pair.image-text.image-text.median_r"] > 0.9  # type: ignore[operator]
    assert numbers["steadiest_objective"] == "self-supervised", "8 models, where 4 are too few"
    untrained = finding(values, DATASETS, ["untrained"] * 12 + objectives[12:], "m")
    assert "steadiest_objective" not in untrained.numbers and "steadier" not in untrained.sentence
    assert untrained.numbers["set_pair.untrained.untrained.median_r"] > 0.9  # type: ignore[operator]


def test_where_no_interval_is_defined_none_is_said() -> None:
    made = finding(matrices(2, 3), DATASETS[:2], ["supervised"] * 3, "m")
    assert made.numbers["median_r"] is not None
    assert made.numbers["median_r_ci_low"] is None is made.numbers["median_r_ci_high"]
    assert made.sentence and "interval" not in made.sentence


@pytest.mark.parametrize(
    ("median", "word"),
    [(0.95, "largely"), (0.796, "largely"), (0.79, "partly"), (0.5, "partly"), (0.49, "hardly")],
)
def test_thresholds_of_the_verdict(median: float, word: str) -> None:
    assert verdict(median) == word


def test_too_little_to_say() -> None:
    nothing = finding(np.zeros((0, 0, 0)), [], [], "m")
    assert nothing.sentence == "" and nothing.numbers["n_datasets"] == 0
    one_dataset = finding(matrices(1), DATASETS[:1], OBJECTIVES, "m")
    assert one_dataset.sentence == "" and one_dataset.numbers["n_models"] == 10
    two_models = finding(matrices(4, 2), DATASETS, ["supervised"] * 2, "m")
    assert two_models.sentence == "" and two_models.numbers["n_model_pairs"] == 1


def test_one_dataset_pair_and_few_models_are_said_plainly() -> None:
    made = finding(matrices(2, 4), DATASETS[:2], ["supervised"] * 4, "m")
    assert made.sentence.startswith("With only 4 models so far, which models look alike")
    assert "correlate with r = " in made.sentence and "median" not in made.sentence


def test_gaps_show_as_a_range_of_pairs_and_an_empty_dataset_does_not_count() -> None:
    values = matrices()
    values[0, 3] = values[0, :, 3] = np.nan
    values[3] = np.nan
    made = finding(values, DATASETS, OBJECTIVES, "m")
    assert made.numbers["n_datasets"] == 3 and made.numbers["n_dataset_pairs"] == 3
    assert made.numbers["n_model_pairs_min"] == 36
    assert "(36 to 45 model pairs, m)" in made.sentence


def test_negative_numbers_have_a_true_minus_sign_and_zero_has_none() -> None:
    values = matrices(2, 8, noise=0)
    values[1] = -values[1]
    made = finding(values, DATASETS[:2], ["supervised"] * 8, "m")
    assert "r = −1.00" in made.sentence
