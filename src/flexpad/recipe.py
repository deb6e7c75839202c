"""What a training run is made of. Written to the run's folder, so that it can be run again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flexpad.types import CONDITIONS, SINGLE, BadInput, modalities_of


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """The CLIP the method is built on. In YAML the name may stand alone: ``encoder: path/to/dir``.

    Attributes:
        name: ``builtin:...``, a folder, ``owner/name`` on the Hugging Face hub, or
            ``hf-hub:owner/name`` in open_clip's layout there; either may end in ``@revision``.
        trainable: ``all``, ``none`` or ``last_k``.
        image_size: Side of an image in pixels; None = that of the weights. To any other the
            position embeddings are interpolated.
        sha256: What the file of weights has to hash to; None = anything. Of several files it is
            the hash of what ``sha256sum`` prints for them, in the order of their names.
        random: Same size and tokenizer, but random weights, which no file is read for.
    """

    name: str = field(default="builtin:small", metadata={"bare": True})
    trainable: str = "all"
    image_size: int | None = None
    sha256: str | None = None
    random: bool = False

    def __post_init__(self) -> None:
        if self.image_size is not None and self.image_size < 1:
            raise BadInput(f"key 'image_size' should be at least 1, not {self.image_size}")
        if self.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise BadInput(f"key 'sha256' should be 64 digits 0-9 and a-f, not {self.sha256!r}")
        if self.sha256 is not None and self.random:
            raise BadInput("key 'sha256' is of weights, which 'random: true' does not read")


@dataclass(frozen=True, slots=True)
class MethodRecipe:
    """The method and what differs from the ``config.yaml`` in its folder."""

    name: str = field(default="fmm_rpl", metadata={"bare": True})
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


Precision = Literal["auto", "bf16", "no"]


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
        mixed_precision: ``bf16``, ``no``, or ``auto``: bf16 where the hardware multiplies it; a
            run writes down which it was. Routers, losses and norms are fp32 either way.
        checkpoint_activations: Compute the inside of each block again on the way back instead of
            keeping it: less memory, about a third more time.
        keep_features: Compute the frozen part of the encoder once an image and keep it until the
            run is finished; nothing but a mirror may vary images.
        compile: Have torch compile the image tower with what hooks into it: slow to begin with,
            faster later.
        checkpoint_minutes: How often the state is written within an epoch; after each it is anyway.
        checkpoint_steps: Write it after so many steps too; 0 = by the clock alone.
        log_steps: Steps that a line of metrics.jsonl is the mean of.
        tensorboard: Whether to write for TensorBoard too.
        dev_conditions: What dev is judged in after each epoch. R, D and I, which choose the epoch,
            have to be among them; the others cost a pass each where modalities meet in the tower.
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
    mixed_precision: Precision = "auto"
    checkpoint_activations: bool = False
    compile: bool = False
    keep_features: bool = False
    checkpoint_minutes: float = 5.0
    checkpoint_steps: int = 0
    log_steps: int = 50
    tensorboard: bool = False
    dev_conditions: tuple[str, ...] = CONDITIONS

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
        if self.keep_features and self.compile:
            raise BadInput("keys 'keep_features' and 'compile' should not both be true")
        if self.sampling not in ("frames", "videos", "shards"):
            raise BadInput(
                f"key 'sampling' should be frames, videos or shards, not {self.sampling!r}"
            )
        self._check_dev_conditions()

    def _check_dev_conditions(self) -> None:
        for condition in self.dev_conditions:
            modalities_of(condition)
        if not set(SINGLE).issubset(self.dev_conditions):
            raise BadInput("key 'dev_conditions' should have R, D and I, which choose the epoch")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run."""

    seed: int = 0
    protocol: str = "surf@1"
    encoder: EncoderRecipe = field(default_factory=EncoderRecipe)
    method: MethodRecipe = field(default_factory=MethodRecipe)
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)
