"""One pass through a tower: the hooks by which FMM-RPL reaches into CLIP."""

from __future__ import annotations

import torch
from torch import Tensor

from flexpad.methods.fmm_rpl.experts import Experts
from flexpad.methods.fmm_rpl.prompts import Prompts
from flexpad.methods.fmm_rpl.routers import Clues, Routing
from flexpad.methods.fmm_rpl.style import region_statistics


class VisualPass:
    """One pass through the vision tower; the hook that puts experts and prompts into it.

    Args:
        experts: What stands beside the MLPs.
        prompts: What is put behind the class token.
        labels: The modality each image is said to be of, see :class:`ModalityDescriptor`, (n,).
        noise: For routers to explore by, (n, L, S, E); None in evaluation.
        modality: The true one, (n,), for a router that is told; by default the labels.
        style_regions: Regions along a side of an image whose channel statistics are kept, R; with 0
            there are none.

    Attributes:
        image_prompts: Read off each image, (n, V, D); None if none are.
        modality_logits: Guess of the modality, (n, 3); None if nothing guesses.
        routings: Where each layer sent the images; a layer that is computed twice, to save memory,
            sends them to the same.
    """

    image_prompts: Tensor | None
    modality_logits: Tensor | None

    def __init__(
        self,
        experts: Experts,
        prompts: Prompts,
        labels: Tensor,
        noise: Tensor | None,
        modality: Tensor | None = None,
        style_regions: int = 0,
    ) -> None:
        self.experts = experts
        self.prompts = prompts
        self.labels = labels
        self.noise = noise
        self.modality = labels if modality is None else modality
        self.style_regions = style_regions
        self.routings: dict[int, Routing] = {}
        self._style: dict[int, Tensor] = {}

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Describe the images and read prompts off them."""
        self._read_style(0, patches)
        self.descriptor, self.modality_logits = self.experts.describe(tokens[:, 1:], self.labels)
        self.image_prompts = self.prompts.read(patches)

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Put in or add to the visual prompts."""
        if 0 < layer < self.experts.shallow:
            self._read_style(layer, tokens[:, -(self.experts.grid**2) :])
        return self.prompts.add_visual(tokens, layer, self.image_prompts)

    def beside(self, layer: int, normed: Tensor) -> Tensor | None:
        """Run the mixture of experts parallel to the MLP."""
        noise = None if self.noise is None else self.noise[:, layer]
        clues = Clues(self.descriptor, self.modality, noise)
        added, routing = self.experts.forward(layer, normed, clues)
        self.routings[layer] = routing
        return added

    def gates(self) -> dict[str, Tensor]:
        """Give the gates of each layer by name, mean over an image's decisions, (n, E)."""
        if not self.experts.routed:
            return {}
        return {
            f"layer_{layer}": self.routings[layer].gates.mean(dim=1)
            for layer in range(len(self.routings))
        }

    def style(self) -> Tensor:
        """Give the statistics of all regions in the shallow layers, (n, S).

        Those of the first layer are read before class token, positions and norm are there.
        """
        return torch.cat([self._style[layer].flatten(1) for layer in sorted(self._style)], dim=1)

    def _read_style(self, layer: int, patches: Tensor) -> None:
        if self.style_regions:
            self._style[layer] = region_statistics(patches, self.experts.grid, self.style_regions)

    def routing_parts(self) -> dict[str, Tensor]:
        """Give what the loss asks of the routing, by name, each (n, ...); gates (n, L, S, E)."""
        parts: dict[str, Tensor] = {}
        if self.experts.routed:
            routings = [self.routings[layer] for layer in range(len(self.routings))]
            parts["router_logits"] = torch.stack([routing.logits for routing in routings], 1)
            parts["router_gates"] = torch.stack([routing.gates for routing in routings], 1)
        if self.modality_logits is not None:
            parts["modality_logits"] = self.modality_logits.float()
        return parts


class TextPass:
    """One pass through the text tower; the hook that adds context over its layers."""

    def __init__(self, prompts: Prompts) -> None:
        self.prompts = prompts

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Do nothing; a text tower has no patches."""

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Add to the context."""
        return self.prompts.add_textual(tokens, layer)

    def beside(self, layer: int, normed: Tensor) -> None:  # noqa: ARG002 - nothing stands there
        """Add nothing; the experts are visual."""
        return
