"""`parallax consistency compute` against what a notebook does with pandas, and what the table looks like."""

from __future__ import annotations

import json
from itertools import combinations, combinations_with_replacement
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.cli.files import CommandLine
from tests.unit.cli.matrices import matrices, names, read_rows, write_attributes, write_compared, write_stack

LINEAR, RBF = "cka.linear.unbiased", "cka.rbf.unbiased:sigma=0.4"
# As in the published table of models: 14, 20 and 30 models.
OBJECTIVE = ["Image-Text"] * 14 + ["Self-Supervised"] * 20 + ["Supervised"] * 30
HEAD = ["dataset_a", "dataset_b", "set_a", "set_b", "n_pairs", "r"]


def long_table(values: np.ndarray, objective: list[str]) -> pd.DataFrame:
    """One row per dataset and pair of models, as the published notebooks keep similarities."""
    rows = []
    for d, square in enumerate(values):
        for i, j in combinations(range(len(objective)), 2):
            sets = sorted((objective[i], objective[j]))
            rows.append((f"d{d:02d}", f"m{i:02d}", f"m{j:02d}", sets[0], sets[1], square[i, j]))
    return pd.DataFrame(rows, columns=["dataset", "model_a", "model_b", "set_a", "set_b", "similarity"])


def by_pandas(values: np.ndarray, objective: list[str], method: str) -> dict[tuple[str, ...], tuple[int, float]]:
    """(dataset, dataset, set, set) -> number of pairs and r, one `corr` at a time."""
    table = long_table(values, objective)
    parts = {(a, b): part for (a, b), part in table.groupby(["set_a", "set_b"])} | {("all", "all"): table}
    found = {}
    for sets, part in parts.items():
        wide = part.pivot(index=["model_a", "model_b"], columns="dataset", values="similarity")
        for a, b in combinations(wide.columns, 2):
            both = wide[[a, b]].dropna()
            found[a, b, *sets] = (len(both), both[a].corr(both[b], method=method))
    return found


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_equals_what_a_notebook_computes(parallax: CommandLine, tmp_path: Path, method: str) -> None:
    values = matrices(23, 64).round(3)  # rounding makes ties
    shuffled = np.random.default_rng(1).permutation(64)
    objective = [OBJECTIVE[i] for i in shuffled]
    stack = write_stack(tmp_path / "stack.npz", values)
    table = write_attributes(tmp_path / "models.csv", {"size": ["s"] * 64, "objective": objective})
    out = tmp_path / "out.csv"
    arguments = ["--matrices", stack, "--attributes", table, "--by", "objective", "--method", method, "--out", out]
    ended = parallax("consistency", "compute", *arguments)
    assert ended.status == 0 and ended.err == "", ended.err
    expected = by_pandas(values, objective, method)
    rows = read_rows(out)
    assert list(rows[0]) == HEAD and len(rows) == len(expected) == 7 * 253
    keys = [(row["dataset_a"], row["dataset_b"], row["set_a"], row["set_b"]) for row in rows]
    # Blocks of set pairs in alphabetical order, the baseline last; in each the dataset pairs as they come in the file.
    sets = [*combinations_with_replacement(sorted(set(objective)), 2), ("all", "all")]
    assert keys == [(a, b, *pair) for pair in sets for a, b in combinations(names("d", 23), 2)]
    for key, row in zip(keys, rows, strict=True):
        n_pairs, r = expected[key]
        assert int(row["n_pairs"]) == n_pairs
        assert float(row["r"]) == pytest.approx(r, abs=1e-9)


def test_a_folder_of_compare_outputs_gives_the_same_rows(parallax: CommandLine, tmp_path: Path) -> None:
    values = matrices(3, 12)
    folder, models = tmp_path / "matrices", names("m", 12)
    folder.mkdir()
    other_order = np.random.default_rng(0).permutation(12)
    for d in range(3):
        order = other_order if d == 1 else np.arange(12)
        here = values[d][np.ix_(order, order)]
        write_compared(folder / f"d{d:02d}.npz", [models[i] for i in order], {LINEAR: here, RBF: here**3})
    (folder / "notes.txt").write_text("not a matrix")
    table = write_attributes(tmp_path / "models.csv", {"kind": ["b", "a"] * 6})
    common = ["consistency", "compute", "--attributes", table, "--by", "kind"]
    ends = [
        parallax(*common, "--matrices", write_stack(tmp_path / "s.npz", values), "--out", tmp_path / "1.csv"),
        parallax(*common, "--matrices", folder, "--metric", LINEAR, "--out", tmp_path / "2.csv"),
        parallax(*common, "--matrices", folder, "-m", "cka.rbf.unbiased", "--out", tmp_path / "3.csv"),
        parallax(*common, "--matrices", write_stack(tmp_path / "r.npz", values**3), "--out", tmp_path / "4.csv"),
    ]
    assert [one.status for one in ends] == [0] * 4, ends
    tables = [(tmp_path / f"{i}.csv").read_text() for i in (1, 2, 3, 4)]
    assert tables[0] == tables[1] != tables[2] == tables[3]


