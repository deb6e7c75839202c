"""FMM-RPL: one shared CLIP, experts routed by the image, prompts from image and text.

Every present modality is encoded alone; nothing is imputed and nothing crosses between modalities
before the fusion. So one pass answers every subset, and an absent modality can change nothing.
DOI 10.1007/s11704-026-50892-9. The README of this folder marks what the paper does not state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.class_text import ClassText
from flexpad.components.terms import classification
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip
from flexpad.encoders.text import ClassSentences, class_sentences
from flexpad.engine.draws import Draws
from flexpad.methods import Method, unpack
from flexpad.methods.fmm_rpl import loss as terms
from flexpad.methods.fmm_rpl import options
from flexpad.methods.fmm_rpl.experts import (
    UNKNOWN,
    Experts,
    Routing,
    balance_loss,
    information_loss,
    magnitude_loss,
)
from flexpad.methods.fmm_rpl.options import Options
from flexpad.methods.fmm_rpl.passes import TextPass, VisualPass
from flexpad.methods.fmm_rpl.prompts import Prompts
from flexpad.types import Batch, Evidence


def build(encoder: Encoder, given: Mapping[str, Any]) -> FmmRpl:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    chosen = options.read(given)
    return FmmRpl(encoder.clip, class_sentences(encoder.tokenizer, chosen.prompts), chosen)


class Fusion(nn.Module):
    """Weighs the present modalities of an item by what their features say."""

    def __init__(self, joint_width: int, inner: int) -> None:
        super().__init__()
        self.inner = nn.Linear(joint_width, inner)
        self.outer = nn.Linear(inner, 1, bias=False)  # one for all would change no weight

    def forward(self, embeddings: Tensor, present: Tensor) -> Tensor:
        """Attend over modalities: (B, M, P) and (B, M) bool to weights (B, M), 0 where absent."""
        importance = self.outer(self.inner(embeddings).tanh()).squeeze(-1)
        weights: Tensor = importance.masked_fill(~present, -torch.inf).softmax(dim=1)
        return weights


class FmmRpl(Method):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    encodes_independently = True

    def __init__(self, clip: Clip, sentences: ClassSentences, options: Options) -> None:
        super().__init__()
        sizes = clip.config
        width, text_width = sizes.vision.width, sizes.text.width
        self.options = options
        self.clip = clip
        self.experts = Experts(
            sizes.vision,
            sizes.grid,
            rank=options.rank,
            routed=options.experts,
            top_k=options.top_k,
            descriptor_width=options.descriptor_width,
        )
        self.prompts = Prompts(
            depth=options.depth,
            count=options.prompts,
            width=width,
            text_width=text_width,
            reader_width=options.prompt_width,
            coupling_width=options.coupling_width,
            accumulate=options.prompt_mode == "accumulate",
        )
        if options.rpl_mode == "R2":
            self.image_to_text = nn.Linear(width, text_width)
        self.class_text = ClassText(text_width, sentences, learns_words=options.tune_class_words)
        self.fusion = Fusion(sizes.joint_width, options.fusion_width)
        if options.learn_scale:
            clip.log_scale.requires_grad_(True)

    # -- the verbs ---------------------------------------------------------------------------

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Only present images are encoded, packed to (n, 3, H, W)."""
        present = batch.present
        visual = VisualPass(self.experts, self.prompts, self._labels(present), self._noise(present))
        features = self.clip.vision(batch.images[present], visual)
        image = F.normalize(features.image.float(), dim=-1)
        patches = F.normalize(features.patches.float(), dim=-1)
        text = self.text_features(visual.image_prompts)
        direction = self._scale() * (text[:, 1] - text[:, 0])  # (n or 1, P)
        of_image = (image * direction).sum(dim=-1)
        of_patches = (patches * direction[:, None]).sum(dim=-1)
        local = self._pool(patches, of_patches, text)
        spread = text.expand(len(image), -1, -1)
        routings = [visual.routings[layer] for layer in range(len(visual.routings))]
        evidence = Evidence(
            logits=unpack(self._combine(of_image, local), present, torch.nan),
            fused=torch.empty(0),
            patches=unpack(of_patches, present, torch.nan).unflatten(
                2, (self.clip.config.grid, self.clip.config.grid)
            ),
            embeddings=unpack(image, present, 0.0),
            gates={f"layer_{i}": routing.gates for i, routing in enumerate(routings)},
            parts={
                "global": unpack(of_image, present, 0.0),
                "local": unpack(local, present, 0.0),
                "text": unpack(spread, present, 0.0),
                "router_logits": unpack(torch.stack([r.logits for r in routings], 1), present, 0.0),
                "modality_logits": unpack(visual.modality_logits.float(), present, 0.0),
                "subset": self._subset_draws(present),
            },
        )
        return replace(evidence, fused=self.fuse(evidence, present))

    def fuse(self, evidence: Evidence, present: Tensor) -> Tensor:
        """Answer for a subset of what was encoded, (B, M) bool, at least one True per row."""
        of_image, local = self._fuse_levels(evidence, present)
        return self._combine(of_image, local)

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Global, local, cross-level, cross-modality, fusion and auxiliary terms, weighed."""
        present, weights = batch.present, self.options.weights
        item = present.nonzero()[:, 0]
        target = batch.target[item]
        of_image, local = evidence.parts["global"][present], evidence.parts["local"][present]
        several = present.sum(dim=1) > 1  # an item with one modality has nothing to fuse
        shown = terms.choose_subsets(present, evidence.parts["subset"])
        fused = self._fuse_levels(evidence, shown)[0]
        fusion = classification(fused[several], batch.target[several])
        return {
            "global": classification(of_image, target),
            "local": weights.local * classification(local, target),
            "cross_level": weights.cross_level * terms.agreement(of_image, local),
            "cross_modality": weights.cross_modality
            * terms.shared_cues(
                evidence.embeddings[present], target, item, self.options.temperature
            ),
            "fusion": weights.fusion * (fusion if bool(several.any()) else fused.sum() * 0),
            **{
                name: value * getattr(weights, name)
                for name, value in self._routing_terms(evidence, present).items()
            },
        }

    def before_step(self, done: float, draws: Draws) -> None:
        """Open all experts for the first steps, so that each of them gets a gradient."""
        super().before_step(done, draws)
        self.experts.set_dense(done < self.options.dense_share)

    def is_router(self, parameter: str) -> bool:
        """Routers and the descriptor they read."""
        return parameter.startswith(("experts.routers.", "experts.descriptor."))

    # -- text -------------------------------------------------------------------------------------

    def text_features(self, image_prompts: Tensor) -> Tensor:
        """Class features in the joint space, normalised: (1, 2, P), or (n, 2, P) in mode R2."""
        shift = None
        if self.options.rpl_mode == "R2":
            shift = self.image_to_text(image_prompts.float().mean(dim=1))
        context, passed = self.prompts.textual[0], TextPass(self.prompts)
        features: Tensor = self.class_text(self.clip.text, context, passed, shift)
        return features

    def train(self, mode: bool = True) -> FmmRpl:
        """Switch mode; dense routing is for training."""
        super().train(mode)
        if not mode:
            self.experts.set_dense(dense=False)
        return self

    # -- inside -----------------------------------------------------------------------------------

    def _labels(self, present: Tensor) -> Tensor:
        """Tell the modality of a share of the present images in training; never at test, (n,)."""
        modality = present.nonzero()[:, 1]
        unknown = torch.full_like(modality, UNKNOWN)
        if not self.training:
            return unknown
        drawn = self.draws.uniform("modality told", *present.shape).to(present.device)
        return torch.where(drawn[present] < self.options.label_share, modality, unknown)

    def _noise(self, present: Tensor) -> Tensor | None:
        """Make routers explore in training, (n, L, E)."""
        if not self.training:
            return None
        sizes = (*present.shape, len(self.experts.routers), self.experts.routed)
        return self.draws.normal("router noise", *sizes).to(present.device)[present]

    def _subset_draws(self, present: Tensor) -> Tensor:
        """Draw which subset of an item trains the fusion, (B,); in evaluation all of it."""
        if not self.training:
            return torch.zeros(len(present), device=present.device)
        return self.draws.uniform("fused subset", len(present)).to(present.device)

    def _scale(self) -> Tensor:
        return self.clip.log_scale.float().exp()

    def _pool(self, patches: Tensor, of_patches: Tensor, text: Tensor) -> Tensor:
        """Turn patch evidence into one log odds an image, without the label, (n,)."""
        if self.options.local == "aligned":  # as FM-CLIP's language-guided patch alignment
            share = of_patches.sigmoid()[..., None]
            nearer = patches + (1 - share) * text[:, None, 0] + share * text[:, None, 1]
            difference = self._scale() * (text[:, 1] - text[:, 0])
            return (nearer * difference[:, None]).sum(dim=-1).mean(dim=1)
        if self.options.local == "attention":  # each class gathers the patches that resemble it
            similar = self._scale() * patches @ text.transpose(1, 2)  # (n, N, 2)
            gathered = similar.softmax(dim=1).transpose(1, 2) @ patches  # (n, 2, P)
            cosine = F.cosine_similarity(gathered, text.expand_as(gathered), dim=-1)
            return self._scale() * (cosine[:, 1] - cosine[:, 0])
        count = max(1, round(self.options.local_share * of_patches.shape[1]))
        clearest = of_patches.abs().topk(count, dim=1).indices
        return of_patches.gather(1, clearest).mean(dim=1)

    def _combine(self, of_image: Tensor, local: Tensor) -> Tensor:
        """Mean of the probabilities that globals and patches give, as log odds."""
        if self.options.score != "both":
            return of_image if self.options.score == "global" else local
        bonafide = torch.logaddexp(F.logsigmoid(of_image), F.logsigmoid(local))
        attack = torch.logaddexp(F.logsigmoid(-of_image), F.logsigmoid(-local))
        return bonafide - attack

    def _fuse_levels(self, evidence: Evidence, present: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse globals and patch evidence of a subset; each (B,) log odds."""
        # What is absent is put to 0 before it is weighed with 0, since 0 * NaN is NaN.
        kept = evidence.embeddings.masked_fill(~present[..., None], 0.0)
        weight = self.fusion(kept, present)
        fused = F.normalize((weight[..., None] * kept).sum(dim=1), dim=-1)
        text = evidence.parts["text"].masked_fill(~present[..., None, None], 0.0)
        text = F.normalize((weight[..., None, None] * text).sum(dim=1), dim=-1)  # (B, 2, P)
        of_image = self._scale() * (fused * (text[:, 1] - text[:, 0])).sum(dim=-1)
        local = (weight * evidence.parts["local"].masked_fill(~present, 0.0)).sum(dim=1)
        return of_image, local

    def _routing_terms(self, evidence: Evidence, present: Tensor) -> dict[str, Tensor]:
        """Terms on the routing, unweighed, mean over layers."""
        modality = present.nonzero()[:, 1]
        logits = evidence.parts["router_logits"][present].unbind(dim=1)
        routings = [
            Routing(gates, of_layer.softmax(dim=-1), of_layer)
            for gates, of_layer in zip(evidence.gates.values(), logits, strict=True)
        ]
        if self.options.balance == "switch":
            balance = [balance_loss(routing) for routing in routings]
        else:
            balance = [information_loss(routing, modality) for routing in routings]
        magnitude = [magnitude_loss(routing) for routing in routings]
        guess = evidence.parts["modality_logits"][present]
        return {
            "balance": torch.stack(balance).mean(),
            "magnitude": torch.stack(magnitude).mean(),
            "modality": F.cross_entropy(guess, modality),
        }
