"""One pass through a tower: the hooks by which FMM-RPL reaches into CLIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from flexpad.methods.fmm_rpl.experts import Routing

if TYPE_CHECKING:  # the method makes its passes
    from flexpad.methods.fmm_rpl.model import FmmRpl


class VisualPass:
    """One pass through the vision tower; the hook that puts experts and prompts into it.

    Attributes:
        image_prompts: Read off each image, (n, V, D).
        modality_logits: Guess of the modality, (n, 3).
        routings: Where each layer sent the images.
    """

    image_prompts: Tensor
    modality_logits: Tensor

    def __init__(self, method: FmmRpl, labels: Tensor) -> None:
        self.method = method
        self.labels = labels
        self.routings: list[Routing] = []

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Describe the images and read prompts off them."""
        self.descriptor, self.modality_logits = self.method.descriptor(tokens[:, 1:], self.labels)
        self.image_prompts = self.method.image_prompts(patches)

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Put in or add to the visual prompts."""
        if not self.method.options.prompts:
            return tokens
        return self.method.prompts.add_visual(
            tokens, layer, self.image_prompts, accumulate=self.method.accumulate
        )

    def beside(self, layer: int, normed: Tensor) -> Tensor:
        """Run the mixture of experts parallel to the MLP."""
        patches = normed[:, -self.method.clip.vision.patch_count :]
        routing = self.method.routers[layer](patches, self.descriptor, self.method.top_k)
        self.routings.append(routing)
        return self.method.mixtures[layer](normed, routing.gates)  # type: ignore[no-any-return]


class TextPass:
    """One pass through the text tower; the hook that adds context over its layers."""

    def __init__(self, method: FmmRpl) -> None:
        self.method = method

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Do nothing; a text tower has no patches."""

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Add to the context."""
        return self.method.prompts.add_textual(tokens, layer, accumulate=self.method.accumulate)

    def beside(self, layer: int, normed: Tensor) -> None:  # noqa: ARG002 - nothing stands there
        """Add nothing; the experts are visual."""
        return