def test_what_compare_writes_can_be_read(parallax: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name, n in (("first", 30), ("second", 40)):
        rng = np.random.default_rng(n)
        (tmp_path / name).mkdir()
        for i in range(5):
            np.save(tmp_path / name / f"m{i:02d}.npy", rng.normal(size=(n, 6)).astype(np.float32))
        arguments = [tmp_path / name, "-m", LINEAR, "--out", tmp_path / "out" / f"{name}.npz"]
        assert parallax("compare", *arguments).status == 0
    table = write_attributes(tmp_path / "models.csv", {"kind": list("aaabb")})
    arguments = ["--matrices", tmp_path / "out", "--attributes", table, "--by", "kind", "--out", tmp_path / "r.csv"]
    ended = parallax("consistency", "compute", *arguments, "--json")
    said = json.loads(ended.out)
    assert ended.status == 0 and said["metric"] == LINEAR and said["datasets"] == ["first", "second"]
    upper = np.triu_indices(5, 1)
    flat = [np.load(tmp_path / "out" / f"{name}.npz")[f"{LINEAR}/values"][upper] for name in ("first", "second")]
    baseline = read_rows(tmp_path / "r.csv")[-1]
    assert (baseline["set_a"], baseline["n_pairs"]) == ("all", "10")
    assert float(baseline["r"]) == pytest.approx(np.corrcoef(flat)[0, 1], abs=1e-12)


def test_sets_with_fewer_than_three_pairs_have_rows_without_r(parallax: CommandLine, tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "s.npz", matrices(3, 7))
    table = write_attributes(tmp_path / "models.csv", {"kind": ["b", "b", "a", "c", "c", "c", "c"]})
    out = tmp_path / "out.csv"
    ended = parallax("consistency", "compute", "--matrices", stack, "--attributes", table, "--by", "kind", "--out", out)
    assert ended.status == 0
    found = {(row["set_a"], row["set_b"]): (int(row["n_pairs"]), row["r"] != "") for row in read_rows(out)}
    assert found == {
        ("a", "a"): (0, False), ("a", "b"): (2, False), ("a", "c"): (4, True), ("b", "b"): (1, False),
        ("b", "c"): (8, True), ("c", "c"): (6, True), ("all", "all"): (21, True),
    }  # fmt: skip
    warnings = ended.err.splitlines()
    assert len(warnings) == 3 and all(line.startswith("Warning: ") for line in warnings)
    assert "b, b: no r for 3 of 3 dataset pairs" in ended.err and "fewer than 3 pairs of models" in ended.err


def test_anchors_are_held_against_every_set_and_never_against_themselves(parallax: CommandLine, tmp_path: Path) -> None:
    values = matrices(4, 12)
    stack = write_stack(tmp_path / "s.npz", values)
    kind = ["x"] * 5 + ["y"] * 7
    table = write_attributes(tmp_path / "models.csv", {"kind": kind})
    out = tmp_path / "out.csv"
    common = ["consistency", "compute", "--matrices", stack, "--attributes", table, "--by", "kind", "--out", out]
    # Several names behind the option, or the option several times, whatever follows.
    assert parallax(*common[:2], "--anchors", "m01", "m07", *common[2:]).status == 0
    written = out.read_text()
    assert parallax(*common, "--anchors", "m01", "--anchors=m07", "--anchors", "m01").status == 0
    assert out.read_text() == written
    rows = read_rows(out)
    blocks = list(dict.fromkeys((row["set_a"], row["set_b"]) for row in rows))
    assert blocks[3:] == [("m01", "x"), ("m01", "y"), ("all", "m01"), ("m07", "x"), ("m07", "y"), ("all", "m07"),
                          ("all", "all")]  # fmt: skip
    for row in rows[3 * 6 : -6]:
        anchor = int(next(name for name in (row["set_a"], row["set_b"]) if name[0] == "m")[1:])
        others = [j for j in range(12) if j != anchor and {kind[j], "all"} & {row["set_a"], row["set_b"]}]
        first, second = (values[int(row[side][1:])][anchor, others] for side in ("dataset_a", "dataset_b"))
        assert int(row["n_pairs"]) == len(others)
        assert float(row["r"]) == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-12)


