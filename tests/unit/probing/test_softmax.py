"""The batched training against torch's own AdamW, one setting at a time, and probes of data made for it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from backend.domain.probing import parts
from workers.probing import softmax
from workers.probing.probe import LEARNING_RATES, WEIGHT_DECAYS, probe
from workers.probing.softmax import Setting, n_steps, scores, train


def data(n: int = 60, d: int = 5, classes: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    x = rng.normal(size=(n, d)) + np.eye(classes, d)[y]
    return torch.from_numpy(x), torch.from_numpy(y)


def by_torch(x: torch.Tensor, y: torch.Tensor, classes: int, setting: Setting, steps: int) -> torch.Tensor:
    """The same training as torch's modules do it, whole batches."""
    with torch.enable_grad():
        layer = nn.Linear(x.shape[1], classes, bias=False, dtype=x.dtype)
        nn.init.zeros_(layer.weight)
        optimiser = torch.optim.AdamW(
            layer.parameters(), lr=setting.learning_rate, weight_decay=setting.weight_decay
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
        for _ in range(steps):
            optimiser.zero_grad()
            nn.functional.cross_entropy(layer(x), y).backward()
            optimiser.step()
            schedule.step()
    return layer.weight.detach()


@pytest.fixture(autouse=True)
def _as_in_a_worker() -> object:
    with torch.no_grad():
        yield


def test_every_setting_is_trained_as_by_torch_alone() -> None:
    x, y = data()
    settings = [Setting(rate, decay) for rate in LEARNING_RATES for decay in (WEIGHT_DECAYS[0], WEIGHT_DECAYS[-1])]
    found = train(x, y, 3, settings, seed=0)
    assert found.shape == (8, 3, 5)
    for weights, setting in zip(found, settings, strict=True):
        torch.testing.assert_close(weights, by_torch(x, y, 3, setting, n_steps(60)), rtol=1e-6, atol=1e-10)


def test_scores_are_the_linear_map() -> None:
    x, y = data()
    weights = train(x, y, 3, [Setting(0.1, 0.0), Setting(0.01, 1.0)], seed=0)
    torch.testing.assert_close(scores(weights, x)[1], weights[1] @ x.T)


def test_batches_take_every_stimulus_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "BATCH", 16)
    drawn = softmax._batches(40, seed=3)
    epochs = [torch.cat([next(drawn) for _ in range(3)]) for _ in range(2)]  # type: ignore[misc]
    assert [sorted(epoch.tolist()) for epoch in epochs] == [list(range(40))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()
    monkeypatch.setattr(softmax, "EPOCHS", 30)
    assert n_steps(40) == 90
    x, y = data(40)
    first, again, other = (train(x, y, 3, [Setting(0.1, 0.1)], seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def classes_apart(distance: float, n: int = 240, d: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four classes around the corners of a simplex, on a large common mean as deep features have it."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(4), n // 4)
    return (rng.normal(size=(n, d)) + distance * np.eye(4, d)[codes] + 5.0).astype(np.float32), codes


def test_classes_far_apart_are_told_apart_and_noise_is_at_chance() -> None:
    for distance, low, high in ((12.0, 0.99, 1.0), (0.0, 0.0, 0.42)):
        x, codes = classes_apart(distance)
        found = probe(x, codes, parts(codes, None, 0), seed=0)
        assert low <= found.top1 <= high
        assert found.top1 <= found.top5 == 1.0, "four labels are always among the first five"
        assert found.mean_class_recall == pytest.approx(found.top1), "every label has as many test stimuli"
        assert found.recipe["chance"] == 0.25 and found.recipe["n_test"] == 60


def test_farther_classes_are_easier() -> None:
    found = [probe(*(d := classes_apart(distance)), parts(d[1], None, 0), seed=0).top1 for distance in (1.0, 3.0, 9.0)]
    assert found == sorted(found) and found[0] + 0.1 < found[2]


def test_recall_counts_every_label_alike() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [320, 40, 40])
    x = (rng.normal(size=(400, 6)) + 8.0 * np.eye(2, 6)[[0, 1, 1]][codes]).astype(np.float32)
    found = probe(x, codes, parts(codes, None, 0), seed=0)
    # Labels 1 and 2 cannot be told apart: nine tenths are right, two thirds of the labels.
    assert found.top1 == pytest.approx(0.9, abs=0.05) and found.mean_class_recall == pytest.approx(2 / 3, abs=0.12)


def test_test_stimuli_have_no_part_in_training() -> None:
    x, codes = classes_apart(3.0)
    of = parts(codes, None, 0)
    before = probe(x, codes, of, seed=0)
    moved = x.copy()
    moved[of.test] = np.roll(x[of.test], 1, axis=0)
    swapped = probe(moved, codes, of, seed=0)
    for name in ("learning_rate", "weight_decay", "n_train"):
        assert swapped.recipe[name] == before.recipe[name]
    assert swapped.top1 != before.top1


def test_the_same_bits_every_time_and_the_length_of_rows_does_not_matter() -> None:
    x, codes = classes_apart(2.0)
    of = parts(codes, None, 1)
    first = probe(x, codes, of, seed=1)
    assert probe(x.copy(), codes, of, seed=1) == first
    assert probe(x * np.float32(4), codes, of, seed=1) == first


def test_a_stop_is_noticed_between_steps() -> None:
    class Stop(Exception):
        pass

    calls = iter(range(7))

    def stop() -> None:
        if next(calls) == 6:
            raise Stop

    x, codes = classes_apart(2.0)
    with pytest.raises(Stop):
        probe(x, codes, parts(codes, None, 0), seed=0, progress=stop)
