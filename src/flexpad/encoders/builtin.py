"""Encoders that come with flexpad: ``builtin:small`` and the folders in ``assets``."""

from __future__ import annotations

from pathlib import Path

from flexpad.encoders.clip import Clip, ClipConfig, TowerConfig
from flexpad.encoders.encoder import Encoder
from flexpad.encoders.layouts import native
from flexpad.encoders.positions import resized
from flexpad.encoders.provenance import RANDOM, Provenance
from flexpad.encoders.text import small_tokenizer
from flexpad.recipe import EncoderRecipe
from flexpad.registry import did_you_mean
from flexpad.types import BadInput

PREFIX = "builtin:"
SMALL_NAME = f"{PREFIX}small"
ASSETS = Path(__file__).with_name("assets")

SMALL = ClipConfig(
    vision=TowerConfig(width=192, layers=3, heads=3, mlp_width=768),
    text=TowerConfig(width=128, layers=3, heads=2, mlp_width=512),
    joint_width=128,
    image_size=112,
    patch_size=16,
    vocabulary=small_tokenizer().get_vocab_size(),
    context_length=16,
    activation="gelu",
    logit_scale=30.0,  # between CLIP's start of 14 and its end of 100; two classes need some
    stem="convolutions",
)


def small(recipe: EncoderRecipe) -> Encoder:
    """Make a small encoder with random weights, which learns from few images.

    Raises:
        BadInput: The recipe wants weights of it, or images it cannot have.
    """
    if recipe.sha256 is not None:
        raise BadInput(f"encoder {SMALL_NAME!r} has no file of weights that 'sha256' could be of")
    clip = Clip(resized(SMALL, recipe.image_size))
    provenance = Provenance(SMALL_NAME, native.LAYOUT.name, licence=RANDOM)
    return Encoder(clip, small_tokenizer(), provenance)


def names() -> list[str]:
    """List what there is."""
    folders = ASSETS.iterdir() if ASSETS.is_dir() else ()
    found = [folder.name for folder in folders if (folder / native.CONFIGURATION).is_file()]
    return sorted([SMALL_NAME, *(f"{PREFIX}{name.replace('_', '-')}" for name in found)])


def folder_of(name: str) -> Path:
    """Give the folder of a built-in encoder, e.g. ``assets/clip_nano`` of ``builtin:clip-nano``.

    Raises:
        BadInput: There is none of that name.
    """
    known = names()
    if name not in known:
        raise BadInput(f"encoder {name!r} is not built in; {did_you_mean(name, known)}")
    return ASSETS / name.removeprefix(PREFIX).replace("-", "_")
