"""FMM-RPL: one shared CLIP, experts routed by the image, prompts from image and text.

Every present modality is encoded alone; nothing is imputed and nothing crosses between modalities
before the fusion. So one pass answers every subset, and an absent modality can change nothing.
DOI 10.1007/s11704-026-50892-9. The README of this folder marks what the paper does not state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.class_text import ClassText
from flexpad.components.levels import mean_probability
from flexpad.components.terms import classification
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, TowerConfig
from flexpad.encoders.text import ClassSentences, class_sentences
from flexpad.engine.draws import Draws
from flexpad.methods import Method, unpack
from flexpad.methods.fmm_rpl import loss as terms
from flexpad.methods.fmm_rpl import options
from flexpad.methods.fmm_rpl.auxiliary import BALANCES, magnitude_loss, mean_over_layers
from flexpad.methods.fmm_rpl.experts import Experts
from flexpad.methods.fmm_rpl.fusion import make_fusion
from flexpad.methods.fmm_rpl.levels import (
    GLOBAL_POOLS,
    LOCAL_POOLS,
    SCORES,
    Patches,
    PlainHead,
)
from flexpad.methods.fmm_rpl.options import TERMS, Options
from flexpad.methods.fmm_rpl.passes import TextPass, VisualPass
from flexpad.methods.fmm_rpl.prompts import Prompts
from flexpad.methods.fmm_rpl.routers import UNKNOWN
from flexpad.methods.fmm_rpl.style import StyleJudges
from flexpad.registry import did_you_mean
from flexpad.types import MODALITIES, BadInput, Batch, Evidence

# What routers are told at test of the modality of images, (n,) to (n,).
TOLD: dict[str, Callable[[Tensor], Tensor]] = {
    "withheld": lambda modality: torch.full_like(modality, UNKNOWN),
    "right": lambda modality: modality,
    "wrong": lambda modality: (modality + 1) % len(MODALITIES),
}
Terms = dict[str, Callable[[], Tensor]]


def build(encoder: Encoder, given: Mapping[str, Any]) -> FmmRpl:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit, or the sentences become too long.
    """
    chosen = options.read(given)
    # Prompts of a layer that the tower does not have would be counted as trained, and never seen.
    chosen = replace(chosen, depth=min(chosen.depth, encoder.clip.config.vision.layers))
    sentences = class_sentences(encoder.tokenizer, chosen.context)
    longest, room = sentences.ids.shape[1], encoder.clip.config.context_length
    if longest > room:
        raise BadInput(
            f"options of fmm_rpl: key 'prompts' should be at most {chosen.context - longest + room}"
            f" with this encoder, whose text has room for {room} word pieces"
        )
    if chosen.style_regions > encoder.clip.config.grid:
        raise BadInput(
            f"options of fmm_rpl: key 'style_regions' should be at most {encoder.clip.config.grid}"
            " with this encoder, which has no more patches along a side"
        )
    return FmmRpl(encoder.clip, sentences, chosen)


