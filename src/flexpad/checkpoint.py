"""A trained model on disk: one folder that needs nothing else to be run.

``model.safetensors`` (weights, with the method's name in its header), ``recipe.yaml``,
``encoder.yaml`` (sizes of the towers), ``tokenizer.json`` and ``weights.yaml`` (where the encoder's
weights came from, and their licence); after a report ``calibration.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from flexpad import config, methods
from flexpad.data.manifest import sha256
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, ClipConfig
from flexpad.encoders.text import read_tokenizer
from flexpad.files import whole_file
from flexpad.methods import Method
from flexpad.recipe import Recipe
from flexpad.types import BadInput

WEIGHTS = "model.safetensors"
RECIPE = "recipe.yaml"
ENCODER = "encoder.yaml"
TOKENIZER = "tokenizer.json"
PROVENANCE = "weights.yaml"
CALIBRATION = "calibration.json"


@dataclass(frozen=True, slots=True)
class Model:
    """A trained method, in evaluation mode, with what belongs to it.

    Attributes:
        method: See :mod:`flexpad.methods`.
        recipe: How it was made.
        image_size: Side of its input in pixels.
        sha256: Of its weights.
        folder: Where it came from.
    """

    method: Method
    recipe: Recipe
    image_size: int
    sha256: str
    folder: Path


def save_recipe(folder: Path, recipe: Recipe, encoder: Encoder) -> None:
    """Write all but the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECIPE).write_text(config.dump(recipe), encoding="utf-8")
    (folder / ENCODER).write_text(config.dump(encoder.clip.config), encoding="utf-8")
    (folder / TOKENIZER).write_text(encoder.tokenizer.to_str(), encoding="utf-8")
    (folder / PROVENANCE).write_text(config.dump(encoder.provenance), encoding="utf-8")


def save_weights(path: Path, method: Method, recipe: Recipe) -> None:
    """Write the weights; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().contiguous() for name, value in method.state_dict().items()}
    with whole_file(path) as partial:
        # One entry: safetensors writes several in any order, and equal runs should be equal files.
        save_file(weights, partial, {"method": recipe.method.name})


def load(folder: Path) -> Model:
    """Load a trained model.

    Raises:
        BadInput: The folder is none of a run, a file is missing or damaged, or the weights belong
            to another method or another size than the recipe says.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise BadInput(f"{weights}: is missing; give the folder of a finished training run")
    recipe = config.load(Recipe, folder / RECIPE)
    clip = Clip(config.load(ClipConfig, folder / ENCODER))
    tokenizer = read_tokenizer(folder / TOKENIZER)
    try:
        with safe_open(weights, framework="pt") as file:
            trained = (file.metadata() or {}).get("method", "unknown")
        if trained != recipe.method.name:
            raise BadInput(
                f"{weights}: holds weights of method {trained!r}, but {folder / RECIPE} says"
                f" {recipe.method.name!r}"
            )
        method = methods.build(recipe.method, Encoder(clip, tokenizer))
        method.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise BadInput(f"{weights}: cannot be loaded ({reason})") from error
    return Model(method.eval(), recipe, clip.config.image_size, sha256(weights), folder)
