"""Identity keys change with everything that changes a number, and with nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.identity import canonical_json, dataset_hash, embedding_key, key_of, order_hash, sha256_hex

BASE: dict[str, Any] = {
    "dataset": "d", "model": {"name": "m", "weights_sha256": "w", "node": "pre_logits"},
    "preprocessing": {"mean": [0.5], "crop_pct": 0.9}, "batch_size": 64, "dtype": "float32", "extractor_version": 1,
    "device_class": "cpu", "threads": 1, "libraries": "torch 2",
}  # fmt: skip


def test_canonical_json_is_one_text_for_one_value() -> None:
    assert canonical_json({"b": 1, "a": [1.5, "ü"]}) == '{"a":[1.5,"ü"],"b":1}'.encode()
    assert key_of({"b": 1, "a": 2}) == key_of({"a": 2, "b": 1}) == sha256_hex(b'{"a":2,"b":1}')
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


@pytest.mark.parametrize(("part", "value"), [
    ("dataset", "e"),
    ("model", {"name": "m", "weights_sha256": "v", "node": "pre_logits"}),
    ("model", {"name": "m", "weights_sha256": "w", "node": "other"}),
    ("preprocessing", {"mean": [0.5], "crop_pct": 1.0}),
    ("batch_size", 32), ("dtype", "float16"), ("extractor_version", 2), ("device_class", "cuda"),
    ("threads", 2), ("libraries", "torch 3"),
])  # fmt: skip
def test_every_part_of_an_embedding_s_identity_counts(part: str, value: Any) -> None:
    assert embedding_key(**BASE) == embedding_key(**dict(reversed(BASE.items())))
    assert embedding_key(**BASE | {part: value}) != embedding_key(**BASE)


def test_any_change_of_a_manifest_is_another_dataset() -> None:
    stimuli = [("a", "1", "x", None), ("b", "2", None, "g")]
    others = [
        stimuli[::-1],
        stimuli[:1],
        [("a", "1", "x", None), ("b", "2", "g", None)],
        [("c", *stimuli[0][1:]), stimuli[1]],
        [("a", "1", None, None), stimuli[1]],
    ]  # fmt: skip
    hashes = {dataset_hash(stimuli), *(dataset_hash(other) for other in others)}  # type: ignore[arg-type]
    assert len(hashes) == 6 and dataset_hash(iter(stimuli)) in hashes


def test_an_order_of_models_has_a_short_hash() -> None:
    assert len(order_hash(["a", "b"])) == 16
    assert len({order_hash(names) for names in (["a", "b"], ["b", "a"], ["ab"], [])}) == 4
