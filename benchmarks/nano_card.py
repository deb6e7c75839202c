"""The two tables of clip-nano's card: retrieval and a linear probe, beside random weights.

    python benchmarks/nano_card.py MANIFEST.csv CORPUS [--card PAGE] [--out FILE.csv]

Retrieval is on the held-out views of the pre-training corpus, rendered into the folder CORPUS where
they are missing. The probe reads frozen features, the class token's and mean and deviation of the
patches', of the rows of MANIFEST.csv: a logistic regression for each condition learns on train; its
C and the threshold, where both errors are equal, come from dev; test is only measured. Random
weights are drawn with three seeds.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from page import fill
from torch.utils.data import DataLoader

from flexpad import encoders
from flexpad.analyse import probe as probes
from flexpad.bench.results import processor, write_table
from flexpad.data import protocols
from flexpad.data.loader import Items, batches, collate
from flexpad.data.manifest import Manifest, read
from flexpad.encoders import Encoder
from flexpad.log import progress
from flexpad.pretrain import corpus
from flexpad.pretrain import settings as pretraining
from flexpad.pretrain.retrieval import retrieval
from flexpad.recipe import AugmentRecipe, EncoderRecipe
from flexpad.score import source_commit
from flexpad.types import MODALITIES, modalities_of

CONDITIONS = ("R", "D", "I", "RDI")
SPLITS = ("train", "dev", "test")
COLUMNS = ("table", "weights", "seed", "on", "condition", "rate", "value", "n", "commit",
           "hardware")  # fmt: skip
CARD = Path("src/flexpad/encoders/assets/clip_nano/README.md")

Features = NDArray[np.float32]


def main() -> None:
    """Measure, and write the rows and the card's tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--protocol", default="synth-surf@1")
    parser.add_argument("--encoder", default="builtin:clip-nano")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/nano_card.csv"))
    parser.add_argument("--card", type=Path, default=CARD)
    given = parser.parse_args()
    manifest = protocols.apply(given.protocol, read(given.manifest))
    made = pretraining.find("clip-nano")
    views, _ = corpus.build(given.corpus, made.seed, made.held_out).split(made.held_out)
    rows = []
    for random, seed in [(False, 0), *((True, seed) for seed in given.seeds)]:
        torch.manual_seed(seed)
        encoder = encoders.build(EncoderRecipe(name=given.encoder, random=random))
        encoder.clip.eval()
        origin = {
            "weights": "random" if random else "pre-trained",
            "seed": str(seed) if random else "",
            "commit": source_commit(),
            "hardware": processor(),
        }
        found = retrieval(encoder, views)
        rows += [{**origin, **row} for row in retrieval_rows(found, "held-out views")]
        rows += [{**origin, "on": given.protocol, **row} for row in probe(encoder, manifest)]
    write_table(given.out, COLUMNS, rows)
    for name in ("retrieval", "probe"):
        text = markdown(name, [row for row in rows if row["table"] == name])
        print(text, end="\n\n")
        fill(given.card, name, text)


def retrieval_rows(found: dict[str, float], of: str) -> list[dict[str, str]]:
    """Rows of what :func:`flexpad.pretrain.retrieval.retrieval` gives."""
    rows = []
    for name, share in found.items():
        direction, _, gallery = name.partition("@")
        label = f"{direction.replace('_', ' ')}, 1 of {gallery}"
        row = {"table": "retrieval", "on": of, "condition": label, "rate": "first"}
        rows.append({**row, "value": f"{share:.5f}", "n": gallery})
    return rows


def probe(encoder: Encoder, manifest: Manifest) -> list[dict[str, str]]:
    """Fit and measure a probe for each condition."""
    features = {split: embed(encoder, manifest.split(split)) for split in SPLITS}
    targets = {
        split: np.array([row.is_bonafide for row in manifest.split(split)]) for split in SPLITS
    }
    species = {
        split: np.array([row.pai_species for row in manifest.split(split)]) for split in SPLITS
    }
    rows = []
    for condition in CONDITIONS:
        chosen = [MODALITIES.index(modality) for modality in modalities_of(condition)]
        seen = {split: of[:, chosen].reshape(len(of), -1) for split, of in features.items()}
        shown = {
            split: probes.Labelled(values, targets[split], species[split])
            for split, values in seen.items()
        }
        fitted, threshold = probes.choose_pad(shown["train"], shown["dev"], balanced=False)
        accepted = fitted.decide(seen["test"]) >= threshold
        bpcer = float(np.mean(~accepted[targets["test"]]))
        apcer = float(np.mean(accepted[~targets["test"]]))
        found = {"bpcer": bpcer, "apcer_pooled": apcer, "acer_pooled": (bpcer + apcer) / 2}
        rows += [
            {
                "table": "probe",
                "condition": condition,
                "rate": rate,
                "value": f"{value:.5f}",
                "n": str(len(accepted)),
            }
            for rate, value in found.items()
        ]
    return rows


@torch.no_grad()
def embed(encoder: Encoder, rows: Manifest) -> Features:
    """Encode the images of rows, (S, M, 3 P)."""
    vision = encoder.clip.vision
    items = Items(rows, encoder.clip.config.image_size, replace(AugmentRecipe(), enlarge=1.0))
    found = []
    with progress("encoding", len(rows)) as tick:
        for batch in batches(DataLoader(items, batch_size=32, collate_fn=collate)):
            features = vision(batch.images.flatten(0, 1))
            parts = (features.image, features.patches.mean(dim=1), features.patches.std(dim=1))
            found.append(torch.cat(parts, dim=1).unflatten(0, batch.present.shape))
            tick(len(batch.ids))
    return torch.cat(found).numpy()


def markdown(name: str, rows: list[dict[str, str]]) -> str:
    """One line for weights, one column for a condition; random weights as mean and range."""
    shown = [row for row in rows if row["rate"] in ("first", "acer_pooled")]
    columns = list(dict.fromkeys(row["condition"] for row in shown))
    title = {"retrieval": "rendered views, right one first, %", "probe": "rendered, ACER pooled, %"}
    lines = [f"| {title[name]} | {' | '.join(columns)} |", "|:--" + "|--:" * len(columns) + "|"]
    for weights in ("pre-trained", "random"):
        cells = []
        for column in columns:
            values = [
                100 * float(row["value"])
                for row in shown
                if (row["weights"], row["condition"]) == (weights, column)
            ]
            middle = f"{np.mean(values):.1f}"
            several = f"{middle} ({min(values):.1f} to {max(values):.1f})"
            cells.append(middle if len(values) == 1 else several)
        lines.append(f"| {weights} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
