"""`parallax layers search` and `parallax embeddings diagnose`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from parallax.cli.layers import natural
from tests.unit.cli.files import CommandLine, features, folder_of, ids, write

LINEAR = "cka.linear.unbiased"


@pytest.fixture
def layered(tmp_path: Path) -> tuple[Path, Path]:
    """Two models of three layers each; layer 10 of the first and layer 1 of the second are the same."""
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(40, 8)).astype(np.float32) for _ in range(5)]
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir(), b.mkdir()
    for folder, number, features_of in ((a, 1, rows[0]), (a, 2, rows[1]), (a, 10, rows[2])):
        np.save(folder / f"layer{number}.npy", features_of)
    for number, features_of in ((0, rows[3]), (1, rows[2]), (2, rows[4])):
        np.save(b / f"layer{number}.npy", features_of)
    return a, b


def test_the_best_pair_of_layers_is_found_and_held_against_chance(
    parallax: CommandLine, layered: tuple[Path, Path]
) -> None:
    ended = parallax("layers", "search", *layered, "-m", LINEAR, "--permutations", 49, "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    assert found["layers_a"] == ["layer1", "layer2", "layer10"] and found["layers_b"] == ["layer0", "layer1", "layer2"]
    assert (found["best"]["layer_a"], found["best"]["layer_b"]) == ("layer10", "layer1")
    assert found["best"]["value"] == pytest.approx(1, abs=1e-6) == found["grid"][2][1]
    assert found["p"] == pytest.approx(1 / 50) and found["recipe"]["permutations"] == 49
    assert 0 < found["tau"] < 1 and found["calibrated"] == pytest.approx(1, abs=1e-6)
    text = parallax("layers", "search", *layered, "-m", LINEAR, "--permutations", 49).out
    assert text.startswith("Best: layer10 of ") and "more is more alike" in text and "p = 0.0200" in text
    assert [line.split()[0] for line in text.splitlines()[-3:]] == ["layer1", "layer2", "layer10"]


def test_a_layer_without_a_value_is_named(parallax: CommandLine, layered: tuple[Path, Path]) -> None:
    np.save(layered[0] / "layer0.npy", np.ones((40, 8), dtype=np.float32))
    ended = parallax("layers", "search", *layered, "-m", LINEAR, "--permutations", 19, "--json")
    assert ended.status == 0 and "layer0" in ended.err
    found = json.loads(ended.out)
    assert found["grid"][0] == [None, None, None] and set(found["excluded_a"]) == {"layer0"}
    assert found["best"]["layer_a"] == "layer10"


def test_layers_that_cannot_be_searched(parallax: CommandLine, layered: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = layered
    assert parallax("layers", "search", a, tmp_path / "c", "-m", LINEAR).status == 2
    assert parallax("layers", "search", a, b, "-m", "cka").status == 2
    (tmp_path / "empty").mkdir()
    assert parallax("layers", "search", a, tmp_path / "empty", "-m", LINEAR).status == 1
    np.save(b / "layer3.npy", np.zeros((39, 8), dtype=np.float32))
    ended = parallax("layers", "search", a, b, "-m", LINEAR)
    assert ended.status == 1 and "(39, 8)" in ended.err and "(40, 8)" in ended.err


def test_numbers_within_names_sort_as_numbers() -> None:
    names = ["b10", "a2", "b9", "a", "10", "a2b", "9"]
    assert sorted(names, key=natural) == ["a", "a2", "a2b", "b9", "b10", "9", "10"]


def test_diagnostics_of_every_file(parallax: CommandLine, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    round_cloud = rng.normal(size=(500, 4)).astype(np.float32)
    np.save(tmp_path / "round.npy", round_cloud)
    np.save(tmp_path / "line.npy", (round_cloud[:, :1] * np.arange(1, 5)).astype(np.float32))
    found = json.loads(parallax("embeddings", "diagnose", tmp_path, "--json").out)
    line, cloud = found["models"]
    assert (line["model"], cloud["model"], cloud["n"], cloud["d"]) == ("line", "round", 500, 4)
    assert line["participation_ratio"] == pytest.approx(1, abs=1e-4)
    assert cloud["participation_ratio"] == pytest.approx(4, rel=0.05)
    assert found["modality_gap"] is None
    table = parallax("embeddings", "diagnose", tmp_path).out.splitlines()
    assert [row.split()[0] for row in table] == ["model", "line", "round"] and "Effective rank" in table[0]


def test_the_gap_between_two_towers(parallax: CommandLine, tmp_path: Path) -> None:
    rows = np.zeros((10, 2), dtype=np.float32)
    rows[:, 0] = np.arange(1, 11)
    a, b = write(tmp_path / "image.npy", rows), write(tmp_path / "text.npy", rows[:, ::-1].copy())
    ended = parallax("embeddings", "diagnose", a, "--paired-with", b, "--json")
    assert json.loads(ended.out)["modality_gap"] == pytest.approx(2**0.5)
    assert parallax("embeddings", "diagnose", a, b, "--paired-with", b).status == 2
    shorter = write(tmp_path / "short.npy", rows[:9])
    assert parallax("embeddings", "diagnose", a, "--paired-with", shorter).status == 1


def test_towers_with_names_in_another_order_are_refused(parallax: CommandLine, tmp_path: Path) -> None:
    rows = features(1)[0]
    a, b = write(tmp_path / "a.safetensors", rows, ids(24)), write(tmp_path / "b.safetensors", rows, ids(24)[::-1])
    ended = parallax("embeddings", "diagnose", a, "--paired-with", b)
    assert ended.status == 1 and "different order" in ended.err
    assert parallax("embeddings", "diagnose", folder_of(tmp_path / "emb")).status == 0
