"""What a training run is made of. Written to the run's folder, so that it can be run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flexpad.types import BadInput


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """The CLIP the method is built on.

    Attributes:
        name: ``small`` (built in, random weights) or a folder in the Hugging Face layout.
        trainable: ``all``, ``none`` or ``last_k``.
    """

    name: str = "small"
    trainable: str = "all"


@dataclass(frozen=True, slots=True)
class MethodRecipe:
    """The method and what differs from the ``config.yaml`` in its folder."""

    name: str = "fmm_rpl"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AugmentRecipe:
    """How training images are varied. One geometry for all modalities of an item.

    The defaults are those of the specification this project follows for FMM-RPL; the authors'
    public code turns by up to 180 degrees and jitters every modality.

    Attributes:
        enlarge: An image is resized to this multiple of the model's size and then cropped: at a
            random place in training, at the centre in evaluation.
        rotation: Largest turn in degrees.
        flip: Probability of a left-right mirror.
        colour: Strength of brightness, contrast and saturation jitter on RGB.
        infrared: Strength of brightness and contrast jitter on IR.
    """

    enlarge: float = 256 / 224
    rotation: float = 30.0
    flip: float = 0.5
    colour: float = 0.4
    infrared: float = 0.2

    def __post_init__(self) -> None:
        if self.enlarge < 1:
            raise BadInput(f"key 'enlarge' should be at least 1, not {self.enlarge}")


AT_LEAST = {
    "epochs": 1,
    "pairs": 1,
    "accumulate": 1,
    "buffer": 1,
    "log_steps": 1,
    "checkpoint_minutes": 0,
    "checkpoint_steps": 0,
}


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """How long, how fast, on how much at once.

    Attributes:
        epochs: Passes over the training rows.
        pairs: Bona fide items in a step, over all processes; as many attacks stand beside them.
        accumulate: Parts a step's items are computed in, one after another, where memory is short;
            terms of the loss that compare the items of a batch then see those of a part.
        sampling: ``frames`` uses every row once an epoch, ``videos`` one random row of each video;
            ``shards`` is ``frames`` in an order that reads a pack's tar files from front to back.
        buffer: How many rows of a class ``shards`` holds to draw the next one from; more mixes
            better.
        mix_encodings: Whether rows may be trained on together whose depth or infrared values do
            not mean the same, as those of two data sets seldom do.
        learning_rate: Peak of the schedule for most weights.
        encoder_rate: Factor on it for weights of the encoder.
        router_rate: Factor on it for weights a method names as routers.
        weight_decay: On matrices only.
        warmup: Share of all steps in which the rate rises.
        clip_norm: Largest norm of the gradient.
        ema: Decay of the averaged weights that are evaluated and kept; 0 = none. It wants a run
            of many times 1 / (1 - ema) steps, above all where there is batch norm.
        mixed_precision: ``bf16`` or ``no``; routers, losses and norms are fp32 either way.
        checkpoint_activations: Compute the inside of each block again on the way back instead of
            keeping it: less memory, about a third more time.
        compile: Have torch compile the image tower with what hooks into it: slow to begin with,
            faster later.
        checkpoint_minutes: How often the state is written within an epoch; after each it is anyway.
        checkpoint_steps: Write it after so many steps too; 0 = by the clock alone.
        log_steps: Steps that a line of metrics.jsonl is the mean of.
        tensorboard: Whether to write for TensorBoard too.
    """

    epochs: int = 30
    pairs: int = 10
    accumulate: int = 1
    sampling: str = "frames"
    buffer: int = 4096
    mix_encodings: bool = False
    learning_rate: float = 1e-3
    encoder_rate: float = 1.0
    router_rate: float = 0.5
    weight_decay: float = 0.01
    warmup: float = 0.1
    clip_norm: float = 1.0
    ema: float = 0.0
    mixed_precision: str = "bf16"
    checkpoint_activations: bool = False
    compile: bool = False
    checkpoint_minutes: float = 5.0
    checkpoint_steps: int = 0
    log_steps: int = 50
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for key, least in AT_LEAST.items():
            if getattr(self, key) < least:
                raise BadInput(f"key {key!r} should be at least {least}, not {getattr(self, key)}")
        if not 0 <= self.ema < 1:
            raise BadInput(f"key 'ema' should be at least 0 and less than 1, not {self.ema}")
        if self.pairs % self.accumulate:
            raise BadInput(
                f"key 'accumulate': {self.pairs} pairs cannot be divided into {self.accumulate}"
                " equal parts"
            )
        if self.sampling not in ("frames", "videos", "shards"):
            raise BadInput(
                f"key 'sampling' should be frames, videos or shards, not {self.sampling!r}"
            )
        if self.mixed_precision not in ("bf16", "no"):
            raise BadInput(
                f"key 'mixed_precision' should be bf16 or no, not {self.mixed_precision!r}"
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run."""

    seed: int = 0
    protocol: str = "surf@1"
    encoder: EncoderRecipe = field(default_factory=EncoderRecipe)
    method: MethodRecipe = field(default_factory=MethodRecipe)
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)
