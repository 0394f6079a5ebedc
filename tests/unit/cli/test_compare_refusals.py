"""What `parallax compare` refuses: the exit status, the words, and that nothing was written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.domain.metrics import CATALOGUE
from tests.architecture.tree import ROOT
from tests.unit.cli.files import CommandLine, features, folder_of, ids, write
from workers.pipelines import compare_files

LINEAR = "cka.linear.unbiased"
DATA, USAGE = 1, 2


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def with_row(row: int, value: float, name: str = "m1.npy") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        rows = np.load(folder / name)
        rows[row] = value
        np.save(folder / name, rows)

    return change


def constant(folder: Path) -> None:
    np.save(folder / "m1.npy", np.ones((24, 5), dtype=np.float32) * np.arange(5, dtype=np.float32))


def shorter(folder: Path) -> None:
    np.save(folder / "m1.npy", features(1, n=23)[0])


def shuffled(folder: Path) -> None:
    emptied(folder)
    rows, names = features(2), ids(24)
    write(folder / "a.safetensors", rows[0], names)
    write(folder / "b.safetensors", rows[1], names[::-1])


def strangers(folder: Path) -> None:
    shuffled(folder)
    write(folder / "b.safetensors", features(2)[1], [*ids(23), "other.png"])


def few(folder: Path) -> None:
    emptied(folder)
    for i, rows in enumerate(features(2, n=3)):
        np.save(folder / f"m{i}.npy", rows)


DATA_PROBLEMS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "empty folder": (emptied, ("no embeddings", ".safetensors")),
    "same name": (lambda folder: write(folder / "m1.npz", features(1)[0]), ("m1.npy", "m1.npz", "model m1")),
    "damaged": (lambda folder: (folder / "m1.npy").write_bytes(b"junk"), ("m1.npy", "cannot be read")),
    "integers": (lambda folder: np.save(folder / "m1.npy", np.zeros((24, 4), int)), ("m1.npy", "int64", "(24, 4)")),
    "one dimension": (lambda folder: np.save(folder / "m1.npy", np.zeros(24)), ("m1.npy", "(24,)")),
    "no features": (
        lambda folder: np.save(folder / "m1.npy", np.zeros((24, 0), np.float32)), ("m1.npy", "no features", "(24, 0)")
    ),
    "several arrays": (lambda folder: np.savez(folder / "x.npz", a=np.zeros(3), b=np.zeros(3)), ("x.npz", "a, b")),
    "NaN": (with_row(7, np.nan), ("Row 7", "m1.npy", "NaN")),
    "infinity": (with_row(9, np.inf), ("Row 9", "m1.npy")),
    "constant": (constant, ("m1.npy", "the same")),
    "zero row": (with_row(4, 0.0), ("Row 4", "m1.npy", "zero")),
    "constant row": (with_row(5, 2.0), ("Row 5", "m1.npy", "same value")),
    "other n": (shorter, ("(24, 7)", "(23, 7)")),
    "other order": (shuffled, ("row 0", "picture-0.png", "picture-23.png", "different order")),
    "other samples": (strangers, ("row 23", "other.png", "not in both")),
    "too few stimuli": (few, ("3 stimuli", "at least 4")),
}


@pytest.mark.parametrize("problem", DATA_PROBLEMS)
def test_data_that_cannot_be_used(parallax: CommandLine, tmp_path: Path, problem: str) -> None:
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    make, words = DATA_PROBLEMS[problem]
    make(folder)
    metrics = ["-m", LINEAR, "-m", "rsa.correlation.pearson"]
    ended = parallax("compare", folder, *metrics, "--out", out, "--plot", tmp_path / "out.png")
    assert ended.status == DATA, ended.err
    assert ended.out == "" and ended.err.startswith("Error: ") and len(ended.err.splitlines()) >= 2
    for word in words:
        assert word in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["emb"]


def test_a_zero_row_is_no_problem_without_lengths(parallax: CommandLine, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "emb")
    with_row(4, 0.0)(folder)
    for steps, status in (("none", 0), ("center+l2", 0), ("clamp=0.9+l2", DATA)):
        ended = parallax("compare", folder, "-m", LINEAR, "--preprocess", steps, "--out", tmp_path / "out.npz")
        assert ended.status == status, steps


@pytest.mark.parametrize("metric", [spec.default.id for spec in CATALOGUE.values() if "rsa.cosine" in spec.key])
def test_a_zero_row_has_no_angle(parallax: CommandLine, tmp_path: Path, metric: str) -> None:
    folder = folder_of(tmp_path / "emb")
    with_row(4, 0.0)(folder)
    for steps in ("none", "l2", "clamp=0.9"):
        ended = parallax("compare", folder, "-m", metric, "--preprocess", steps, "--out", tmp_path / "out.npz")
        assert ended.status == DATA, steps
        assert f"Row 4 (counted from 0) of {folder / 'm1.npy'} is zero, so" in ended.err
        assert [path.name for path in tmp_path.iterdir()] == ["emb"]
    ended = parallax("compare", folder, "-m", metric, "--preprocess", "center", "--out", tmp_path / "out.npz")
    assert ended.status == 0, ended.err


@pytest.mark.parametrize(
    ("metric", "steps", "left", "words"),
    [
        ("rsa.cosine.pearson", "center", 0, "is zero after preprocessing center,"),
        (LINEAR, "center+l2", 0, "is zero after preprocessing center+l2,"),
        ("rsa.correlation.pearson", "center", 2, "has the same value in every feature after preprocessing center,"),
    ],
)
def test_a_row_that_preprocessing_makes_unusable(
    parallax: CommandLine, tmp_path: Path, metric: str, steps: str, left: int, words: str
) -> None:
    """Whole numbers, whose column means (0, 1, 2, 3) leave `left` of row 5 exactly."""
    rows = np.random.default_rng(0).integers(-4, 5, (24, 4)).astype(np.float32)
    rows[5] = left
    rows[0] -= rows.sum(axis=0)
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    np.save(folder / "m1.npy", rows + np.arange(4, dtype=np.float32))
    ended = parallax("compare", folder, "-m", metric, "--preprocess", steps, "--out", out)
    assert ended.status == DATA and not out.exists()
    assert f"Row 5 (counted from 0) of {folder / 'm1.npy'} {words}" in ended.err


def test_the_sample_of_a_row_is_named(parallax: CommandLine, tmp_path: Path) -> None:
    rows = features(2)
    rows[1][3] = 0
    (tmp_path / "emb").mkdir()
    for i, one in enumerate(rows):
        write(tmp_path / "emb" / f"m{i}.safetensors", one, ids(24))
    ended = parallax("compare", tmp_path / "emb", "-m", LINEAR, "--out", tmp_path / "out.npz")
    assert ended.status == DATA and "Row 3 (counted from 0, sample picture-3.png)" in ended.err


USAGE_PROBLEMS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "unknown metric": (["-m", "cka.linear.unbaised"], ("cka.linear.unbaised", LINEAR)),
    "parameter out of range": (["-m", "knn.mutual:k=0"], ("k=0", "1 to 1000")),
    "bad preprocess": (["--preprocess", "l3"], ("l3", "l2")),
    "budget": (["--memory-mib", "1"], ("1 MiB", "Give at least")),
    "no memory": (["--memory-mib", "0"], ("--memory-mib",)),
    "device": (["--device", "tpu"], ("tpu", "cuda")),
    "no groups file": (["--groups", "nowhere.csv"], ("nowhere.csv",)),
    "no attributes file": (["--attributes", "nowhere.csv"], ("nowhere.csv",)),
    "plot suffix": (["--plot", "out.pdf"], ("out.pdf", ".png")),
    "an option that does not exist": (["--metrics", LINEAR], ("--metrics",)),
}


@pytest.mark.parametrize("problem", USAGE_PROBLEMS)
def test_commands_that_cannot_be(parallax: CommandLine, tmp_path: Path, problem: str) -> None:
    arguments, words = USAGE_PROBLEMS[problem]
    folder = folder_of(tmp_path / "emb", n=600 if problem == "budget" else 24)
    ended = parallax("compare", folder, "--out", tmp_path / "out.npz", *arguments)
    assert ended.status == USAGE, ended.err
    assert ended.out == ""
    for word in words:
        assert word in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["emb"]


def test_the_least_budget_works(parallax: CommandLine, tmp_path: Path) -> None:
    folder, out = folder_of(tmp_path / "emb", n=600), tmp_path / "out.npz"
    said = parallax("compare", folder, "-m", LINEAR, "--out", out, "--memory-mib", 1).err
    least = int(said.split("at least ")[1].split()[0])
    assert parallax("compare", folder, "-m", LINEAR, "--out", out, "--memory-mib", least - 1).status == USAGE
    assert parallax("compare", folder, "-m", LINEAR, "--out", out, "--memory-mib", least).status == 0


def test_a_budget_too_small_for_the_last_metric_is_known_before_the_first_is_computed(
    parallax: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = folder_of(tmp_path / "emb", n=600), tmp_path / "out.npz"
    needs = {}
    for metric in (LINEAR, "rsa.correlation.spearman"):
        said = parallax("compare", folder, "-m", metric, "--out", out, "--memory-mib", 1).err
        needs[metric] = int(said.split("at least ")[1].split()[0])
    assert needs[LINEAR] < needs["rsa.correlation.spearman"]
    monkeypatch.setattr(compare_files, "compare", lambda *_, **__: pytest.fail("something was computed"))
    ended = parallax("compare", folder, *(part for one in needs for part in ("-m", one)), "--out", out,
                     "--memory-mib", needs[LINEAR])  # fmt: skip
    assert ended.status == USAGE and f"at least {needs['rsa.correlation.spearman']} MiB" in ended.err


def test_paths_that_are_not_there(parallax: CommandLine, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "emb")
    ended = parallax("compare", folder / "m9.npy", "--out", tmp_path / "out.npz")
    assert ended.status == USAGE and "m9.npy" in ended.err
    (tmp_path / "a.txt").write_text("")
    ended = parallax("compare", tmp_path / "a.txt", "--out", tmp_path / "out.npz")
    assert ended.status == DATA and ".parquet" in ended.err


def test_places_that_cannot_be_written(parallax: CommandLine, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "emb")
    (tmp_path / "folder.npz").mkdir()
    for out, word in (
        (tmp_path / "out.csv", ".npz"), (tmp_path / "no" / "out.npz", "no folder"), (tmp_path / "folder.npz", "folder"),
        (Path("/proc/out.npz"), "cannot be written"),
    ):
        ended = parallax("compare", folder, "--out", out)
        assert ended.status == USAGE and word in ended.err, out
    assert parallax("compare", folder).status == USAGE, "--out is needed"


def test_a_gpu_that_is_not_there(parallax: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ended = parallax("compare", folder_of(tmp_path / "emb"), "--device", "cuda", "--out", tmp_path / "out.npz")
    assert ended.status == USAGE and "no GPU" in ended.err and "--device cpu" in ended.err


GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "wrong length": ("a\nb\n", ("2 groups", "24 stimuli")),
    "one group": ("a\n" * 24, ("one group",)),
    "an empty one": ("group\n" + "a\n" * 11 + '""\n' + "b\n" * 12, ("Stimulus 11",)),
    "missing": ("sample_id,group\n" + "".join(f"{one},a\n" for one in ids(23)), ("lacks 1 sample", "picture-23")),
    "unknown": ("sample_id,group\n" + "".join(f"{one},a\n" for one in [*ids(24), "x.png"]), ("unknown", "x.png")),
    "two groups": ("sample_id,group\n" + "a.png,1\na.png,2\n", ("a.png", "two groups")),
    "columns": ("sample_id,film\n" + "a.png,1\n", ("sample_id, film", "sample_id,group")),
    "a short line": ("sample_id,group\na.png\n", ("Line 2",)),
    "nothing": ("", ("0 groups",)),
}


@pytest.mark.parametrize("problem", GROUPS)
def test_groups_that_do_not_fit(parallax: CommandLine, tmp_path: Path, problem: str) -> None:
    text, words = GROUPS[problem]
    (tmp_path / "emb").mkdir()
    for i, rows in enumerate(features(2)):
        write(tmp_path / "emb" / f"m{i}.safetensors", rows, ids(24))
    (tmp_path / "groups.csv").write_text(text)
    out = tmp_path / "out.npz"
    ended = parallax("compare", tmp_path / "emb", "--calibrate", "--groups", tmp_path / "groups.csv", "--out", out)
    assert ended.status == DATA and not out.exists()
    for word in ("groups.csv", *words):
        assert word in ended.err


def test_groups_by_name_need_names(parallax: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("sample_id,group\n" + "".join(f"{one},a\n" for one in ids(24)))
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    ended = parallax("compare", folder, "--calibrate", "--groups", tmp_path / "groups.csv", "--out", out)
    assert ended.status == DATA and "none of the embeddings has sample ids" in ended.err


ATTRIBUTES: dict[str, tuple[str, tuple[str, ...]]] = {
    "no column model": ("name,lab\nm0,a\n", ("name, lab", "column model")),
    "no other column": ("model\nm0\n", ("columns model",)),
    "lacking": ("model,lab\nm0,a\nm2,b\n", ("lacks 1 of 3 models: m1",)),
    "twice": ("model,lab\nm0,a\nm0,b\n", ("m0 twice",)),
    "a long line": ("model,lab\nm0,a,b\n", ("Line 2", "3 cells")),
}


@pytest.mark.parametrize("problem", ATTRIBUTES)
def test_attributes_that_do_not_fit(parallax: CommandLine, tmp_path: Path, problem: str) -> None:
    text, words = ATTRIBUTES[problem]
    (tmp_path / "models.csv").write_text(text)
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    ended = parallax("compare", folder, "--attributes", tmp_path / "models.csv", "--out", out)
    assert ended.status == DATA and not out.exists()
    for word in ("models.csv", *words):
        assert word in ended.err


@pytest.mark.parametrize(("steps", "status"), [("l2", DATA), ("l3", USAGE)])
def test_the_installed_command_ends_so(tmp_path: Path, steps: str, status: int) -> None:
    folder, out = folder_of(tmp_path / "emb"), tmp_path / "out.npz"
    with_row(4, 0.0)(folder)
    command = [sys.executable, "-m", "parallax.cli.main", "compare", folder, "-m", LINEAR, "--preprocess", steps]
    ended = subprocess.run([*command, "--out", out], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == status, ended.stderr
    assert not out.exists()
    assert "Traceback" not in ended.stderr
