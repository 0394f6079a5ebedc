"""The sentence and its numbers, recomputed one by one."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import pearsonr

from backend.domain.finding import finding, verdict

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
    keys = ("median_r", "q1_r", "q3_r", "min_r", "max_r", "median_r_trained")
    assert shown == [f"{made.numbers[key]:.2f}" for key in keys]
    assert f" {made.numbers['verdict']} carries over" in made.sentence
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
    assert "largely carries over from one dataset to another, but hardly among the trained models alone: " in (
        made.sentence
    )


def test_the_order_of_datasets_and_models_does_not_matter() -> None:
    values = matrices()
    models, datasets = np.random.default_rng(1).permutation(10), [2, 0, 3, 1]
    again = finding(
        values[datasets][:, models][:, :, models], [DATASETS[i] for i in datasets],
        [OBJECTIVES[i] for i in models], "cka.linear.unbiased",
    )
    assert again.sentence == finding(values, DATASETS, OBJECTIVES, "cka.linear.unbiased").sentence


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
