"""What a frozen encoder can tell: a linear head on its features, and nothing else.

The encoder is frozen whatever the recipe says, so that its features can be kept. They differ in
scale by orders of magnitude; each is standardised by the training images before the head, as in the
linear probes of He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, VisionFeatures, set_trainable
from flexpad.methods import IndependentMethod, read_options, unpack
from flexpad.types import BadInput, Batch, Evidence

FEATURES = ("class", "mean", "deviation")


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; ``config.yaml`` says what it means."""

    features: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.features:
            if name not in FEATURES:
                raise BadInput(f"key 'features': {name!r} should be one of {', '.join(FEATURES)}")
        if not self.features or len(set(self.features)) < len(self.features):
            raise BadInput(f"key 'features' should name some of {', '.join(FEATURES)}, each once")


def build(encoder: Encoder, given: Mapping[str, Any]) -> LinearProbe:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    options = read_options(Options, "linear_probe", given)
    return LinearProbe(encoder.clip, options)


class LinearProbe(IndependentMethod):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    reaches_into_tower = False

    def __init__(self, clip: Clip, options: Options) -> None:
        super().__init__()
        self.clip = clip
        set_trainable(clip, "none")
        self.features = options.features
        width = len(options.features) * clip.config.joint_width
        # Features stay what they are, so that the mean over all batches is the mean of all images.
        self.standardise = nn.BatchNorm1d(width, affine=False, momentum=None)
        self.head = nn.Linear(width, 1)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Only present images are encoded, packed to (n, 3, H, W)."""
        present, grid = batch.present, self.clip.config.grid
        features = self.clip.vision(batch.images[present])
        with torch.autocast(present.device.type, enabled=False):
            standard = self.standardise(self._read(features))
            logits = self.head(standard).squeeze(-1)
            of_patches = logits[:, None] + self._moved(features.patches.float())
        evidence = Evidence(
            logits=unpack(logits, present, torch.nan),
            fused=torch.empty(0),
            patches=unpack(of_patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(F.normalize(features.image.float(), dim=-1), present, 0.0),
        )
        return replace(evidence, fused=self.fuse(evidence, present))

    def _read(self, features: VisionFeatures) -> Tensor:
        """Put what the head reads of n images beside each other, (n, F) in fp32."""
        patches = features.patches.float()
        mean = patches.mean(dim=1)
        variance = (patches - mean[:, None]).square().mean(dim=1)
        said = {"class": features.image.float(), "mean": mean, "deviation": variance.sqrt()}
        return torch.cat([said[name] for name in self.features], dim=1)

    def _moved(self, patches: Tensor) -> Tensor:
        """Say how much the log odds would move if the mean patch were this one, (n, N).

        The mean over patches is 0. Without ``mean`` among the features no patch has a say of its
        own.
        """
        if "mean" not in self.features:
            return patches.new_zeros(patches.shape[:2])
        width = patches.shape[2]
        place = self.features.index("mean") * width
        part = slice(place, place + width)
        scale = (self.standardise.running_var[part] + self.standardise.eps).sqrt()  # type: ignore[index]
        return (patches - patches.mean(dim=1, keepdim=True)) @ (self.head.weight[0, part] / scale)
