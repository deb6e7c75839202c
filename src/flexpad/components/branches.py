"""A tower of its own for every modality."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from flexpad.encoders.clip import VisionFeatures, VisionTower
from flexpad.engine import processes
from flexpad.types import MODALITIES, BadInput


class Branches(nn.ModuleDict):
    """Copies of an encoder's image tower, one for every modality but the first.

    The first is served by the tower itself, which stays in the encoder, so that no weight has two
    names. A copy begins with the tower's weights, and what is frozen there is frozen in it.

    Args:
        tower: Of the encoder; its ``requires_grad`` flags are set.

    Raises:
        BadInput: Batch norms that are trained would have to be shared by processes on GPUs, of
            which one may have no image of a modality and would leave the others waiting.
    """

    def __init__(self, tower: VisionTower) -> None:
        if processes.count() > 1 and not processes.on_cpu() and _trains_batch_norm(tower):
            raise BadInput(
                "a branch a modality with batch norm that is trained cannot be shared by processes"
                " on GPUs; train on one process, choose 'encoder.trainable' so that the stem is"
                " frozen, or an encoder whose stem is linear"
            )
        super().__init__({modality.value: deepcopy(tower) for modality in MODALITIES[1:]})

    def copies(self) -> tuple[VisionTower, ...]:
        """List the copies in the order of their modalities."""
        return tuple(tower for tower in self.values() if isinstance(tower, VisionTower))

    def ask(
        self,
        first: VisionTower,
        question: Callable[[VisionTower, Tensor], Tensor],
        given: Tensor,
        present: Tensor,
    ) -> Tensor:
        """Ask the branch of each modality about what is present of it.

        Args:
            first: The tower of the encoder.
            question: Takes a tower and something of n images, and gives (n, ...).
            given: Something of every image, (B, M, ...); what is absent is never read.
            present: (B, M) bool, at least one True.

        Returns:
            (B, M, ...), 0 where absent.
        """
        of_modality = [given[present[:, place], place] for place in range(present.shape[1])]
        packed = torch.cat(
            [
                question(tower, shown)
                for tower, shown in zip((first, *self.copies()), of_modality, strict=True)
                if len(shown)
            ]
        )
        answers = packed.new_zeros(*present.T.shape, *packed.shape[1:])
        answers[present.T] = packed
        return answers.transpose(0, 1)


def _trains_batch_norm(tower: VisionTower) -> bool:
    return any(
        isinstance(part, nn.BatchNorm2d) and part.weight.requires_grad for part in tower.modules()
    )


def joined(features: VisionFeatures) -> Tensor:
    """Put the features of n images into one tensor, that of the image first, (n, 1 + N, P)."""
    return torch.cat([features.image[:, None], features.patches], dim=1)
