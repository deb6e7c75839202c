"""What can be chosen about FMM-RPL; ``config.yaml`` beside this file holds the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flexpad.methods import read_options
from flexpad.methods.fmm_rpl.auxiliary import BALANCES
from flexpad.methods.fmm_rpl.fusion import FUSIONS
from flexpad.methods.fmm_rpl.levels import GLOBAL_POOLS, LOCAL_POOLS, SCORES
from flexpad.methods.fmm_rpl.operations import EXPERTS
from flexpad.methods.fmm_rpl.routers import READINGS, ROUTERS
from flexpad.registry import did_you_mean
from flexpad.types import BadInput

CHOICES = {
    "router": tuple(ROUTERS),
    "router_input": tuple(READINGS),
    "balance": tuple(BALANCES),
    "prompt_mode": ("accumulate", "replace"),
    "rpl_mode": ("R1", "R2"),
    "global_pool": tuple(GLOBAL_POOLS),
    "local": tuple(LOCAL_POOLS),
    "score": tuple(SCORES),
    "fusion": FUSIONS,
}
# Terms of the loss, in the order they are told; those that teach need a label.
TEACHING = ("global", "local", "fusion", "plain_head")
TERMS = (
    "global",
    "local",
    "plain_head",
    "cross_level",
    "cross_modality",
    "fusion",
    "balance",
    "magnitude",
    "modality",
)


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes and choices; ``config.yaml`` says what each means."""

    rank: int
    experts: tuple[str, ...]
    shared_expert: bool
    router: str
    router_input: str
    oracle_experts: tuple[int, int, int]
    top_k: int
    dense_share: float
    descriptor_width: int
    label_share: float
    balance: str
    prompts: int
    visual_prompts: bool
    text_prompts: bool
    image_prompts: bool
    couple: bool
    reinject: bool
    depth: int
    prompt_width: int
    coupling_width: int
    prompt_mode: str
    rpl_mode: str
    tune_class_words: bool
    class_residual: bool
    separate_classes: bool
    learn_scale: bool
    logit_scale: float | None
    global_pool: str
    style_regions: int
    local: str
    local_share: float
    score: str
    temperature: float
    fusion: str
    fusion_width: int
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        for key, known in CHOICES.items():
            if getattr(self, key) not in known:
                raise BadInput(
                    f"key {key!r} should be {' or '.join(known)}, not {getattr(self, key)!r}"
                )
        self._check_counts()
        self._check_experts()
        self._check_prompts()
        self._check_weights()
        if self.logit_scale is not None and self.logit_scale <= 0:
            raise BadInput(f"key 'logit_scale' should be more than 0, not {self.logit_scale}")

    @property
    def has_visual_prompts(self) -> bool:
        """Whether prompts stand among the tokens of an image."""
        return self.visual_prompts and self.prompts > 0

    @property
    def has_text_prompts(self) -> bool:
        """Whether prompts stand among the words of a sentence."""
        return self.text_prompts and self.prompts > 0

    @property
    def reads_images(self) -> bool:
        """Whether visual prompts are read off the image, and not only learned."""
        return self.has_visual_prompts and self.image_prompts

    @property
    def context(self) -> int:
        """How many placeholders a sentence has."""
        return self.prompts if self.has_text_prompts else 0

    def _check_experts(self) -> None:
        for kind in self.experts:
            if kind not in EXPERTS:
                raise BadInput(f"key 'experts': {kind!r} should be one of {', '.join(EXPERTS)}")
        count = len(self.experts)
        if count and not 1 <= self.top_k <= count:
            raise BadInput(f"key 'top_k' should be 1 to {count}, not {self.top_k}")
        if self.router == "oracle" and not all(0 <= own < count for own in self.oracle_experts):
            raise BadInput(
                f"key 'oracle_experts' should be places in the {count} 'experts', counted from 0,"
                f" not {list(self.oracle_experts)}"
            )

    def _check_counts(self) -> None:
        for key, least in (("prompts", 0), ("depth", 1), ("style_regions", 0)):
            if getattr(self, key) < least:
                raise BadInput(f"key {key!r} should be at least {least}, not {getattr(self, key)}")

    def _check_prompts(self) -> None:
        if self.rpl_mode != "R2":
            return
        if not self.prompts:
            raise BadInput("key 'prompts' should be at least 1 with rpl_mode R2")
        for key in ("visual_prompts", "text_prompts", "image_prompts"):
            if not getattr(self, key):
                raise BadInput(f"key {key!r} should be true with rpl_mode R2")

    def _check_weights(self) -> None:
        for term, weight in self.weights.items():
            if term not in TERMS:
                raise BadInput(f"weights: key {term!r} is unknown; {did_you_mean(term, TERMS)}")
            if weight < 0:
                raise BadInput(f"weights: key {term!r} should be at least 0, not {weight}")
        if not any(self.weights[term] for term in TEACHING):
            raise BadInput(
                f"weights: one of {', '.join(TEACHING)} should be more than 0; nothing else"
                " sees the labels"
            )
        if "plain_head" in SCORES[self.score] and not self.weights["plain_head"]:
            raise BadInput(
                f"key 'score': {self.score} wants a plain head; give weights.plain_head more than 0"
            )


def read(given: Mapping[str, Any]) -> Options:
    """Take the defaults and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    return read_options(Options, "fmm_rpl", given)
