"""One pass through a tower: the hooks by which FMM-RPL reaches into CLIP."""

from __future__ import annotations

from torch import Tensor

from flexpad.methods.fmm_rpl.experts import Experts, Routing
from flexpad.methods.fmm_rpl.prompts import Prompts


class VisualPass:
    """One pass through the vision tower; the hook that puts experts and prompts into it.

    Attributes:
        image_prompts: Read off each image, (n, V, D).
        modality_logits: Guess of the modality, (n, 3).
        routings: Where each layer sent the images; a layer that is computed twice, to save memory,
            sends them to the same.
    """

    image_prompts: Tensor
    modality_logits: Tensor

    def __init__(
        self, experts: Experts, prompts: Prompts, labels: Tensor, noise: Tensor | None
    ) -> None:
        self.experts = experts
        self.prompts = prompts
        self.labels = labels
        self.noise = noise
        self.routings: dict[int, Routing] = {}

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Describe the images and read prompts off them."""
        self.descriptor, self.modality_logits = self.experts.descriptor(tokens[:, 1:], self.labels)
        self.image_prompts = self.prompts.of_image(patches)

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Put in or add to the visual prompts."""
        return self.prompts.add_visual(tokens, layer, self.image_prompts)

    def beside(self, layer: int, normed: Tensor) -> Tensor:
        """Run the mixture of experts parallel to the MLP."""
        noise = None if self.noise is None else self.noise[:, layer]
        added, routing = self.experts.forward(layer, normed, self.descriptor, noise)
        self.routings[layer] = routing
        return added


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
