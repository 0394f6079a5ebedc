"""What `parallax consistency compute` refuses, how it says so, and that nothing is written then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.cli.files import CommandLine, Ended
from tests.unit.cli.matrices import matrices, names, write_attributes, write_compared, write_stack
from workers.pipelines import whole_files

LINEAR, RBF = "cka.linear.unbiased", "cka.rbf.unbiased:sigma=0.4"
Run = Callable[..., Ended]


@pytest.fixture
def run(parallax: CommandLine, tmp_path: Path) -> Run:
    """Runs the command on matrices with six models of kinds x and y; a table that was there before must stay."""
    out = tmp_path / "out.csv"
    out.write_text("as it was")
    table = write_attributes(tmp_path / "models.csv", {"kind": list("xxxyyy"), "size": ["s"] * 6})

    def call(path: Path, *more: object, attributes: Path = table, by: str = "kind", to: Path = out) -> Ended:
        ended = parallax(
            "consistency", "compute", "--matrices", path, "--attributes", attributes, "--by", by, "--out", to, *more
        )
        assert (out.read_text() == "as it was") == (ended.status != 0)
        assert {file.suffix for file in tmp_path.iterdir()} <= {".csv", ".npz", ".npy", ""}
        if ended.status:
            assert ended.out == "" and "Traceback" not in ended.err
        return ended

    return call


def nan_at(*cells: tuple[int, int, int], **keywords: Any) -> np.ndarray:
    values = matrices(3, 6)
    for cell in cells:
        values[cell] = keywords.get("value", np.nan)
    return values


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"values": nan_at((1, 2, 3))}, "nan for m02 and m03 on d01, and 0 more"),
        ({"values": nan_at((1, 2, 3), (2, 0, 1), value=np.inf)}, "inf for m02 and m03 on d01, and 1 more"),
        ({"values": nan_at((0, 0, 0)), "computed": np.ones((3, 6, 6), dtype=bool)}, "nan for m00 and m00 on d00"),
        ({"computed": np.ones((6, 6), dtype=bool)}, "computed of"),
        ({"computed": np.ones((3, 6, 6))}, "computed of"),
        ({"values": matrices(3, 6)[:, :, :5], "models": np.array(names("m", 6))}, r"shape (3, 6, 5)"),
        ({"values": matrices(3, 6), "models": np.array(names("m", 5))}, r"names ask for (3, 5, 5)"),
        ({"values": matrices(4, 6), "datasets": np.array(names("d", 3))}, r"names ask for (3, 6, 6)"),
        ({"models": np.array(["a", "b", "c", "a", "d", "e"])}, "models of"),
        ({"models": np.array(["a", "b", "c", "", "d", "e"])}, "models of"),
        ({"models": np.arange(6)}, "models of"),
        ({"models": np.array(names("m", 6), dtype=object)}, "cannot be read"),
        ({"models": None}, "does not name its models"),
        ({"datasets": np.array(["a", "b", "a"])}, "datasets of"),
        ({"datasets": None}, "does not name its datasets"),
        ({"values": np.ones((3, 6, 6), dtype=bool)}, "bool"),
        ({"values": np.ones((3, 6, 6), dtype=complex)}, "complex"),
        ({"values": matrices(1, 6), "datasets": np.array(["only"])}, "one dataset (only)"),
        ({"models": np.array(names("n", 6))}, "lacks 6 of 6 models"),
    ],
)
def test_matrices_that_cannot_be_used_end_with_1(run: Run, tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    ended = run(write_stack(tmp_path / "s.npz", **{"values": matrices(3, 6)} | arrays))
    assert (ended.status, said in ended.err) == (1, True), ended.err


def test_files_that_are_no_matrices_end_with_1(run: Run, tmp_path: Path) -> None:
    damaged = write_stack(tmp_path / "s.npz", matrices(3, 6))
    whole = damaged.read_bytes()
    for content in (b"", b"PK\x03\x04", whole[: len(whole) // 2], b"\x93NUMPY\x01\x00"):
        damaged.write_bytes(content)
        ended = run(damaged)
        assert ended.status == 1 and "cannot be read" in ended.err, ended.err
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF  # inside the numbers: the checksum tells
    damaged.write_bytes(bytes(flipped))
    assert run(damaged).status == 1
    np.save(tmp_path / "one.npy", matrices(3, 6))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    assert "no .npz file" in run(tmp_path / "one.npz").err


def test_a_folder_says_which_of_its_files_is_at_fault(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    ended = run(folder)
    assert ended.status == 2 and "holds no .npz files" in ended.err
    models = names("m", 6)
    write_compared(folder / "d0.npz", models, {LINEAR: matrices(1, 6)[0]})
    ended = run(folder)
    assert ended.status == 1 and "one dataset (d0)" in ended.err
    ended = run(folder / "d0.npz")
    assert ended.status == 1 and "holds one dataset" in ended.err and "folder" in ended.err
    write_compared(folder / "d1.npz", models, {RBF: matrices(1, 6)[0]})
    ended = run(folder)
    assert ended.status == 2 and f"several metrics: {LINEAR}, {RBF}" in ended.err and "--metric" in ended.err
    ended = run(folder, "--metric", LINEAR)
    assert ended.status == 1 and "d1.npz lacks the metric" in ended.err
    write_stack(folder / "d1.npz", matrices(2, 6))
    ended = run(folder, "--metric", "values")
    assert ended.status == 2
    write_compared(folder / "d1.npz", models, {LINEAR: matrices(1, 6)[0]}, computed=np.ones((6, 6), dtype=bool))
    bad = matrices(1, 6)[0]
    bad[1, 4] = np.nan
    write_compared(folder / "d2.npz", models, {LINEAR: bad}, **{f"{LINEAR}/computed": np.ones((6, 6), dtype=bool)})
    ended = run(folder)
    assert ended.status == 1 and "d2.npz has nan for m01 and m04" in ended.err
    (folder / "d2.npz").unlink()
    assert run(folder).status == 0


def test_a_file_without_values_ends_with_1(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", models=np.array(names("m", 6)), datasets=np.array(names("d", 3)))
    ended = run(tmp_path / "s.npz")
    assert ended.status == 1 and "no array values" in ended.err


def test_a_folder_of_stacks_is_told_apart(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for name in "ab":
        write_stack(folder / f"{name}.npz", matrices(2, 6))
    ended = run(folder)
    assert ended.status == 1 and "holds several datasets" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metric", "cka.linear.biased"], "No file holds the metric 'cka.linear.biased'"),
        (["--metric", "cka.rbf.unbiased:sigma=x"], "sigma"),
        (["--anchors", "m00", "m1"], "no model 'm1' to be an anchor"),
        (["--method", "kendall"], "kendall"),
        (["--anchors"], "requires an argument"),
        (["--colour", "red"], "No such option"),
        (["and", "more"], "unexpected extra argument"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for d in range(2):
        square = matrices(1, 6, d)[0]
        write_compared(folder / f"d{d}.npz", names("m", 6), {LINEAR: square, RBF: square})
    ended = run(folder, *(arguments if "--metric" in arguments else ["--metric", LINEAR, *arguments]))
    assert (ended.status, said.lower() in ended.err.lower()) == (2, True), ended.err


def test_paths_and_columns_that_do_not_exist_end_with_2(run: Run, tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "s.npz", matrices(3, 6))
    for ended, said in (
        (run(tmp_path / "nothing"), "no file or folder"),
        (run(stack, attributes=tmp_path / "nothing.csv"), "nothing.csv of attributes"),
        (run(stack, by="knd"), "Did you mean kind?"),
        (run(stack, by="model"), "no column 'model'"),
        (run(stack, to=tmp_path / "out.txt"), "does not end in .csv"),
        (run(stack, to=tmp_path / "nowhere" / "out.csv"), "no folder"),
    ):
        assert (ended.status, said in ended.err) == (2, True), ended.err


def test_attributes_that_do_not_fit_end_with_1(run: Run, tmp_path: Path) -> None:
    stack, table = write_stack(tmp_path / "s.npz", matrices(3, 6)), tmp_path / "t.csv"
    for columns, models, arguments, said in (
        ({"kind": list("xxxyy")}, names("m", 5), [], "lacks 1 of 6 models: m05"),
        ({"kind": list("xxxyyy")}, ["m00", "m00", *names("m", 6)[2:]], [], "m00 twice"),
        ({"kind": ["all", *"xxxyy"]}, None, [], "'all' is a value of kind"),
        ({"kind": ["m01", *"xxxyy"]}, None, ["--anchors", "m01"], "'m01' is a value of kind"),
    ):
        ended = run(stack, *arguments, attributes=write_attributes(table, columns, models))
        assert (ended.status, said in ended.err) == (1, True), ended.err


def test_a_metric_may_be_named_where_the_file_does_not_say_it(run: Run, tmp_path: Path) -> None:
    assert run(write_stack(tmp_path / "s.npz", matrices(3, 6)), "--metric", "of.my.own").status == 0


def test_nothing_is_half_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files.os, "fsync", full)
    ended = run(write_stack(tmp_path / "s.npz", matrices(3, 6)))
    assert ended.status == 1 and "No space left" in ended.err
