"""How much the demo's networks learned: a linear probe of each on every demo dataset, against chance.

    python -m parallax.local.demo.probe

writes `checkpoints/zoo.json` (facts of every network) and `docs/demo-models.md` (the same as a table). The probe is
a ridge
classifier on standardised embeddings, trained on half of the stimuli of every label and scored on the other half,
mean over
three seeded splits. In the datasets made of patches the label is the picture itself, so patches of one picture are
on both sides: there the probe says whether pictures can be told apart, not whether a class generalises to new pictures.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from backend.domain.identity import sha256_hex
from parallax.local.demo import DemoDataset, demo_checkpoints, demo_datasets
from parallax.local.demo.networks import ARCHITECTURES, Recipe, build, embed, normalised, recipes

FOLDER = Path(__file__).parent / "checkpoints"
RECORD = FOLDER / "zoo.json"
TABLE = Path(__file__).parents[3] / "docs" / "demo-models.md"
SPLITS = 3


def load(recipe: Recipe) -> torch.nn.Module:
    """A network of the zoo as Parallax loads it: float16 weights read into float32."""
    network = build(recipe)
    with safe_open(FOLDER / f"{recipe.name}.safetensors", "pt") as file:
        network.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    return network.eval()


def embeddings(network: torch.nn.Module, dataset: DemoDataset) -> NDArray[np.float64]:
    images = torch.from_numpy(np.stack([stimulus.pixels for stimulus in dataset.stimuli]))
    with torch.inference_mode():
        parts = [embed(network, normalised(batch)) for batch in images.split(64)]
    return torch.cat(parts).double().numpy()


def accuracy(features: NDArray[np.float64], labels: NDArray[np.str_]) -> float:
    """Mean test accuracy of the probe over the splits."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import StratifiedShuffleSplit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores = []
    for train, test in StratifiedShuffleSplit(SPLITS, test_size=0.5, random_state=0).split(features, labels):
        probe = make_pipeline(StandardScaler(), RidgeClassifier(alpha=10.0))
        scores.append(probe.fit(features[train], labels[train]).score(features[test], labels[test]))
    return round(mean(scores), 4)


def measure() -> dict[str, Any]:
    """Facts of every network, and chance (the share of the most frequent label) per dataset."""
    torch.set_num_threads(1)
    datasets = demo_datasets()
    labels = {d.name: np.array([s.label for s in d.stimuli]) for d in datasets}
    chance = {
        name: round(max(np.unique(found, return_counts=True)[1]) / len(found), 4) for name, found in labels.items()
    }
    training = json.loads((FOLDER / "training.json").read_text())
    networks = {}
    for recipe in recipes():
        network = load(recipe)
        networks[recipe.name] = {
            "sha256": sha256_hex((FOLDER / f"{recipe.name}.safetensors").read_bytes()),
            "timm_architecture": ARCHITECTURES[recipe.architecture].timm_name,
            "objective": recipe.objective, "seed": recipe.seed,
            "n_parameters": sum(parameter.numel() for parameter in network.parameters()),
            "training": {key: value for key, value in training[recipe.name].items() if key != "seconds"},
            "training_seconds": training[recipe.name]["seconds"],
            "accuracy": {d.name: accuracy(embeddings(network, d), labels[d.name]) for d in datasets},
        }
        print(recipe.name, networks[recipe.name]["accuracy"], flush=True)
    return {"chance": chance, "networks": networks}


def table(record: dict[str, Any]) -> str:
    """The record as a page of documentation."""
    names = sorted(record["chance"])
    lines = [
        "# The demo's models, and how much they learned", "",
        "Made by `python -m parallax.local.demo.probe` from `checkpoints/zoo.json`; do not edit by hand.",
        "Numbers are the test accuracy of a linear probe (its protocol stands in `parallax/local/demo/probe.py`);",
        "the models were trained on other stimuli than these datasets.", "",
        "| model | parameters | " + " | ".join(names) + " | mean |", "|---|---|" + "---|" * (len(names) + 1),
    ]
    by_objective: dict[str, list[float]] = defaultdict(list)
    for name, facts in sorted(record["networks"].items()):
        scores = [facts["accuracy"][dataset] for dataset in names]
        by_objective[facts["objective"]].append(mean(scores))
        cells = " | ".join(f"{score:.2f}" for score in [*scores, mean(scores)])
        lines.append(f"| {name} | {facts['n_parameters']:,} | {cells} |")
    chance = [record["chance"][dataset] for dataset in names]
    lines.append("| *chance* | | " + " | ".join(f"{c:.2f}" for c in [*chance, mean(chance)]) + " |")
    means = "; ".join(f"{objective} {mean(scores):.2f}" for objective, scores in sorted(by_objective.items()))
    best = {n: max(f["accuracy"][n] for f in record["networks"].values()) for n in names}
    weak = [n for n in names if best[n] < 2 * record["chance"][n]]
    if weak:
        lines += ["", f"No network reaches twice chance on {', '.join(weak)}: there all of them are poor."]
    summary = f"Mean over models and datasets by objective: {means}; chance {mean(chance):.2f}."
    return "\n".join([*lines, "", summary, ""])


def main() -> None:
    assert len(demo_checkpoints()) == len(recipes()), "train all networks first: python -m parallax.local.demo.train"
    record = measure()
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    TABLE.write_text(table(record))
    print(f"wrote {RECORD} and {TABLE}")


if __name__ == "__main__":
    main()
