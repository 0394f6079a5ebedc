"""Stimuli that cannot be read, that changed, and a disk without room: said exactly, and nothing is left behind."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from backend.storage.archives import decode
from tests.support.extracting import error_of, only_extraction, submission
from tests.support.in_process import InProcess, files_of_at_most
from tests.support.tiny import archive, manifest, picture, zipped

# --- inputs that changed or cannot be read -----------------------------------------------------------------------


def test_a_stored_archive_that_changed_is_refused(worker: InProcess) -> None:
    data = archive("noise", 10)
    worker.add_dataset(data)
    (row,) = worker.rows("SELECT archive_sha256 FROM datasets")
    stored = worker.store.path(row.archive_sha256)
    stored.write_bytes(data[:-1] + b"x")
    worker.submit(submission())
    cause, _, message = error_of(only_extraction(worker))
    assert cause == "ours" and "damaged" in message


def test_pictures_that_are_not_those_that_were_added_are_refused(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 10, seed=0))
    other = archive("noise", 10, seed=1)
    sha256, _ = worker.store.put([other])
    worker.rows("ALTER TABLE datasets DISABLE TRIGGER refuse_change")
    worker.rows(f"UPDATE datasets SET archive_sha256 = '{sha256}'")
    worker.rows("ALTER TABLE datasets ENABLE TRIGGER refuse_change")
    worker.submit(submission())
    cause, step, message = error_of(only_extraction(worker))
    assert (cause, step) == ("ours", "decode")
    assert "Stimulus 0 (s0, stimuli/0000.png) changed" in message


def bad_pictures() -> dict[int, bytes]:
    """Index -> bytes of a picture that cannot be used, of every kind."""
    rng = np.random.default_rng(0)
    good = picture(rng, 64)
    bomb = io.BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    return {
        1: b"", 3: good[: len(good) // 2], 4: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", 6: b"GIF89a",
        7: bomb.getvalue(), 8: b"<svg xmlns='http://www.w3.org/2000/svg'/>", 10: good[:100] + bytes(50) + good[150:],
    }  # fmt: skip


def test_unreadable_pictures_are_listed_with_their_exact_places(worker: InProcess) -> None:
    described = manifest("noise", 14)
    described["stimuli"][12]["file"] = "stimuli/missing.png"
    described["stimuli"][13]["file"] = "../../etc/passwd"
    rng = np.random.default_rng(1)
    bad = bad_pictures()
    files = {f"stimuli/{i:04}.png": bad.get(i, picture(rng)) for i in range(14)}
    job = worker.add_dataset(zipped({"manifest.json": json.dumps(described).encode()} | files))
    cause, step, message = error_of(job)
    assert (cause, step) == ("user", "check pictures") and message.startswith("9 of 14 pictures")
    assert [i for i in range(14) if f"stimulus {i} (s{i}," in message] == sorted([*bad, 12, 13])
    assert "9000 x 9000" not in message or "pixels" in message
    assert worker.client.get("/datasets").json()["total"] == 0


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_every_ordinary_kind_of_picture_is_read(worker: InProcess, mode: str) -> None:
    rng = np.random.default_rng(0)
    files = {}
    for i in range(4):
        image = Image.fromarray(rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)).convert(mode)
        buffer = io.BytesIO()
        image.save(buffer, "TIFF" if mode == "CMYK" else "PNG")
        files[f"stimuli/{i:04}.png"] = buffer.getvalue()
    job = worker.add_dataset(zipped({"manifest.json": json.dumps(manifest("noise", 4)).encode()} | files))
    assert job.state == "succeeded", job.error


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_pictures_that_8_bits_would_clip_are_refused(worker: InProcess, dtype: type) -> None:
    buffer = io.BytesIO()
    Image.fromarray((np.arange(400).reshape(20, 20) * 100).astype(dtype)).save(buffer, "TIFF")
    files = {f"stimuli/{i:04}.png": picture(np.random.default_rng(i)) for i in range(3)}
    files["stimuli/0003.png"] = buffer.getvalue()
    job = worker.add_dataset(zipped({"manifest.json": json.dumps(manifest("noise", 4)).encode()} | files))
    message = error_of(job)[2]
    assert "1 of 4 pictures" in message and "save it with 8 bits a channel" in message


def test_what_is_transparent_is_white(worker: InProcess) -> None:
    hidden = Image.new("RGBA", (8, 8), (200, 10, 10, 0))
    buffer = io.BytesIO()
    hidden.save(buffer, "PNG")
    assert decode(buffer.getvalue(), 10_000).getpixel((0, 0)) == (255, 255, 255)


def test_a_damaged_member_of_an_archive_is_found(worker: InProcess) -> None:
    data = bytearray(archive("noise", 6))
    at = data.index(b"IDAT", data.index(b"stimuli/0002.png\x89PNG")) + 20
    data[at] ^= 0xFF
    message = error_of(worker.add_dataset(bytes(data)))[2]
    assert "1 of 6 pictures" in message and "stimulus 2 (s2, stimuli/0002.png)" in message


def test_other_stimuli_under_a_name_that_exists_are_refused(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 6, seed=0))
    assert "a version never changes" in error_of(worker.add_dataset(archive("noise", 6, seed=1)))[2]
    assert "are there already, as noise@1" in error_of(worker.add_dataset(archive("copy", 6, seed=0)))[2]
    assert worker.add_dataset(archive("noise", 6, seed=1, version=2)).state == "succeeded"


# --- full disk ---------------------------------------------------------------------------------------------------


def test_a_full_disk_fails_the_job_and_leaves_nothing_behind(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 10))
    assert worker.client.post("/jobs", json=submission()).status_code == 202
    before = {path for path in worker.settings.home.rglob("*") if path.is_file()}
    with files_of_at_most(100_000):  # the decoded images need more
        worker.work_off()
    cause, _, message = error_of(only_extraction(worker))
    assert cause == "ours" and "decoded images" in message and "full" in message
    assert not list(worker.settings.cache_folder.glob("*.npy")) and not list(worker.settings.cache_folder.glob(".tmp*"))
    worker.submit({"model": {"source": "existing", "name": "test_resnet-untrained-s0"}, "datasets": ["noise"]})
    assert worker.jobs("extract")[-1].state == "succeeded", "and it can be sent again"
    sizes = {path: path.stat().st_size for path in worker.settings.store_folder.rglob("*") if path.is_file()}
    assert set(sizes) > before & set(sizes)


def test_a_full_store_fails_the_job_and_leaves_no_file_at_a_final_name(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 10))
    worker.submit(submission())  # decodes the images
    before = sorted(path.name for path in worker.settings.store_folder.rglob("*") if path.is_file())
    assert worker.client.post("/jobs", json=submission(seed=1)).status_code == 202
    with files_of_at_most(1_000):  # an embedding needs more
        worker.work_off()
    cause, _, message = error_of(worker.jobs("extract")[-1])
    assert cause == "ours" and "array store" in message and "full" in message
    assert sorted(path.name for path in worker.settings.store_folder.rglob("*") if path.is_file()) == before