def test_partial_data_are_used_pair_by_pair_and_said(parallax: CommandLine, tmp_path: Path) -> None:
    values, kind = matrices(3, 10), ["x", "y"] * 5
    folder = tmp_path / "matrices"
    folder.mkdir()
    expected = values.copy()
    expected[1, 2, 5] = expected[1, 5, 2] = np.nan
    expected[2, 9] = expected[2, :, 9] = np.nan
    models = names("m", 10)
    write_compared(folder / "d00.npz", models, {LINEAR: values[0]})
    write_compared(folder / "d01.npz", models, {LINEAR: expected[1]})
    write_compared(folder / "d02.npz", models[:9], {LINEAR: values[2][:9, :9]})
    table = write_attributes(tmp_path / "models.csv", {"kind": kind})
    out = tmp_path / "out.csv"
    arguments = ["--matrices", folder, "--attributes", table, "--by", "kind", "--out", out]
    ended = parallax("consistency", "compute", *arguments)
    assert ended.status == 0
    assert "d01 has 44 of 45 pairs of its models" in ended.err
    assert "d02 has 9 of 10 models; without m09" in ended.err
    by_hand = by_pandas(expected, kind, "pearson")
    for row in read_rows(out):
        n_pairs, r = by_hand[row["dataset_a"], row["dataset_b"], row["set_a"], row["set_b"]]
        assert int(row["n_pairs"]) == n_pairs and float(row["r"]) == pytest.approx(r, abs=1e-9)


def test_what_a_mask_says_was_not_computed_is_not_read(parallax: CommandLine, tmp_path: Path) -> None:
    values = matrices(2, 6)
    computed = np.ones(values.shape, dtype=bool)
    computed[0, 1, 2] = False
    table = write_attributes(tmp_path / "models.csv", {"kind": ["x"] * 6})
    common = ["consistency", "compute", "--attributes", table, "--by", "kind", "--out", tmp_path / "out.csv"]
    for gap in (np.nan, 123.0):
        masked = values.copy()
        masked[0, 1, 2] = gap
        stack = write_stack(tmp_path / "s.npz", masked, computed=computed)
        assert parallax(*common, "--matrices", stack).status == 0
        used = [pair for pair in combinations(range(6), 2) if pair != (1, 2)]
        r = np.corrcoef(*([square[i, j] for i, j in used] for square in values))[0, 1]
        for row in read_rows(tmp_path / "out.csv"):
            assert row["n_pairs"] == "14" and float(row["r"]) == pytest.approx(r, abs=1e-12)


def test_values_of_two_directions_count_with_their_mean(parallax: CommandLine, tmp_path: Path) -> None:
    values = matrices(2, 8)
    values[0, 0, 1] += 0.3
    table = write_attributes(tmp_path / "models.csv", {"kind": ["x"] * 8})
    common = ["consistency", "compute", "--attributes", table, "--by", "kind", "--out", tmp_path / "out.csv"]
    ended = parallax(*common, "--matrices", write_stack(tmp_path / "s.npz", values))
    assert "not symmetric on d00; a pair of models counts with the mean" in ended.err
    upper = np.triu_indices(8, 1)
    r = np.corrcoef(*((square + square.T)[upper] for square in values))[0, 1]
    assert float(read_rows(tmp_path / "out.csv")[0]["r"]) == pytest.approx(r, abs=1e-12)
    # Of a measure that has a direction nobody needs to be told.
    (tmp_path / "m").mkdir()
    for d in range(2):
        write_compared(tmp_path / "m" / f"d{d}.npz", names("m", 8), {"knn.cycle:k=10": values[d]})
    assert parallax(*common, "--matrices", tmp_path / "m").err == ""


