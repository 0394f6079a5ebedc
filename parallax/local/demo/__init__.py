"""The demo: real pictures in seven small datasets, and small networks that the project trained itself.

`demo_datasets()` makes the datasets (seeded, the same bytes every time), `write_archive` writes one as a file to
submit,
`demo_checkpoints()` lists the trained and untrained networks. `python -m parallax.local.demo.train` trains them anew
(`make zoo`); `python -m parallax.local.demo.probe` measures how much they learned. Torch is imported only by those two.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from parallax.local.demo.stimuli import DemoDataset, DemoStimulus, demo_datasets, write_archive

__all__ = ["DemoDataset", "DemoStimulus", "demo_checkpoints", "demo_datasets", "write_archive"]


def demo_checkpoints() -> list[Path]:
    """The checkpoint files of the demo, by name."""
    folder = Path(str(files("parallax.local.demo").joinpath("checkpoints")))
    return sorted(folder.glob("*.safetensors"))
