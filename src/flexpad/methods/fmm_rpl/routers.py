"""Which expert gets what: the description of an image, and the ways to route by it.

By default whole images are routed to the best k experts by what their own patch statistics show,
without being told their modality. The other ways are what that is held against. The paper does not
publish its router; all of this is inferred, from the precedents the README of this folder names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.types import MODALITIES

UNKNOWN = len(MODALITIES)  # the modality label of an image whose modality is not told


def patch_statistics(patches: Tensor) -> Tensor:
    """Mean and deviation of each channel over the patches, normalised, (n, N, D) to (n, 2D).

    Channel statistics carry style, and with it the modality (as in CFPL-FAS, CVPR 2024).
    """
    patches = patches.float()
    mean = patches.mean(dim=1, keepdim=True)
    # Not patches.std(dim=1), which on a CPU takes five times as long along this axis.
    variance = (patches - mean).square().sum(dim=1) / (patches.shape[1] - 1)
    deviation = variance.clamp_min(torch.finfo(torch.float32).tiny).sqrt()  # 0 has no gradient
    statistics = torch.cat([mean.squeeze(1), deviation], dim=-1)
    return F.layer_norm(statistics, statistics.shape[-1:])


class Reading(NamedTuple):
    """What of the tokens a router reads, and so how many decisions it takes for an image.

    Attributes:
        of: Gives features (n, S, F) of tokens (n, T, D), the last N of which are patches.
        widths: F in multiples of D.
        per_token: Whether S is T, a decision for each token, rather than 1.
    """

    of: Callable[[Tensor, int], Tensor]
    widths: int
    per_token: bool = False


def _of_statistics(tokens: Tensor, patches: int) -> Tensor:
    return patch_statistics(tokens[:, -patches:])[:, None]


def _of_class_token(tokens: Tensor, _: int) -> Tensor:
    return _of_every_token(tokens[:, :1], 0)


def _of_every_token(tokens: Tensor, _: int) -> Tensor:
    return F.layer_norm(tokens.float(), tokens.shape[-1:])


READINGS = {
    "statistics": Reading(_of_statistics, widths=2),
    "class_token": Reading(_of_class_token, widths=1),
    "token": Reading(_of_every_token, widths=1, per_token=True),
}


class ModalityDescriptor(nn.Module):
    """Says, once an image, what kind of image it seems to be."""

    def __init__(self, width: int, descriptor_width: int) -> None:
        super().__init__()
        self.describe = nn.Linear(2 * width, descriptor_width)
        self.modality = nn.Linear(descriptor_width, len(MODALITIES))
        self.label = nn.Embedding(len(MODALITIES) + 1, descriptor_width)
        nn.init.zeros_(self.label.weight)

    def forward(self, patches: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Describe images.

        Args:
            patches: Patches on their way into the first block, (n, N, D).
            labels: Place of the modality in R, D, I, or :data:`UNKNOWN`, (n,) int64.

        Returns:
            The descriptor (n, d) and the logits of the modality it was guessed from, (n, 3), which
            do not depend on the labels.
        """
        with torch.autocast(patches.device.type, enabled=False):
            described = F.gelu(self.describe(patch_statistics(patches)))
            return described + self.label(labels), self.modality(described)


class Clues(NamedTuple):
    """What a router may go by beside the tokens of its layer.

    Attributes:
        descriptor: Of a :class:`ModalityDescriptor`, (n, d); None where there is none.
        modality: Place of the true modality in R, D, I, (n,) int64; only the oracle looks.
        noise: Standard normal, (n, S, E), to explore in training; None in evaluation.
    """

    descriptor: Tensor | None
    modality: Tensor
    noise: Tensor | None


class Routing(NamedTuple):
    """Where one layer sends n images, in S decisions each: one, or one for every token.

    Attributes:
        gates: Weight of each routed expert, (n, S, E); rows sum to 1.
        probabilities: What the gates were chosen from, of the same shape.
        logits: Before softmax; of a router that does not learn the logarithms of its gates.
    """

    gates: Tensor
    probabilities: Tensor
    logits: Tensor


def to_best(logits: Tensor, top_k: int) -> Routing:
    """Open the best k experts by logits (..., E), weighed by their probabilities, renormalised."""
    probabilities = logits.softmax(dim=-1)
    chosen = probabilities.topk(top_k, dim=-1).indices
    kept = torch.zeros_like(probabilities).scatter(-1, chosen, 1.0) * probabilities
    return Routing(kept / kept.sum(dim=-1, keepdim=True), probabilities, logits)


