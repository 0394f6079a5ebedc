"""`parallax compare`: what it writes, draws and says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.domain.calibration import adjusted_p
from backend.domain.errors import InvalidInput
from backend.domain.metrics import CATALOGUE, DEFAULT_METRICS, DEFAULT_PREPROCESS, parse_metric
from tests.architecture.tree import ROOT
from tests.unit.cli.files import SUFFIXES, CommandLine, features, folder_of, ids, write
from workers.pipelines import compare_files, whole_files
from workers.similarity import engine
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.errors import Undefined

LINEAR = "cka.linear.unbiased"
CALIBRATION = {"null_mean", "null_sd", "tau", "z", "ari", "calibrated", "p", "q"}
INTERVAL = {"ci_low", "ci_high", "ci_method"}
ALWAYS = {"values", "computed", "recipe"}


def arrays(out: Path) -> dict[str, np.ndarray]:
    with np.load(out, allow_pickle=False) as file:
        return dict(file)


def of(metric: str, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of one metric by their short names."""
    return {key.removeprefix(f"{metric}/"): array for key, array in found.items() if key.startswith(f"{metric}/")}


def test_every_format_gives_the_same_matrix(parallax: CommandLine, tmp_path: Path) -> None:
    rows = features(4)
    paths = [write(tmp_path / f"m{i}{suffix}", rows[i], ids(24)) for i, suffix in enumerate(SUFFIXES)]
    assert parallax("compare", *paths, "--metric", LINEAR, "--out", tmp_path / "out.npz").status == 0
    found = arrays(tmp_path / "out.npz")
    assert found["names"].tolist() == ["m0", "m1", "m2", "m3"]
    sources = [EmbeddingSource.from_array(f"m{i}", one) for i, one in enumerate(rows)]
    straight = engine.compare(sources, parse_metric(LINEAR), DEFAULT_PREPROCESS, new=4, memory_mib=512)
    for row in straight.rows:
        np.testing.assert_array_equal(found[f"{LINEAR}/values"][row.index, row.against], row.values)
    np.testing.assert_array_equal(found[f"{LINEAR}/values"], found[f"{LINEAR}/values"].T)


def test_keys_types_and_shapes_of_the_file(parallax: CommandLine, tmp_path: Path) -> None:
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    ended = parallax("compare", folder, "--out", out, "--calibrate", "--uncertainty")
    assert ended.status == 0, ended.err
    found = arrays(out)
    assert {key.rpartition("/")[0] for key in found} == {"", *(metric.id for metric in DEFAULT_METRICS)}
    assert "cka.rbf.unbiased:sigma=0.4/values" in found
    for metric in DEFAULT_METRICS:
        own = of(metric.id, found)
        assert set(own) == ALWAYS | CALIBRATION | INTERVAL
        for name in CALIBRATION | {"values", "ci_low", "ci_high"}:
            assert own[name].dtype == np.float64 and own[name].shape == (3, 3), name
            assert np.isfinite(own[name]).all() or name == "q"
        assert own["computed"].dtype == bool and own["computed"].all()
        np.testing.assert_allclose(np.diagonal(own["values"]), 1, atol=1e-6)
        np.testing.assert_array_equal(own["q"], adjusted_p(own["p"]))
        np.testing.assert_allclose(own["z"], (own["values"] - own["null_mean"]) / own["null_sd"])
        np.testing.assert_allclose(own["ari"], (own["values"] - own["null_mean"]) / (1 - own["null_mean"]))
        np.testing.assert_allclose(
            own["calibrated"], np.maximum((own["values"] - own["tau"]) / (1 - own["tau"]), 0)
        )
        assert ((own["ci_low"] <= own["values"]) & (own["values"] <= own["ci_high"])).all()
        assert "jackknife" in str(own["ci_method"])
        recipe = json.loads(str(own["recipe"]))
        assert recipe["metric"] == metric.id and recipe["metric_version"] == metric.version
        assert (recipe["n"], recipe["preprocess"], recipe["device"]) == (24, "l2", "cpu")
        assert recipe["route"] == "cyclic" and "torch" in recipe and "parallax" in recipe


