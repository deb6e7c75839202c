"""flexpad's own layout: ``encoder.yaml``, ``model.safetensors`` and ``tokenizer.json``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from flexpad import __version__, config
from flexpad.encoders.clip import Clip, ClipConfig
from flexpad.encoders.layouts.layout import Layout, Place
from flexpad.encoders.tokenizer import TOKENIZER
from flexpad.files import whole_file
from flexpad.types import BadInput

CONFIGURATION = "encoder.yaml"
WEIGHTS = "model.safetensors"


def read_config(folder: Path) -> ClipConfig:
    """Read the sizes of a CLIP.

    Raises:
        BadInput: The file is missing or damaged, or a key or value does not fit.
    """
    return config.load(ClipConfig, folder / CONFIGURATION)


def place(name: str, held: Collection[str]) -> Place:
    """Give the name as it is.

    Raises:
        BadInput: The file holds a CLIP inside a method.
    """
    if f"clip.{name}" in held:
        raise BadInput("holds a trained method, from which no encoder is read")
    return Place((name,))


def save(folder: Path, clip: Clip, tokenizer: Tokenizer, *, half: bool = False) -> None:
    """Write a CLIP and its tokenizer, so that the folder's name is that of an encoder.

    Other files of the folder stay as they are. Each file appears whole or not at all, and the one
    that makes the folder an encoder comes last.

    Args:
        folder: Made if it is not there.
        clip: Whose weights and sizes to write.
        tokenizer: What belongs to it.
        half: Write matrices as float16, which halves the file; norms, biases and the factor on
            cosines stay float32, since they weigh next to nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIGURATION).unlink(missing_ok=True)
    state = {name: _stored(value, half=half) for name, value in clip.state_dict().items()}
    with whole_file(folder / WEIGHTS) as partial:
        save_file(state, partial, {"flexpad": __version__})
    with whole_file(folder / TOKENIZER) as partial:
        partial.write_text(tokenizer.to_str(), encoding="utf-8")
    with whole_file(folder / CONFIGURATION) as partial:
        partial.write_text(config.dump(clip.config), encoding="utf-8")


def _stored(value: Tensor, *, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.to(torch.float16) if half and value.ndim > 1 else value


LAYOUT = Layout(
    name="flexpad",
    configuration=CONFIGURATION,
    weights=(WEIGHTS,),
    pickles=(),
    read_config=read_config,
    place=place,
    unused=frozenset(),
    antialias=True,
)
