"""What a machine computes with, told by a stand-in for nvidia-smi."""

from __future__ import annotations

from pathlib import Path

import pytest

from parallax.local import gpus


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-aaaa\necho GPU-bbbb\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("two_gpus")
def test_every_gpu_is_found() -> None:
    assert gpus.gpu_ids() == ["GPU-aaaa", "GPU-bbbb"]


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(("chosen", "expected"), [("1", ["1"]), ("", []), ("-1", []), ("0, 1", ["0", "1"])])
def test_a_choice_made_outside_stands(chosen: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert gpus.gpu_ids() == expected


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.gpu_ids() == []


def test_the_cpu_gets_at_least_one_process_and_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, 1), (2, 2), (64, gpus.MOST_CPU_PROCESSES)):
        monkeypatch.setattr(gpus, "usable_cores", lambda cores=cores: cores)
        assert gpus.cpu_processes() == expected
    assert gpus.usable_cores() >= 1