class FmmRpl(Method):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for.

    Attributes:
        told: What routers are told at test of the modality: ``withheld`` unless
            :meth:`tell_modality` says otherwise.
    """

    encodes_independently = True

    def __init__(self, clip: Clip, sentences: ClassSentences, options: Options) -> None:
        super().__init__()
        sizes = clip.config
        width, text_width = sizes.vision.width, sizes.text.width
        self.options = options
        self.told = "withheld"
        self.clip = clip
        self.experts = Experts(sizes.vision, sizes.grid, options)
        self.prompts = Prompts(width, text_width, options)
        self.image_to_text = nn.Linear(width, text_width) if options.rpl_mode == "R2" else None
        self.class_text = ClassText(
            text_width,
            sentences,
            learns_words=options.tune_class_words,
            joint_width=sizes.joint_width if options.class_residual else None,
            separates=options.separate_classes,
        )
        self.levels = SCORES[options.score]
        self.fusion = make_fusion(
            options.fusion, sizes.joint_width, options.fusion_width, self.levels
        )
        has_head = options.weights["plain_head"] > 0
        self.plain_head = PlainHead(sizes.joint_width) if has_head else None
        self.style = self._style_judges(sizes.vision) if options.style_regions else None
        self._start_scale()

    def _style_judges(self, tower: TowerConfig) -> StyleJudges:
        """Make as many judges as routed experts, which the same description weighs."""
        regions = self.options.style_regions**2
        described = self.options.descriptor_width if self.experts.learns_routing else None
        return StyleJudges(
            self.experts.shallow * 2 * tower.width * regions,
            described,
            judges=max(1, self.experts.routed),
        )

    def _start_scale(self) -> None:
        """Set the factor on cosines as the options want it."""
        scale = self.clip.log_scale
        if self.options.logit_scale is not None:
            with torch.no_grad():
                scale.fill_(math.log(self.options.logit_scale))
        if self.options.learn_scale:
            scale.requires_grad_(True)

    # -- the verbs ---------------------------------------------------------------------------

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Only present images are encoded, packed to (n, 3, H, W)."""
        present, grid = batch.present, self.clip.config.grid
        modality = present.nonzero()[:, 1]
        labels = self._labels(present, modality)
        visual = VisualPass(
            self.experts,
            self.prompts,
            labels,
            self._noise(present),
            modality,
            self.options.style_regions,
        )
        features = self.clip.vision(batch.images[present], visual)
        image = F.normalize(GLOBAL_POOLS[self.options.global_pool](features).float(), dim=-1)
        of_patches = F.normalize(features.patches.float(), dim=-1)
        text = self.text_features(visual.image_prompts)
        patches = Patches(of_patches, text, self._scale())
        answers = {
            "global": (image * patches.direction).sum(dim=-1),
            "local": LOCAL_POOLS[self.options.local](patches, self.options.local_share),
        }
        judged: dict[str, Tensor] = {}
        if self.style is not None:
            judged["style"] = self.style(visual.style(), visual.descriptor)
            answers["global"] = answers["global"] + judged["style"]
        if self.plain_head is not None:
            answers["plain_head"] = self.plain_head(features)
        packed = {
            **answers,
            **judged,
            "text": text.expand(len(image), -1, -1),
            **visual.routing_parts(),
        }
        score = mean_probability([answers[level] for level in self.levels])
        evidence = Evidence(
            logits=unpack(score, present, torch.nan),
            fused=torch.empty(0),
            patches=unpack(patches.odds, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(image, present, 0.0),
            gates=visual.gates(),
            parts={
                **{name: unpack(part, present, 0.0) for name, part in packed.items()},
                "subset": self._subset_draws(present),
            },
        )
        return replace(evidence, fused=self.fuse(evidence, present))

    def fuse(self, evidence: Evidence, present: Tensor) -> Tensor:
        """Answer for a subset of what was encoded, (B, M) bool, at least one True per row."""
        return self.fusion.fuse(evidence, present, self._scale()).score

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Global, local, cross-level, cross-modality, fusion and auxiliary terms, weighed.

        A term of weight 0 is neither computed nor told.
        """
        weights = self.options.weights
        known = self._terms(batch, evidence) | self._routing_terms(evidence, batch.present)
        return {
            name: weights[name] * known[name]() for name in TERMS if name in known and weights[name]
        }

    def before_step(self, done: float, draws: Draws) -> None:
        """Open all experts for the first steps, so that each of them gets a gradient."""
        super().before_step(done, draws)
        self.experts.set_dense(done < self.options.dense_share)

    def is_router(self, parameter: str) -> bool:
        """Routers and the descriptor they read."""
        return parameter.startswith(("experts.routers.", "experts.descriptor."))

    def tell_modality(self, told: str) -> None:
        """Choose what routers are told at test: ``withheld``, ``right`` or ``wrong`` modalities.

        Wrong ones are those of the next modality, so that R is called D, D is called I, I is
        called R. It reaches the answers only through the label table of the descriptor; nothing
        is told of it in a saved model.

        Raises:
            BadInput: It is none of these.
        """
        if told not in TOLD:
            raise BadInput(f"a modality cannot be told {told!r}; {did_you_mean(told, TOLD)}")
        self.told = told

    # -- text -------------------------------------------------------------------------------------

    def text_features(self, image_prompts: Tensor | None) -> Tensor:
        """Class features in the joint space, normalised: (1, 2, P), or (n, 2, P) in mode R2."""
        shift = None
        if self.image_to_text is not None and image_prompts is not None:
            shift = self.image_to_text(image_prompts.float().mean(dim=1))
        passed = TextPass(self.prompts)
        features: Tensor = self.class_text(self.clip.text, self.prompts.context, passed, shift)
        return features

    def train(self, mode: bool = True) -> FmmRpl:
        """Switch mode; dense routing is for training."""
        super().train(mode)
        if not mode:
            self.experts.set_dense(dense=False)
        return self

    # -- inside -----------------------------------------------------------------------------------

    def _labels(self, present: Tensor, modality: Tensor) -> Tensor:
        """Tell the modality of a share of the present images in training, (n,)."""
        if not self.training:
            return TOLD[self.told](modality)
        drawn = self.draws.uniform("modality told", *present.shape).to(present.device)
        unknown = torch.full_like(modality, UNKNOWN)
        return torch.where(drawn[present] < self.options.label_share, modality, unknown)

    def _noise(self, present: Tensor) -> Tensor | None:
        """Make routers explore in training, (n, L, S, E)."""
        tokens = 1 + self.prompts.ahead + self.clip.config.grid**2
        shape = self.experts.noise_shape(tokens)
        if not self.training or shape is None:
            return None
        return self.draws.normal("router noise", *present.shape, *shape).to(present.device)[present]

    def _subset_draws(self, present: Tensor) -> Tensor:
        """Draw which subset of an item trains the fusion, (B,); in evaluation all of it."""
        if not self.training:
            return torch.zeros(len(present), device=present.device)
        return self.draws.uniform("fused subset", len(present)).to(present.device)

    def _scale(self) -> Tensor:
        return self.clip.log_scale.float().exp()

    def _terms(self, batch: Batch, evidence: Evidence) -> Terms:
        """Terms on the answers, unweighed, each computed when it is called."""
        present, parts = batch.present, evidence.parts
        item = present.nonzero()[:, 0]
        target = batch.target[item]
        found: Terms = {
            "global": lambda: classification(parts["global"][present], target),
            "local": lambda: classification(parts["local"][present], target),
            "plain_head": lambda: classification(parts["plain_head"][present], target),
            "cross_level": lambda: terms.agreement(
                parts["global"][present], parts["local"][present]
            ),
            "cross_modality": lambda: terms.shared_cues(
                evidence.embeddings[present], target, item, self.options.temperature
            ),
            "fusion": lambda: self._fusion_term(batch, evidence),
        }
        return found

    def _fusion_term(self, batch: Batch, evidence: Evidence) -> Tensor:
        """Classify items by a drawn subset of their modalities."""
        several = batch.present.sum(dim=1) > 1  # an item with one modality has nothing to fuse
        shown = terms.choose_subsets(batch.present, evidence.parts["subset"])
        fused = self.fusion.fuse(evidence, shown, self._scale()).trained
        if not bool(several.any()):
            return fused.sum() * 0
        return classification(fused[several], batch.target[several])

    def _routing_terms(self, evidence: Evidence, present: Tensor) -> Terms:
        """Terms on routers that learn, unweighed, each computed when it is called."""
        if not self.experts.learns_routing:
            return {}
        modality = present.nonzero()[:, 1]
        gates = evidence.parts["router_gates"][present]
        logits = evidence.parts["router_logits"][present]
        balance = BALANCES[self.options.balance]
        guess = evidence.parts["modality_logits"][present]
        return {
            "balance": lambda: mean_over_layers(balance, gates, logits, modality),
            "magnitude": lambda: mean_over_layers(
                lambda routing, _: magnitude_loss(routing), gates, logits, modality
            ),
            "modality": lambda: F.cross_entropy(guess, modality),
        }
