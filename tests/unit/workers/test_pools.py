"""Pools of decoded images: what is in them, and what is said of a picture that cannot be among them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.domain.errors import JobFailed
from tests.support.tiny import picture, zipped
from workers.extraction.geometry import Geometry
from workers.extraction.pools import open_pool

CENTER = Geometry(16, 24, "bicubic", 1.0, "center")
BORDER = Geometry(16, 16, "bicubic", 1.0, "border")


def thin() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (500, 1)).save(buffer, "PNG")
    return buffer.getvalue()


def opened(tmp_path: Path, pictures: list[bytes], geometry: Geometry, also: tuple[Geometry, ...] = ()) -> Any:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(zipped({f"{i}.png": data for i, data in enumerate(pictures)}))
    stimuli = [
        {"file": f"{i}.png", "stimulus_id": f"s{i}", "sha256": hashlib.sha256(data).hexdigest()}
        for i, data in enumerate(pictures)
    ]
    return open_pool(
        cache=tmp_path / "cache", archive=archive, dataset_hash="d", stimuli=stimuli, geometry=geometry, also=also,
        max_pixels=10**6, progress=lambda *_: None,
    )  # fmt: skip


def test_rows_follow_the_manifest_and_other_geometries_are_made_beside(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [picture(rng) for _ in range(5)]
    pool = opened(tmp_path, pictures, CENTER, (BORDER, CENTER))
    assert pool.shape == (5, 16, 24, 3) and pool.dtype == np.uint8 and not pool.flags.writeable
    for row, data in enumerate(pictures):
        expected = CENTER.transform()(Image.open(io.BytesIO(data)).convert("RGB"))
        np.testing.assert_array_equal(pool[row], expected)
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2
    (tmp_path / "archive.zip").unlink()
    np.testing.assert_array_equal(
        np.load(next(p for p in (tmp_path / "cache").glob("*.npy") if np.load(p).shape == pool.shape)), pool
    )


def test_a_picture_too_thin_for_a_model_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(JobFailed, match=r"Stimulus 2 \(s2, 2.png\) of 500 x 1 pixels") as failed:
        opened(tmp_path, [picture(rng), picture(rng), thin()], BORDER)
    assert failed.value.hint and not list((tmp_path / "cache").glob("*.npy"))
    assert not list((tmp_path / "cache").glob(".tmp*"))
