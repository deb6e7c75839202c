"""CLIP towers with hooks for tokens, their weights and their words."""

from __future__ import annotations

from pathlib import Path

from flexpad.encoders import builtin
from flexpad.encoders.builtin import SMALL
from flexpad.encoders.clip import set_trainable
from flexpad.encoders.encoder import Encoder
from flexpad.encoders.folder import read
from flexpad.encoders.layouts import native
from flexpad.encoders.locate import locate
from flexpad.encoders.provenance import Provenance
from flexpad.recipe import EncoderRecipe

__all__ = ["SMALL", "Encoder", "Provenance", "build", "save"]


def build(recipe: EncoderRecipe) -> Encoder:
    """Make the encoder of a run.

    Raises:
        BadInput: The name means nothing, files cannot be had, or they are bad.
    """
    if recipe.name == builtin.SMALL_NAME:
        encoder = builtin.small(recipe)
    else:
        encoder = read(locate(recipe.name, weights=not recipe.random), recipe)
    set_trainable(encoder.clip, recipe.trainable)
    return encoder


def save(folder: Path, encoder: Encoder, *, half: bool = False) -> None:
    """Write an encoder into a folder, whose name is then that of the encoder.

    Args:
        folder: Made if it is not there; other files in it stay.
        encoder: Whose weights, sizes and words to write.
        half: Write matrices as float16.
    """
    native.save(folder, encoder.clip, encoder.tokenizer, half=half)