def test_only_what_was_asked_for_is_there(parallax: CommandLine, tmp_path: Path) -> None:
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    parallax("compare", folder, "-m", LINEAR, "-m", "cka.rbf.unbiased", "-m", LINEAR, "--out", out, "--uncertainty")
    found = arrays(out)
    assert set(of(LINEAR, found)) == ALWAYS | INTERVAL
    assert {key.rpartition("/")[0] for key in found} == {"", LINEAR, "cka.rbf.unbiased:sigma=0.4"}


def test_both_directions_of_a_measure_that_has_them(parallax: CommandLine, tmp_path: Path) -> None:
    folder, out = folder_of(tmp_path / "emb", models=3, n=40), tmp_path / "out.npz"
    metric = "knn.cycle:k=3"
    said = parallax("compare", folder, "-m", metric, "--out", out, "--calibrate", "--preprocess", "none", "--json")
    assert said.status == 0, said.err
    own = of(metric, arrays(out))
    rows = [np.load(folder / f"m{i}.npy").astype(np.float64) for i in range(3)]

    def lists(X: np.ndarray) -> np.ndarray:
        products = X @ X.T
        np.fill_diagonal(products, -np.inf)
        return np.argsort(-products, axis=1)[:, :3]

    near = [lists(X) for X in rows]
    for i in range(3):
        for j in range(3):
            # From i to j: a step to a neighbour in j, and from there a step in i that leads back.
            returned = [any(a in near[i][b] for b in near[j][a]) for a in range(40)]
            assert own["values"][i, j] == pytest.approx(np.mean(returned), abs=1e-12)
    assert not np.array_equal(own["values"], own["values"].T)
    assert not np.array_equal(own["null_mean"], own["null_mean"].T)
    (summary,) = json.loads(said.out)["metrics"]
    assert summary["pairs"] == 3 and summary["recipe"]["route"] == "permutation"
    off = own["values"][~np.eye(3, dtype=bool)]
    assert (summary["min"], summary["max"]) == (off.min(), off.max())


def test_a_square_is_filled_as_its_rows_say() -> None:
    """Rows speak from the new model; what is behind `.reverse` runs towards it."""
    metric = parse_metric("knn.cycle:k=3")
    rows = engine.ComparisonRows(
        (
            engine.ComparisonRow(0, np.array([0]), {"value": np.array([0.9]), "value.reverse": np.array([0.9])}),
            engine.ComparisonRow(
                1, np.array([0, 1]), {"value": np.array([0.2, 0.8]), "value.reverse": np.array([0.3, 0.8])}
            ),
        ),
        {}, {},
    )
    found = compare_files.squares(rows, metric, 2)
    np.testing.assert_array_equal(found["values"], [[0.9, 0.3], [0.2, 0.8]])
    assert found["computed"].all()


def test_json_and_table_say_the_same(parallax: CommandLine, tmp_path: Path) -> None:
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    arguments = ["compare", folder, "-m", LINEAR, "-m", "procrustes.angular", "--out", out, "--calibrate"]
    said = json.loads(parallax(*arguments, "--json").out)
    assert said["names"] == ["m0", "m1", "m2"] and said["n"] == 24 and said["out"] == str(out)
    linear, angular = said["metrics"]
    values = arrays(out)[f"{LINEAR}/values"][np.tril_indices(3, -1)]
    assert [linear[name] for name in ("min", "median", "max")] == [values.min(), np.median(values), values.max()]
    assert (linear["models"], linear["pairs"], linear["direction"]) == (3, 3, "similarity")
    assert linear["significant"] == (arrays(out)[f"{LINEAR}/q"][np.tril_indices(3, -1)] <= 0.05).mean()
    table = parallax(*arguments).out.splitlines()
    assert table[0].split()[:2] == ["metric", "models"] and "q <= 0.05" in table[0]
    assert f"{values.min():.4f}" in table[1] and table[1].endswith("larger")
    assert table[2].startswith("procrustes.angular") and table[2].endswith("smaller")
    assert angular["direction"] == "distance"
    assert "q <= 0.05" not in parallax(*arguments[:-1]).out


