"""What can be chosen about FMM-RPL; ``config.yaml`` beside this file holds the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexpad import config
from flexpad.methods.fmm_rpl.operations import EXPERTS
from flexpad.types import BadInput


@dataclass(frozen=True, slots=True)
class Weights:
    """Factors on the terms of the loss beside the global one."""

    local: float = 1.0
    cross_level: float = 0.1
    cross_modality: float = 0.1
    fusion: float = 0.5
    balance: float = 0.01
    magnitude: float = 0.001
    modality: float = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes and choices; ``config.yaml`` says what each means."""

    rank: int
    experts: tuple[str, ...]
    top_k: int
    dense_share: float
    descriptor_width: int
    label_share: float
    balance: str
    prompts: int
    depth: int
    prompt_width: int
    coupling_width: int
    prompt_mode: str
    rpl_mode: str
    tune_class_words: bool
    learn_scale: bool
    local: str
    local_share: float
    score: str
    temperature: float
    fusion_width: int
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        choices = {
            "balance": ("switch", "information"),
            "prompt_mode": ("accumulate", "replace"),
            "rpl_mode": ("R1", "R2"),
            "local": ("clearest", "aligned", "attention"),
            "score": ("both", "global", "local"),
        }
        for key, known in choices.items():
            if getattr(self, key) not in known:
                raise BadInput(
                    f"key {key!r} should be {' or '.join(known)}, not {getattr(self, key)!r}"
                )
        for kind in self.experts:
            if kind not in EXPERTS:
                raise BadInput(f"key 'experts': {kind!r} should be one of {', '.join(EXPERTS)}")
        if not 1 <= self.top_k <= len(self.experts):
            raise BadInput(f"key 'top_k' should be 1 to {len(self.experts)}, not {self.top_k}")
        if self.rpl_mode == "R2" and not self.prompts:
            raise BadInput("key 'prompts' should be at least 1 with rpl_mode R2")


def read(given: Mapping[str, Any]) -> Options:
    """Take the defaults and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    defaults = config.read_mapping(Path(__file__).with_name("config.yaml"))
    merged = {**defaults, **given}
    if isinstance(given.get("weights"), Mapping):
        merged["weights"] = {**defaults["weights"], **given["weights"]}
    return config.build(Options, merged, "options of fmm_rpl")
