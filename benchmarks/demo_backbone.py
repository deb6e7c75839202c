"""Which part of the built-in backbone the demo should train, at equal time, judged on dev alone.

    python benchmarks/demo_backbone.py MANIFEST.csv FOLDER [--seeds 0 1] [--only NAME ...]

Trains the demo's recipe with the backbone frozen, with its last two blocks and with all of it, and
the random small encoder that the demo had before; each for as many whole epochs as come nearest to
the given seconds, by the speed of a few steps before. Writes the equal error rates on dev of the
epoch that is kept; test is never read.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from rows import put

from flexpad import recipes
from flexpad.bench.results import processor
from flexpad.data.manifest import Manifest, read
from flexpad.log import console
from flexpad.recipe import EncoderRecipe, Recipe
from flexpad.score import source_commit
from flexpad.train import train

NANO = "builtin:clip-nano"
VARIANTS = {
    "frozen": (EncoderRecipe(name=NANO, trainable="none"), 1.0),
    "last 2 blocks": (EncoderRecipe(name=NANO, trainable="last_2"), 0.3),
    "everything": (EncoderRecipe(name=NANO, trainable="all"), 0.3),
    "everything, random": (EncoderRecipe(name=NANO, trainable="all", random=True), 1.0),
    "small, random": (EncoderRecipe(name="builtin:small", trainable="all"), 1.0),
}  # with the factor on the learning rate of the backbone
COLUMNS = ("backbone", "seed", "epochs", "seconds", "kept_epoch", "condition", "eer_on_dev",
           "commit", "hardware")  # fmt: skip


def main() -> None:
    """Train, and write after every run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--epochs", type=int, help="the same for all, instead of equal time")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1))
    parser.add_argument("--only", nargs="+", default=tuple(VARIANTS))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/demo_backbone.csv"))
    given = parser.parse_args()
    manifest = read(given.manifest)
    for seed in given.seeds:
        for name in given.only:
            encoder, rate = VARIANTS[name]
            base = recipes.find(given.recipe)
            recipe = replace(
                base, seed=seed, encoder=encoder, train=replace(base.train, encoder_rate=rate)
            )
            folder = given.folder / f"{name.replace(' ', '-').replace(',', '')}-seed{seed}"
            epochs = given.epochs or affordable(manifest, recipe, folder, given.seconds)
            recipe = replace(recipe, train=replace(recipe.train, epochs=epochs))
            start = time.perf_counter()
            best = train(manifest, recipe, folder, overwrite=True)
            seconds = time.perf_counter() - start
            rows = rows_of(folder, best.epoch, name, recipe, seconds)
            put(given.out, COLUMNS, rows, key=["backbone", "seed"])
            shown = ", ".join(f"{r['condition']} {100 * float(r['eer_on_dev']):.1f}" for r in rows)
            console.print(f"{name}, seed {seed}: {epochs} epochs, {seconds:.0f} s; {shown}")


def affordable(manifest: Manifest, recipe: Recipe, folder: Path, seconds: float) -> int:
    """Say how many epochs come nearest to so many seconds, by the time that one takes."""
    start = time.perf_counter()
    train(manifest, replace(recipe, train=replace(recipe.train, epochs=1)), folder, overwrite=True)
    return max(1, round(seconds / (time.perf_counter() - start)))


def rows_of(
    folder: Path, kept: int, name: str, recipe: Recipe, seconds: float
) -> list[dict[str, str]]:
    """Read what the kept epoch reaches on dev."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    on_dev = next(line["dev"] for line in lines if "dev" in line and line["epoch"] == kept)
    origin = {
        "backbone": name,
        "seed": str(recipe.seed),
        "epochs": str(recipe.train.epochs),
        "seconds": f"{seconds:.0f}",
        "kept_epoch": str(kept),
        "commit": source_commit(),
        "hardware": processor(),
    }
    rates = {"mean": on_dev["error"], **on_dev["eer"]}
    return [
        {**origin, "condition": condition, "eer_on_dev": f"{rate:.5f}"}
        for condition, rate in rates.items()
    ]


if __name__ == "__main__":
    main()
