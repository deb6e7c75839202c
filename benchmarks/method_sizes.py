"""How large every method is and how much one answer takes, on clip-nano and on CLIP ViT-B/16.

    python benchmarks/method_sizes.py [--method NAME ...] [--out FILE.csv]

Nothing here depends on the machine or on what weights hold; those of ViT-B/16 are random.

- ``trained``: parameters that are trained, with a frozen CLIP where a method is made for one.
- ``stored``: parameters an answer needs: all but those of text towers, whose answer for the classes
  is the same for every image and is kept.
- ``gmac_rgb``, ``gmac_all``: billions of multiplications with an addition, in matrix products and
  convolutions, for one item in evaluation with its RGB image alone and with all three.
- ``gmac_text``: what the text tower takes, once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rows import put
from towers import TOWERS, operations

from flexpad import config, encoders, methods
from flexpad.bench import plan as plans
from flexpad.bench.plan import Job, merged
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, TextTower, set_trainable
from flexpad.encoders.text import small_tokenizer
from flexpad.methods import Method
from flexpad.recipe import EncoderRecipe, Recipe
from flexpad.score import source_commit
from flexpad.types import MODALITIES, Batch, modalities_of

NANO = "clip-nano"
BASE = "ViT-B/16"
ENCODERS = (NANO, BASE)
# The bench whose recipes say, for each encoder, what of it is trained and with which options.
CONFIGS = Path(__file__).parents[1] / "configs" / "bench"
PLANS = {NANO: CONFIGS / "table1_synth.yaml", BASE: CONFIGS / "table1_real.yaml"}
ELSEWHERE: Mapping[str, Mapping[str, Any]] = {"shared_vit": {"encoder": {"trainable": "all"}}}
COLUMNS = ("encoder", "method", "trainable", "options", "trained", "stored", "gmac_rgb", "gmac_all",
           "gmac_text", "commit")  # fmt: skip
OUT = Path("benchmarks/results/method_sizes.csv")


def main() -> None:
    """Count, and write the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--method", nargs="+", default=methods.names(), choices=methods.names())
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    rows = []
    for encoder in ENCODERS:
        for method in given.method:
            rows.append(row(encoder, method))
            print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    write(given.out, rows)


def row(encoder: str, name: str) -> dict[str, str]:
    """Count one method on one encoder."""
    recipe = recipe_for(encoder, name)
    method = make(encoder, recipe)
    size = method.clip.config.image_size
    trained = sum(weight.numel() for weight in method.parameters() if weight.requires_grad)
    method.requires_grad_(False)  # the counter fails where a weight enters a module as a value
    first, alone = work(method, size, "R"), work(method, size, "R")
    return {
        "encoder": encoder,
        "method": name,
        "trainable": recipe.encoder.trainable,
        "options": json.dumps(recipe.method.options),
        "trained": str(trained),
        "stored": str(stored(method)),
        "gmac_rgb": f"{alone:.4f}",
        "gmac_all": f"{work(method, size, 'RDI'):.4f}",
        "gmac_text": f"{first - alone:.4f}",
        "commit": source_commit(),
    }


def recipe_for(encoder: str, name: str) -> Recipe:
    """Give the recipe a method has in the bench of an encoder."""
    plan = plans.read(PLANS[encoder])
    of_method = [
        system
        for system, settings in plan.all_systems.items()
        if merged(settings)["method"]["name"] == name
    ]
    if of_method:
        return plans.recipe_of(plan, Job(of_method[0], plan.protocols[0], 0), {})
    layers = plan.recipe, {"method": name}, ELSEWHERE.get(name, {})
    return config.build(Recipe, merged(*layers), f"method {name!r}")


def make(encoder: str, recipe: Recipe) -> Method:
    """Make a method the way the table's recipes do, in evaluation mode."""
    return methods.build(recipe.method, encoder_of(encoder, recipe.encoder.trainable)).eval()


def encoder_of(name: str, trainable: str) -> Encoder:
    """Make an encoder with the number of words it really has."""
    if name == NANO:
        return encoders.build(EncoderRecipe(f"builtin:{NANO}", trainable=trainable))
    sizes = replace(TOWERS[name], vocabulary=49408, context_length=77)
    encoder = Encoder(Clip(sizes), small_tokenizer())
    set_trainable(encoder.clip, trainable)
    return encoder


def stored(method: Method) -> int:
    """Count the parameters an answer needs."""
    towers = [part for part in method.modules() if isinstance(part, TextTower)]
    text = {id(weight) for tower in towers for weight in tower.parameters()}
    return sum(weight.numel() for weight in method.parameters() if id(weight) not in text)


def work(method: Method, size: int, condition: str) -> float:
    """Count the GMAC of one answer."""
    shown = [modality in modalities_of(condition) for modality in MODALITIES]
    images = torch.zeros(1, len(MODALITIES), 3, size, size)
    batch = Batch(images, torch.tensor([shown]), torch.tensor([1]), ("one",))
    # In its fused form torch's own attention is one operation, which is not counted.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            return operations(lambda: method(batch)) / 2e9
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows over those of the same methods; those of others stay."""

    def place(row: Mapping[str, str]) -> tuple[int, str]:
        return ENCODERS.index(row["encoder"]), row["method"]

    put(path, COLUMNS, rows, ("encoder", "method"), place)


if __name__ == "__main__":
    main()
