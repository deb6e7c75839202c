"""A set of noise images that can be told apart, and a run on it that takes a second."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from flexpad import encoders
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest, Row
from flexpad.encoders import Encoder
from flexpad.encoders.clip import set_trainable
from flexpad.recipe import AugmentRecipe, EncoderRecipe, MethodRecipe, Recipe, TrainRecipe
from flexpad.types import MODALITIES
from tests import tiny

SUBJECTS = {"train": 6, "dev": 3, "test": 3}
RECIPE = Recipe(
    protocol="folder@1",
    method=MethodRecipe(options=tiny.OPTIONS),
    augment=AugmentRecipe(rotation=5.0),
    train=TrainRecipe(
        epochs=2,
        pairs=4,
        learning_rate=3e-3,
        ema=0.8,
        mixed_precision="no",
        checkpoint_steps=2,
        log_steps=2,
    ),
)


def write(root: Path) -> Path:
    """Three frames of a bona fide and an attack video a subject; every fifth row has no depth."""
    rng = np.random.default_rng(0)
    rows = []
    for split, subjects in SUBJECTS.items():
        for subject, label, frame in np.ndindex(subjects, 2, 3):
            name = f"{split}-{subject}-{label}-{frame}"
            paths = {}
            for modality in MODALITIES:
                grain = 20 * rng.standard_normal((tiny.SIZE, tiny.SIZE, 3))
                bright = 90 + 15 * label + 12 * rng.standard_normal() + grain
                pixels = bright.clip(0, 255).astype(np.uint8)
                pixels = pixels if modality == "rgb" else pixels[..., 0]
                paths[str(modality)] = f"{name}-{modality}.png"
                Image.fromarray(pixels).save(root / paths[str(modality)])
            if len(rows) % 5 == 0:
                paths["depth"] = ""
            rows.append(
                Row(
                    sample_id=name,
                    dataset="synth_folder",
                    split=split,
                    subject_id=f"{split}-{subject}",
                    video_id=f"{split}-{subject}-{label}",
                    frame=frame,
                    label=("attack", "bonafide")[label],
                    pai_species="" if label else "print",
                    **paths,
                )
            )
    manifests.write(Manifest(root, rows), root / "manifest.csv")
    return root / "manifest.csv"


def use_tiny_encoder(patch) -> None:
    """Have runs build on the tiny CLIP instead of the small one."""

    def build(recipe: EncoderRecipe) -> Encoder:
        encoder = tiny.encoder(seed=torch.initial_seed() % 2**31)
        set_trainable(encoder.clip, recipe.trainable)
        return encoder

    patch.setattr(encoders, "build", build)