def test_similarities_that_do_not_vary_and_models_without_a_value_are_said(
    parallax: CommandLine, tmp_path: Path
) -> None:
    values = matrices(3, 6)
    values[1] = 0.5
    table = write_attributes(tmp_path / "models.csv", {"kind": ["x"] * 5 + [""]})
    out = tmp_path / "out.csv"
    stack = write_stack(tmp_path / "s.npz", values)
    ended = parallax("consistency", "compute", "--matrices", stack, "--attributes", table, "--by", "kind", "--out", out)
    rows = read_rows(out)
    assert [(row["set_a"], row["n_pairs"], row["r"] != "") for row in rows] == [
        ("x", "10", False), ("x", "10", True), ("x", "10", False),
        ("all", "15", False), ("all", "15", True), ("all", "15", False),
    ]  # fmt: skip
    assert "all, all: no r for 2 of 3 dataset pairs: similarities do not vary" in ended.err
    assert "1 of 6 models have no value of kind" in ended.err


def test_intervals_hold_r_and_follow_the_models(parallax: CommandLine, tmp_path: Path) -> None:
    values, kind = matrices(3, 30), ["many"] * 24 + ["few"] * 6
    table = write_attributes(tmp_path / "models.csv", {"kind": kind})
    out = tmp_path / "out.csv"
    common = ["consistency", "compute", "--attributes", table, "--by", "kind", "--intervals", "--out", out]
    said = json.loads(parallax(*common, "--matrices", write_stack(tmp_path / "s.npz", values), "--json").out)
    rows = read_rows(out)
    assert list(rows[0]) == [*HEAD, "ci_low", "ci_high"]
    width: dict[str, list[float]] = {}
    for row in rows:
        low, r, high = (float(row[name]) for name in ("ci_low", "r", "ci_high"))
        assert -1 <= low < r < high <= 1
        width.setdefault(f"{row['set_a']}, {row['set_b']}", []).append(high - low)
    mean = {sets: float(np.mean(widths)) for sets, widths in width.items()}
    assert mean["all, all"] < mean["many, many"] < mean["few, few"]
    # Copies of the same models are more pairs and no more certainty worth the name: pairs are not what is resampled.
    pairs_alone = 2 * 1.96 / np.sqrt(30 * 29 / 2)
    assert mean["all, all"] > 1.5 * pairs_alone
    assert "resample models" in said["interval"]
    for one in said["set_pairs"]:
        assert one["ci_low"] < one["median"] < one["ci_high"]
    assert {one["set_b"]: one["small"] for one in said["set_pairs"] if one["set_a"] == one["set_b"]} == {
        "few": True, "many": False, "all": False,
    }  # fmt: skip
    printed = parallax(*common, "--matrices", tmp_path / "s.npz").out.splitlines()
    assert "95 % interval" in printed[0] and printed[1].endswith("few models") and not printed[3].endswith("models")
    assert printed[-2] == said["interval"]


def test_where_there_is_no_r_there_is_no_interval(parallax: CommandLine, tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "s.npz", matrices(2, 8))
    table = write_attributes(tmp_path / "models.csv", {"kind": ["b", "b", *"aaaaaa"]})
    common = ["--matrices", stack, "--attributes", table, "--by", "kind", "--out", tmp_path / "out.csv"]
    ended = parallax("consistency", "compute", *common, "--intervals")
    row = next(row for row in read_rows(tmp_path / "out.csv") if row["set_a"] == row["set_b"] == "b")
    assert (row["n_pairs"], row["r"], row["ci_low"], row["ci_high"]) == ("1", "", "", "")
    assert "nan" not in ended.out.lower()


def test_the_summary_is_of_the_table(parallax: CommandLine, tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "s.npz", matrices(5, 9))
    table = write_attributes(tmp_path / "models.csv", {"kind": list("xxxxxyyyy")})
    out = tmp_path / "out.csv"
    common = ["consistency", "compute", "--matrices", stack, "--attributes", table, "--by", "kind", "--out", out]
    said = json.loads(parallax(*common, "--json").out)
    assert (said["out"], said["by"], said["method"], said["models"]) == (str(out), "kind", "pearson", 9)
    assert said["datasets"] == names("d", 5)
    printed = parallax(*common).out.splitlines()
    for one, line in zip(said["set_pairs"], printed[1:], strict=False):
        r = [float(row["r"]) for row in read_rows(out) if (row["set_a"], row["set_b"]) == (one["set_a"], one["set_b"])]
        assert one["dataset_pairs"] == len(r) == 10
        assert [one["q1"], one["median"], one["q3"]] == pytest.approx(np.quantile(r, (0.25, 0.5, 0.75)).tolist())
        assert line.startswith(f"{one['set_a']}, {one['set_b']} ") and f"{one['median']:.3f}" in line
    assert [one["n_pairs"] for one in said["set_pairs"]] == [10, 20, 6, 36]
    assert printed[-1] == f"Written: {out}"
