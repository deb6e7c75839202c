"""CLIP towers with hooks for tokens, their weights and their words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from flexpad.encoders.clip import Clip, ClipConfig, TowerConfig, set_trainable
from flexpad.encoders.text import read_tokenizer, small_tokenizer
from flexpad.encoders.weights import load_huggingface
from flexpad.recipe import EncoderRecipe
from flexpad.types import BadInput

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


@dataclass(frozen=True, slots=True)
class Encoder:
    """A CLIP with the tokenizer that belongs to it."""

    clip: Clip
    tokenizer: Tokenizer


def build(recipe: EncoderRecipe) -> Encoder:
    """Make the encoder of a run.

    Raises:
        BadInput: The name is neither built in nor a folder with weights, or the weights are bad.
    """
    if recipe.name == "small":
        encoder = Encoder(Clip(SMALL), small_tokenizer())
    elif Path(recipe.name).is_dir():
        folder = Path(recipe.name)
        encoder = Encoder(load_huggingface(folder), read_tokenizer(folder / "tokenizer.json"))
    else:
        raise BadInput(
            f"encoder {recipe.name!r} is neither 'small' nor a folder with config.json,"
            " model.safetensors and tokenizer.json"
        )
    set_trainable(encoder.clip, recipe.trainable)
    return encoder