class RouterShape(NamedTuple):
    """What the router of a layer is made of.

    Attributes:
        width: Of tokens, D.
        patches: How many of an image's tokens are patches, N.
        experts: How many there are to choose from, E.
        descriptor_width: d.
        reading: What of the tokens it goes by.
        owners: Which expert R, D and I own, for the oracle.
    """

    width: int
    patches: int
    experts: int
    descriptor_width: int
    reading: Reading
    owners: tuple[int, ...]


class LearnedRouter(nn.Module):
    """Chooses by what it has learned to see in the tokens and in the descriptor."""

    learns = True

    def __init__(self, shape: RouterShape) -> None:
        super().__init__()
        self.read, self.patches = shape.reading.of, shape.patches
        self.gate = nn.Linear(shape.reading.widths * shape.width, shape.experts)
        self.gate_descriptor = nn.Linear(shape.descriptor_width, shape.experts, bias=False)

    def forward(self, tokens: Tensor, clues: Clues, top_k: int) -> Routing:
        """Route n images by their tokens (n, T, D) and descriptor, in fp32.

        The noise makes them explore in training, as in V-MoE (Riquelme et al., 2021).
        """
        assert clues.descriptor is not None
        with torch.autocast(tokens.device.type, enabled=False):
            described = self.gate_descriptor(clues.descriptor.float())[:, None]
            logits = self.gate(self.read(tokens, self.patches)) + described
            if clues.noise is not None:
                logits = logits + clues.noise / logits.shape[-1]
            return to_best(logits, top_k)


class RandomRouter(nn.Module):
    """Chooses by weights that stay as they were drawn.

    It is a function of what a learned router reads in the tokens of its layer, and of the seed the
    weights were drawn with, which are saved with the others. The descriptor is left out, because
    what describes images would learn.
    """

    learns = False

    def __init__(self, shape: RouterShape) -> None:
        super().__init__()
        self.read, self.patches = shape.reading.of, shape.patches
        self.gate = nn.Linear(shape.reading.widths * shape.width, shape.experts)
        self.gate.requires_grad_(False)

    def forward(self, tokens: Tensor, clues: Clues, top_k: int) -> Routing:  # noqa: ARG002
        """Route n images by their tokens (n, T, D), in fp32, without noise."""
        with torch.autocast(tokens.device.type, enabled=False):
            return to_best(self.gate(self.read(tokens, self.patches)), top_k)


class OracleRouter(nn.Module):
    """Sends each modality to the expert it owns, whatever the image shows."""

    learns = False
    owners: Tensor

    def __init__(self, shape: RouterShape) -> None:
        super().__init__()
        self.experts = shape.experts
        self.register_buffer("owners", torch.tensor(shape.owners), persistent=False)

    def forward(self, tokens: Tensor, clues: Clues, top_k: int) -> Routing:  # noqa: ARG002
        """Route n images by their true modality."""
        owned = F.one_hot(self.owners[clues.modality], self.experts)
        return _fixed(owned.to(torch.float32)[:, None])


class UniformRouter(nn.Module):
    """Gives every expert the same weight."""

    learns = False

    def __init__(self, shape: RouterShape) -> None:
        super().__init__()
        self.experts = shape.experts

    def forward(self, tokens: Tensor, clues: Clues, top_k: int) -> Routing:  # noqa: ARG002
        """Route n images to all experts alike."""
        share = 1 / self.experts
        return _fixed(torch.full((len(tokens), 1, self.experts), share, device=tokens.device))


class NoRouter(nn.Module):
    """Stands where there are no experts to choose from."""

    learns = False

    def __init__(self, _: RouterShape) -> None:
        super().__init__()

    def forward(self, tokens: Tensor, clues: Clues, top_k: int) -> Routing:  # noqa: ARG002
        """Route n images nowhere."""
        return _fixed(torch.empty(len(tokens), 1, 0, device=tokens.device))


def _fixed(gates: Tensor) -> Routing:
    return Routing(gates, gates, gates.log())


Router = LearnedRouter | RandomRouter | OracleRouter | UniformRouter | NoRouter
ROUTERS: dict[str, type[Router]] = {
    "learned": LearnedRouter,
    "random": RandomRouter,
    "oracle": OracleRouter,
    "uniform": UniformRouter,
}
