"""Trains the demo's networks (`make zoo`): two processes, one thread each, a minute or so a network.

Networks whose checkpoint is there are skipped, so an interrupted run goes on where it was; `--again` trains all
anew. Seeds
fix everything but the order of floating-point sums of other builds of torch, so another machine gives networks as
good, not the same bits.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from multiprocessing import get_context
from pathlib import Path

import torch

from parallax.local.demo.networks import Recipe, build, embed, recipes, save_checkpoint
from parallax.local.demo.objectives import OBJECTIVE_LOSSES
from parallax.local.demo.training_images import TrainingSet, training_set

FOLDER = Path(__file__).parent / "checkpoints"
# Steps per objective: a step of self-supervision sees every picture twice.
STEPS = {"sup": 640, "ssl": 420, "imgtxt": 640, "untrained": 0}
BATCH, RATE, WARMUP, DECAY = 64, 1.5e-3, 50, 0.05


def train(recipe: Recipe, data: TrainingSet) -> dict[str, float | int | str]:
    """Trains one network and writes its checkpoint; answers what happened."""
    started = time.perf_counter()
    network = build(recipe)
    width = embed(network.eval(), torch.zeros(1, 3, 64, 64)).shape[1]
    last, steps = 0.0, STEPS[recipe.objective]
    if steps:
        loss_of, head = OBJECTIVE_LOSSES[recipe.objective](data, width)
        optimiser = torch.optim.AdamW([*network.parameters(), *head.parameters()], lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser,
            lambda step: min((step + 1) / WARMUP, 0.5 * (1 + math.cos(math.pi * step / steps))),
        )
        network.train()
        for _ in range(steps):
            loss = loss_of(network, torch.randint(len(data.images), (BATCH,)))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            last = 0.98 * last + 0.02 * float(loss.detach()) if last else float(loss.detach())
    save_checkpoint(recipe, network.eval(), FOLDER / f"{recipe.name}.safetensors")
    return {
        "name": recipe.name, "steps": steps,
        "final_loss": round(last, 4), "seconds": round(time.perf_counter() - started, 1),
    }


_data: TrainingSet | None = None


def _train_in_process(recipe: Recipe) -> dict[str, float | int | str]:
    global _data
    torch.set_num_threads(1)
    if _data is None:
        _data = training_set()
    return train(recipe, _data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="train every network, also those that are there")
    parser.add_argument("--processes", type=int, default=2, help="networks trained at once (default 2)")
    parser.add_argument("--only", default="", help="train only networks whose name contains this")
    arguments = parser.parse_args()
    wanted = [
        recipe for recipe in recipes()
        if arguments.only in recipe.name
        and (arguments.again or not (FOLDER / f"{recipe.name}.safetensors").exists())
    ]
    record_file = FOLDER / "training.json"
    record = json.loads(record_file.read_text()) if record_file.exists() else {}
    # Fresh processes: a forked one would hang in torch's threads.
    with get_context("spawn").Pool(arguments.processes) as pool:
        for done, facts in enumerate(pool.imap_unordered(_train_in_process, wanted), start=1):
            print(f"{done}/{len(wanted)} {facts}", flush=True)
            record[str(facts.pop("name"))] = facts
            record_file.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
