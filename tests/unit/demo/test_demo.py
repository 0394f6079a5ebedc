"""The demo's datasets and networks are what the documentation says of them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.contracts.archives import MANIFEST_FILE, ArchiveManifest, read_checkpoint_header
from backend.domain.attributes import DOMAINS
from parallax.local.demo import DemoDataset, demo_checkpoints, demo_datasets, write_archive
from parallax.local.demo.training_images import TRAINING_PICTURES, training_set


@pytest.fixture(scope="module")
def datasets() -> list[DemoDataset]:
    return demo_datasets()


def _hashes(images: np.ndarray) -> set[str]:
    return {hashlib.sha256(image.tobytes()).hexdigest() for image in images}


def test_datasets_cover_all_domains_with_enough_stimuli(datasets: list[DemoDataset]) -> None:
    assert len(datasets) >= 6
    assert {dataset.domain for dataset in datasets} == set(DOMAINS)
    for dataset in datasets:
        assert 300 <= len(dataset.stimuli) <= 1800
        assert dataset.licence and dataset.source and dataset.description
        assert len({stimulus.id for stimulus in dataset.stimuli}) == len(dataset.stimuli)
        assert all(s.pixels.shape == (64, 64, 3) and s.pixels.dtype == np.uint8 for s in dataset.stimuli)


def test_patches_of_one_picture_share_a_group(datasets: list[DemoDataset]) -> None:
    for dataset in datasets:
        if dataset.source == "rendered" or dataset.name == "digits":
            assert all(stimulus.group is None for stimulus in dataset.stimuli)
        else:
            assert all(stimulus.group == stimulus.label for stimulus in dataset.stimuli)


def test_archives_repeat_byte_for_byte_and_describe_themselves(datasets: list[DemoDataset], tmp_path: Path) -> None:
    dataset = next(d for d in datasets if d.name == "textures")
    again = next(d for d in demo_datasets() if d.name == "textures")
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    write_archive(dataset, first)
    write_archive(again, second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        manifest = ArchiveManifest.model_validate_json(archive.read(MANIFEST_FILE))
        assert [entry.id for entry in manifest.stimuli] == [stimulus.id for stimulus in dataset.stimuli]
        assert {entry.file for entry in manifest.stimuli} | {MANIFEST_FILE} == set(archive.namelist())


def test_training_uses_other_stimuli_and_other_pictures(datasets: list[DemoDataset]) -> None:
    data = training_set()
    compared = np.stack([stimulus.pixels for dataset in datasets for stimulus in dataset.stimuli])
    assert not _hashes(data.images) & _hashes(compared)
    groups = {stimulus.group for dataset in datasets for stimulus in dataset.stimuli if stimulus.group}
    assert not groups & set(TRAINING_PICTURES)
    assert "coins" not in TRAINING_PICTURES
    # Every class and caption belongs to its image, and all classes occur.
    assert len(data.images) == len(data.classes) == len(data.captions)
    assert set(data.classes.tolist()) == set(range(len(data.class_names)))


def test_checkpoints_are_small_many_and_describe_themselves() -> None:
    paths = demo_checkpoints()
    headers = []
    for path in paths:
        with path.open("rb") as file:
            headers.append(read_checkpoint_header(file, path.stat().st_size))
        assert headers[-1].name == path.stem
    assert len(headers) >= 24
    assert len({header.timm_architecture for header in headers}) >= 3
    assert {header.objective for header in headers} == {"supervised", "self-supervised", "image-text", "untrained"}
    for objective in ("supervised", "self-supervised", "image-text"):
        assert len({header.seed for header in headers if header.objective == objective}) >= 2
    assert sum(path.stat().st_size for path in paths) <= 20_000_000


def test_networks_learned_something_and_the_table_is_current() -> None:
    from parallax.local.demo.probe import RECORD, TABLE, table

    record = json.loads(RECORD.read_text())
    assert TABLE.read_text() == table(record)
    for path in demo_checkpoints():
        assert record["networks"][path.stem]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()

    def mean_accuracy(objective: str) -> float:
        return float(np.mean([
            list(facts["accuracy"].values()) for facts in record["networks"].values() if facts["objective"] == objective
        ]))

    chance = float(np.mean(list(record["chance"].values())))
    for objective in ("sup", "ssl", "imgtxt"):
        assert mean_accuracy(objective) > mean_accuracy("untrained") > chance


def test_a_checkpoint_embeds_finite_and_varied_features(datasets: list[DemoDataset]) -> None:
    from parallax.local.demo.networks import recipes
    from parallax.local.demo.probe import embeddings, load

    dataset = next(d for d in datasets if d.name == "shapes")
    few = DemoDataset(**{**vars(dataset), "stimuli": dataset.stimuli[:64]})
    for recipe in recipes()[:4]:
        features = embeddings(load(recipe), few)
        assert features.shape[0] == 64 and np.isfinite(features).all() and (features.std(axis=0) > 0).any()