def test_a_model_without_a_value_is_left_out_and_named(
    parallax: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = folder_of(tmp_path / "emb", models=4), tmp_path / "out.npz"
    real = engine.preprocessing.apply

    def sometimes(preprocess, X):  # type: ignore[no-untyped-def]
        if X.shape[1] == 8:  # the features of m1
            raise Undefined("its kernel is constant")
        return real(preprocess, X)

    monkeypatch.setattr(engine.preprocessing, "apply", sometimes)
    ended = parallax("compare", folder, "-m", LINEAR, "--out", out, "--calibrate", "--plot", tmp_path / "p.png")
    assert ended.status == 0
    assert "m1" in ended.err and "its kernel is constant" in ended.err and LINEAR in ended.err
    own = of(LINEAR, arrays(out))
    expected = np.ones((4, 4), dtype=bool)
    expected[1] = expected[:, 1] = False
    for name in (*CALIBRATION - {"q"}, "values"):
        np.testing.assert_array_equal(np.isfinite(own[name]), expected, err_msg=name)
    np.testing.assert_array_equal(own["computed"], expected)
    assert json.loads(str(own["recipe"]))["excluded"] == {"m1": "its kernel is constant"}


def test_pairs_one_by_one_take_one_thread_and_tables_all(
    parallax: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    real, seen, before = compare_files.compare, {}, torch.get_num_threads()

    def watched(sources, metric, *rest, **options):  # type: ignore[no-untyped-def]
        seen[metric.id] = torch.get_num_threads()
        if metric.id == "pwcca":
            raise InvalidInput("enough")
        return real(sources, metric, *rest, **options)

    monkeypatch.setattr(compare_files, "compare", watched)
    torch.set_num_threads(3)
    try:
        wanted = ["procrustes.angular", LINEAR, "rtd.lite", "rsa.cosine.pearson"]
        assert parallax("compare", folder, *(part for one in wanted for part in ("-m", one)), "--out", out).status == 0
        assert list(seen.values()) == [1, 3, 1, 3]
        found = arrays(out)
        assert [json.loads(str(found[f"{one}/recipe"]))["threads"] for one in seen] == [1, 3, 1, 3]
        assert parallax("compare", folder, "-m", "pwcca", "--out", out).status != 0
        assert seen["pwcca"] == 1 and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_groups_by_name_and_by_row_are_the_same(parallax: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "emb").mkdir()
    for i, rows in enumerate(features(3)):
        write(tmp_path / "emb" / f"m{i}.safetensors", rows, ids(24))
    film = [i // 3 for i in range(24)]
    (tmp_path / "named.csv").write_text(
        "group,sample_id\n" + "".join(f"film {film[i]},picture-{i}.png\n" for i in reversed(range(24)))
    )
    (tmp_path / "headed.csv").write_text("group\n" + "".join(f"{one}\n" for one in film))
    (tmp_path / "bare.csv").write_text("".join(f"{one}\n" for one in film))
    made = []
    for name in ("named", "headed", "bare"):
        out = tmp_path / f"{name}.npz"
        ended = parallax(
            "compare", tmp_path / "emb", "-m", LINEAR, "--calibrate", "--uncertainty", "--out", out, "--groups",
            tmp_path / f"{name}.csv",
        )  # fmt: skip
        assert ended.status == 0, ended.err
        made.append(of(LINEAR, arrays(out)))
    recipe = json.loads(str(made[0]["recipe"]))
    assert (recipe["route"], recipe["groups"]) == ("block-permutation", 8)
    assert "groups" in str(made[0]["ci_method"])
    for name in ("p", "tau", "ci_low"):
        np.testing.assert_array_equal(made[0][name], made[1][name])
        np.testing.assert_array_equal(made[1][name], made[2][name])


def test_groups_of_unequal_sizes_are_warned_of(parallax: CommandLine, tmp_path: Path) -> None:
    folder, sizes = folder_of(tmp_path / "emb", n=24), [3, 5, 7, 9]
    groups = tmp_path / "groups.csv"
    groups.write_text("".join(f"{g}\n" for g, size in enumerate(sizes) for _ in range(size)))
    ended = parallax("compare", folder, "-m", LINEAR, "--calibrate", "--out", tmp_path / "o.npz", "--groups", groups)
    assert ended.status == 0
    assert "leaves 1 arrangements" in ended.err and "groups of equal size" in ended.err


def test_the_picture_is_a_picture_of_sensible_size(parallax: CommandLine, tmp_path: Path) -> None:
    folder, out, plot = folder_of(tmp_path / "emb", models=5), tmp_path / "out.npz", tmp_path / "fig.png"
    (tmp_path / "models.csv").write_text(
        "model,objective,lab,note\n" + "".join(f"m{i},supervised,lab {i % 2},$x^{i}$\n" for i in range(5))
    )
    attributes = ["--attributes", tmp_path / "models.csv"]
    said = parallax("compare", folder, "-m", LINEAR, "--out", out, "--plot", plot, *attributes, "--json")
    assert said.status == 0 and json.loads(said.out)["plots"] == [str(plot)], said.err
    with Image.open(plot) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert all(600 < side < 3000 for side in picture.size)
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 50
    ended = parallax("compare", folder, "-m", LINEAR, "-m", "cka.rbf.unbiased:sigma=0.4", "--out", out, "--plot",
                     tmp_path / "two.png")  # fmt: skip
    assert ended.status == 0
    assert sorted(path.name for path in tmp_path.glob("two*")) == [
        "two.cka.linear.unbiased.png", "two.cka.rbf.unbiased_sigma_0.4.png",
    ]


def test_a_result_of_before_is_replaced_at_the_end_alone(
    parallax: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "emb" / "out.npz"
    out.write_text("what was there before")

    def seen(*_: object) -> None:
        assert out.read_text() == "what was there before"

    monkeypatch.setattr(whole_files.os, "fsync", seen)
    assert parallax("compare", folder, "-m", LINEAR, "--out", out).status == 0
    assert arrays(out)["names"].tolist() == ["m0", "m1", "m2"], "the result of before is no model"


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The real command, stopped while it writes a file that takes long."""
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    out.write_text("what was there before")
    slow = (
        "import signal, sys, time, numpy as np\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "from parallax.cli import main\n"
        "def savez(file, **arrays):\n"
        "    file.write(b'half'); file.flush(); print('writing', flush=True); time.sleep(60)\n"
        "np.savez = savez\n"
        f"sys.argv = ['parallax', 'compare', {str(folder)!r}, '-m', {LINEAR!r}, '--out', {str(out)!r}]\n"
        "main.run()\n"
    )
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", slow], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "writing\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(50) == 130, "before its sleep would have ended"
        assert "Traceback" not in process.stderr.read()
    assert out.read_text() == "what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["emb", "out.npz"]


def test_every_metric_of_the_catalogue_can_be_compared(parallax: CommandLine, tmp_path: Path) -> None:
    folder, out = folder_of(tmp_path / "emb", n=24), tmp_path / "out.npz"
    wanted = [spec.default.id for spec in CATALOGUE.values()]
    ended = parallax("compare", folder, *(part for one in wanted for part in ("-m", one)), "--out", out)
    assert ended.status == 0, ended.err
    found = arrays(out)
    for one in wanted:
        assert found[f"{one}/computed"].all() and np.isfinite(found[f"{one}/values"]).all(), one
