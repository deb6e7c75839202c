"""How hard the rendered families are for a plain baseline: a small ViT shared by the modalities.

    python benchmarks/difficulty.py FOLDER [--families surf cefa wmca] [--seeds 0 1 2]
        [--out benchmarks/results/difficulty.csv]

Renders the small sets into FOLDER, trains the built-in recipe ``baseline`` from random weights on
every protocol with every seed, the same recipe for all, and writes the rates on test at the
threshold of dev's equal error rate: one row for a rate of a condition, and one for the APCER of a
species. An interrupted run goes on: what has a report is not trained again. Standard size and a
GPU give other figures; quote the size with them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

from rows import put

from flexpad import checkpoint, readers, recipes
from flexpad.bench.results import processor
from flexpad.data import manifest as manifests
from flexpad.data import protocols
from flexpad.engine import state
from flexpad.log import console
from flexpad.recipe import Recipe
from flexpad.report import report
from flexpad.score import score, source_commit
from flexpad.synth.config import FamilyName, SynthConfig
from flexpad.synth.generate import generate
from flexpad.synth.layouts import LAYOUTS
from flexpad.train import train

PROTOCOLS = {
    "surf": ("synth-surf@1",),
    "cefa": ("synth-cefa@4.1", "synth-cefa@4.2", "synth-cefa@4.3"),
    "wmca": ("synth-wmca@grandtest",),
}
RATES = ("acer_pooled", "acer_max", "bpcer", "apcer_pooled", "eer")
KEY = ("set", "protocol", "method", "seed")
COLUMNS = ("set", "protocol", "method", "seed", "condition", "rate", "species", "value", "n",
           "commit", "hardware")  # fmt: skip


def main() -> None:
    """Render, train, measure and write after every run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--families", nargs="+", default=get_args(FamilyName))
    parser.add_argument("--protocols", nargs="+", help="others than the usual ones of a family")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/difficulty.csv"))
    options = parser.parse_args()
    recipe = recipes.find("baseline")
    for seed in options.seeds:
        for family in options.families:
            config = SynthConfig(family)
            generate(options.folder / family, config)
            found = readers.read(LAYOUTS[config.layout_name].reader, options.folder / family)
            for protocol in options.protocols or PROTOCOLS[family]:
                run = options.folder / "runs" / f"{protocol}-seed{seed}"
                own = replace(recipe, seed=seed, protocol=protocol)
                if not (run / "report.json").is_file():
                    measure(protocols.apply(protocol, found), own, run)
                rows = rows_of(run, own, config.name)
                put(options.out, COLUMNS, rows, KEY, lambda row: [row[k] for k in KEY])


def measure(manifest: manifests.Manifest, recipe: Recipe, run: Path) -> None:
    """Train, score dev and test, and report into a folder."""
    console.print(f"{recipe.protocol}, seed {recipe.seed}")
    run.mkdir(parents=True, exist_ok=True)
    manifests.write(manifest, run / "manifest.csv")
    manifest = manifests.read(run / "manifest.csv")
    if not (run / checkpoint.WEIGHTS).is_file() or state.is_there(run):
        train(manifest, recipe, run, resume=True)
    model = checkpoint.load(run)
    dev, test = (
        score(model, manifest, split, run / f"scores-{split}.csv") for split in ("dev", "test")
    )
    report(dev, test, run)


def rows_of(run: Path, recipe: Recipe, name: str) -> list[dict[str, str]]:
    """What a report says: rates of every condition, and of every species in it."""
    content = json.loads((run / "report.json").read_text())
    origin = {
        "set": name,
        "protocol": recipe.protocol,
        "method": recipe.method.name,
        "seed": str(recipe.seed),
        "commit": source_commit(),
        "hardware": processor(),
    }
    rows = []
    for condition, rates in content["conditions"].items():
        for rate in RATES:
            row = {**origin, "condition": condition, "rate": rate, "value": f"{rates[rate]:.5f}"}
            rows.append(row)
        for species, found in rates["species"].items():
            apcer = {"rate": "apcer", "species": species, "value": f"{found['apcer']:.5f}"}
            rows.append({**origin, "condition": condition, **apcer, "n": str(found["n"])})
    return rows


if __name__ == "__main__":
    main()
