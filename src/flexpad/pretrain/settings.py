"""What a pre-training run is made of; a YAML file of these reproduces it with its seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flexpad import config
from flexpad.encoders.clip import ClipConfig, TowerConfig
from flexpad.pretrain.captions import LENGTH, tokenizer
from flexpad.pretrain.corpus import PART
from flexpad.recipe import Precision
from flexpad.types import BadInput

BUILT_IN = Path(__file__).with_name("clip_nano.yaml")


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """A whole pre-training run.

    Attributes:
        name: What the encoder will be called.
        seed: Of the corpus, the weights and every draw.
        views: Rendered views to learn from.
        held_out: Views of other people to measure with, the first of the corpus.
        steps: Updates of the weights.
        batch: Pairs of view and sentence in a step, each a negative for all others.
        dropped: Share of patches that the vision tower does not see in a step, drawn anew.
        whole: Share of all steps, the last ones, in which it sees every patch.
        learning_rate: Peak of the schedule.
        weight_decay: On matrices only.
        warmup: Share of all steps in which the rate rises.
        clip_norm: Largest norm of the gradient.
        mixed_precision: ``bf16``, ``no`` or ``auto``: bf16 where the hardware multiplies it.
        vision: Tower over patches.
        text: Tower over words.
        joint_width: Length P of the space both end in.
        image_size: Side of the views in pixels.
        patch_size: Side of the patches in pixels.
        stem: How patches are embedded.
    """

    name: str
    seed: int
    views: int
    held_out: int
    steps: int
    batch: int
    dropped: float
    whole: float
    learning_rate: float
    weight_decay: float
    warmup: float
    clip_norm: float
    mixed_precision: Precision
    vision: TowerConfig
    text: TowerConfig
    joint_width: int
    image_size: int
    patch_size: int
    stem: str

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2 or self.views < self.batch:
            raise BadInput("keys 'steps', 'batch' and 'views' should be at least 1, 2 and 'batch'")
        if not 0 <= self.dropped < 1 or not 0 <= self.whole <= 1:
            raise BadInput("keys 'dropped' and 'whole' should be shares, 'dropped' below 1")
        if self.held_out % PART or self.views % PART or self.held_out < PART:
            raise BadInput(f"keys 'views' and 'held_out' should be multiples of {PART}")

    @property
    def clip(self) -> ClipConfig:
        """The towers."""
        return ClipConfig(
            vision=self.vision,
            text=self.text,
            joint_width=self.joint_width,
            image_size=self.image_size,
            patch_size=self.patch_size,
            vocabulary=tokenizer().get_vocab_size(),
            context_length=LENGTH,
            activation="gelu",
            stem=self.stem,
        )


def find(name: str) -> PretrainSettings:
    """Load the settings of ``clip-nano`` or a .yaml file.

    Raises:
        BadInput: There is no such file, or it cannot be used.
    """
    return config.load(PretrainSettings, BUILT_IN if name == "clip-nano" else Path(name))
