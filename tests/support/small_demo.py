"""`parallax` with a demo of three tiny datasets and four tiny untrained networks, for tests of the demo itself.

    python -m tests.support.small_demo FOLDER demo --once --json ...

`make_checkpoints(FOLDER)` writes the networks first. With `BROKEN` among the files, one cannot be loaded.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.tiny import CHECKPOINT_METADATA, archive, empty_checkpoint

NETWORKS = ("test_resnet", "test_vit")
BROKEN = "broken.safetensors"


@dataclass(frozen=True)
class TinyDataset:
    """What stands in for one of the demo's datasets."""

    name: str
    seed: int


DATASETS = [TinyDataset(f"tiny-{number}", number) for number in range(3)]


def write_archive(dataset: TinyDataset, path: Path) -> None:
    path.write_bytes(archive(dataset.name, n=16, seed=dataset.seed, side=32))


def make_checkpoints(folder: Path, with_broken: bool = False) -> None:
    """Four loadable checkpoint files, and one whose tensors do not fit its architecture if asked for."""
    import torch
    from safetensors.torch import save_file

    from workers.extraction import torchvision_ops  # noqa: F401  (must come before timm)

    import timm  # isort: skip

    for number, network in enumerate(NETWORKS * 2):
        torch.manual_seed(number)
        tensors = timm.create_model(network, pretrained=False, num_classes=0).state_dict()
        half = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
        described = CHECKPOINT_METADATA | {"name": f"tiny-{number}", "timm_architecture": network}
        save_file(half, folder / f"tiny-{number}.safetensors", metadata=described)
    if with_broken:
        (folder / BROKEN).write_bytes(empty_checkpoint(name="broken"))


def main() -> None:
    import parallax.local.demo as demo
    from parallax.cli.main import run

    folder = Path(sys.argv.pop(1))
    demo.demo_datasets = lambda: DATASETS  # type: ignore[assignment,return-value]
    demo.write_archive = write_archive  # type: ignore[assignment]
    demo.demo_checkpoints = lambda: sorted(folder.glob("*.safetensors"))
    run()


if __name__ == "__main__":
    main()
