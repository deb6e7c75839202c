"""A folder with the files of a CLIP to an encoder."""

from __future__ import annotations

from flexpad.encoders.clip import Clip
from flexpad.encoders.encoder import Encoder
from flexpad.encoders.locate import Located
from flexpad.encoders.positions import resized
from flexpad.encoders.provenance import RANDOM, Provenance, hash_files, hash_of_all, licence_of
from flexpad.encoders.tokenizer import find_tokenizer
from flexpad.encoders.weights import find_weights, load_clip
from flexpad.recipe import EncoderRecipe
from flexpad.types import BadInput


def read(located: Located, recipe: EncoderRecipe) -> Encoder:
    """Read an encoder as a recipe wants it.

    Args:
        located: Where its files are.
        recipe: Image size, expected hash, and whether the weights shall be random instead.

    Raises:
        BadInput: A file is missing or damaged, does not fit the others, or is not the expected one.
    """
    folder, layout = located.folder, located.layout
    own = layout.read_config(folder)
    wanted = resized(own, recipe.image_size)
    words = find_tokenizer(folder, own)
    if recipe.random:
        source = Provenance(recipe.name, layout.name, located.revision, licence=RANDOM)
        return Encoder(Clip(wanted), words, source)
    files = find_weights(folder, layout)
    hashes = hash_files(files)
    found = hash_of_all(hashes)
    if recipe.sha256 is not None and found != recipe.sha256:
        named = files[0] if len(files) == 1 else f"{folder}: the {len(files)} files of weights"
        raise BadInput(f"{named}: sha256 is {found}, but the recipe expects {recipe.sha256}")
    clip = load_clip(files, layout, own, wanted)
    source = Provenance(
        recipe.name, layout.name, located.revision, found, hashes, licence_of(folder)
    )
    return Encoder(clip, words, source)
