"""Pictures of stimuli: shown where the licence lets them be, made anew, and nowhere else."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.in_process import InProcess
from tests.support.problems import refused
from tests.support.tiny import archive, manifest, zipped


def told() -> bytes:
    """An archive of four pictures that say more than their pixels: text in PNG, EXIF in JPEG, bytes after the end."""
    rng = np.random.default_rng(0)
    pixels = [Image.fromarray(rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)) for _ in range(4)]
    notes, exif = PngInfo(), Image.Exif()
    notes.add_text("Comment", "a secret place")
    exif[0x010E] = "a secret place"
    files = {}
    for i, (image, options) in enumerate(zip(
        pixels, ({"pnginfo": notes}, {"exif": exif, "format": "JPEG"}, {}, {}), strict=True
    )):  # fmt: skip
        buffer = io.BytesIO()
        image.save(buffer, **{"format": "PNG", **options})
        files[f"stimuli/{i:04}.png"] = buffer.getvalue() + b"<script>a secret place</script>"
    described = manifest("told", 4, shows_stimuli=True)
    return zipped({"manifest.json": json.dumps(described).encode()} | files)


def test_a_picture_is_made_anew_from_its_pixels(worker: InProcess) -> None:
    assert worker.add_dataset(told()).state == "succeeded"
    for row in range(4):
        answer = worker.client.get(f"/datasets/told/stimuli/{row}/image")
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert b"secret" not in answer.content and b"script" not in answer.content
        with Image.open(io.BytesIO(answer.content)) as shown:
            assert shown.size == (60, 40) and not shown.info
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (40, 60, 3)).astype(np.uint8) for _ in range(4)]
    with Image.open(io.BytesIO(worker.client.get("/datasets/told/stimuli/2/image").content)) as shown:
        np.testing.assert_array_equal(np.asarray(shown), pixels[2])


def test_a_picture_is_at_most_as_large_as_asked_and_known_again(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 4, side=120, shows_stimuli=True))
    answer = worker.client.get("/datasets/noise@1/stimuli/1/image", params={"size": 96})
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert shown.size == (96, 96)
    assert "max-age" in answer.headers["cache-control"]
    again = worker.client.get(
        "/datasets/noise@1/stimuli/1/image", params={"size": 96}, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304 and not again.content
    other = worker.client.get("/datasets/noise/stimuli/1/image", params={"size": 97})
    assert other.headers["etag"] != answer.headers["etag"] and other.headers["cache-control"] == "no-cache"
    for size in ("15", "1025", "x"):
        assert [f.field for f in refused(
            worker.client.get("/datasets/noise/stimuli/1/image", params={"size": size}), 422
        ).fields] == ["size"]  # fmt: skip


def test_without_the_licence_nothing_is_shown(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 6))
    problem = refused(worker.client.get("/datasets/noise/stimuli/1/image"), 403)
    assert "CC0" in problem.detail and "shows_stimuli" in problem.hint
    listed = worker.client.get("/datasets/noise/stimuli").json()["items"]
    assert [item["image"] for item in listed] == [None] * 6
    assert worker.client.get("/datasets/noise").json()["shows_stimuli"] is False


def test_the_same_archive_sent_again_says_whether_pictures_may_be_shown(worker: InProcess) -> None:
    for shows in (False, True, False):
        assert worker.add_dataset(archive("noise", 6, shows_stimuli=shows)).state == "succeeded"
        assert worker.client.get("/datasets/noise").json()["shows_stimuli"] is shows
        assert worker.client.get("/datasets/noise/stimuli/0/image").status_code == (200 if shows else 403)
    assert worker.client.get("/datasets").json()["total"] == 1


def test_the_listing_names_the_pictures(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 6, shows_stimuli=True))
    for item in worker.client.get("/datasets/noise/stimuli").json()["items"]:
        assert item["image"] == f"/api/v1/datasets/noise@1/stimuli/{item['ord']}/image"
        assert worker.client.get(item["image"].removeprefix("/api/v1")).status_code == 200


@pytest.mark.parametrize("row", ["6", "2147483647", "-1", "99999999999999999999", "x", "s1"])
def test_a_row_that_is_not_there(worker: InProcess, row: str) -> None:
    worker.add_dataset(archive("noise", 6, shows_stimuli=True))
    answer = worker.client.get(f"/datasets/noise/stimuli/{row}/image")
    assert answer.status_code in (404, 422) and answer.json()["detail"]
    refused(worker.client.get("/datasets/nois/stimuli/0/image"), 404)


def test_a_picture_that_is_not_the_one_that_was_added_is_not_shown(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 6, shows_stimuli=True))
    other, _ = worker.store.put([archive("noise", 6, seed=1)])
    worker.rows("ALTER TABLE datasets DISABLE TRIGGER refuse_change")
    worker.rows(f"UPDATE datasets SET archive_sha256 = '{other}'")
    worker.rows("ALTER TABLE datasets ENABLE TRIGGER refuse_change")
    answer = worker.client.get("/datasets/noise/stimuli/0/image")
    assert answer.status_code == 500 and "not those that were added" in answer.json()["detail"]
