"""What each place in an image tower knows of attacks: a logistic probe behind every block.

    python benchmarks/layer_probe.py MANIFEST.csv [--encoder NAME] [--modalities rgb ir]

Mean and deviation of the patches behind the stem and behind every block but the last, and class
token and patches in the joint space, are read off the frozen tower; the probe is that of
clip-nano's card: fitted on train, its C and threshold chosen on dev, ACER of frames on test in per
cent. Beside it stands the same for random weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from flexpad import encoders
from flexpad.analyse import probe as probes
from flexpad.data import protocols
from flexpad.data.loader import Items, batches, collate
from flexpad.data.manifest import Manifest, read
from flexpad.encoders.clip import VisionTower
from flexpad.log import console, progress
from flexpad.recipe import AugmentRecipe, EncoderRecipe
from flexpad.types import MODALITIES, SPLITS, Modality


class Listener:
    """A hook that keeps what goes into every block, and changes nothing."""

    def __init__(self) -> None:
        self.places: list[Tensor] = []

    def start(self, patches: Tensor, tokens: Tensor) -> None:  # noqa: ARG002 - the stem's are asked
        """Keep what the stem says."""
        self.places.append(patches)

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Keep what the block before said."""
        if layer:
            self.places.append(tokens[:, 1:])
        return tokens

    def beside(self, layer: int, normed: Tensor) -> None:  # noqa: ARG002 - nothing is added
        """Add nothing."""
        return


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--protocol", default="synth-surf@1")
    parser.add_argument("--encoder", default="builtin:clip-nano")
    parser.add_argument("--modalities", nargs="+", default=["rgb", "ir"], choices=MODALITIES)
    parser.add_argument("--seed", type=int, default=0, help="of the random weights")
    given = parser.parse_args()
    rows = protocols.apply(given.protocol, read(given.manifest))
    for random in (False, True):
        torch.manual_seed(given.seed)
        encoder = encoders.build(EncoderRecipe(given.encoder, random=random))
        for modality in map(Modality, given.modalities):
            found = probe(
                encoder.clip.vision.eval(), rows, modality, encoder.clip.config.image_size
            )
            weights = "random weights" if random else given.encoder
            console.print(f"{weights}, {modality}:", *(f"{100 * rate:.1f}" for rate in found))


def probe(vision: VisionTower, rows: Manifest, modality: Modality, size: int) -> list[float]:
    """Fit and measure a probe at every place; gives ACER on test, from the stem on."""
    features = {split: listen(vision, rows.split(split), modality, size) for split in SPLITS}
    facts = {
        split: (
            np.array([row.is_bonafide for row in rows.split(split)]),
            np.array([row.pai_species for row in rows.split(split)]),
        )
        for split in SPLITS
    }
    errors = []
    for place in range(len(features["test"])):
        shown = {s: probes.Labelled(features[s][place], *facts[s]) for s in SPLITS}
        fitted, threshold = probes.choose_pad(shown["train"], shown["dev"])
        accepted = fitted.decide(features["test"][place]) >= threshold
        bonafide = facts["test"][0]
        errors.append(float(np.mean(~accepted[bonafide]) + np.mean(accepted[~bonafide])) / 2)
    return errors


@torch.no_grad()
def listen(vision: VisionTower, rows: Manifest, modality: Modality, size: int) -> list[np.ndarray]:
    """Read what is known at every place, (S, 2 D) each; last the joint space, (S, 3 P)."""
    items = Items(rows, size, AugmentRecipe(enlarge=1.0))
    found: list[list[Tensor]] = []
    with progress(f"encoding {modality}", len(rows)) as tick:
        for batch in batches(DataLoader(items, batch_size=32, collate_fn=collate)):
            listener = Listener()
            features = vision(batch.images[:, MODALITIES.index(modality)], listener)
            read_off = [torch.cat([p.mean(dim=1), p.std(dim=1)], dim=1) for p in listener.places]
            joint = (features.image, features.patches.mean(dim=1), features.patches.std(dim=1))
            found.append([*read_off, torch.cat(joint, dim=1)])
            tick(len(batch.ids))
    return [torch.cat(place).numpy() for place in zip(*found, strict=True)]


if __name__ == "__main__":
    main()
