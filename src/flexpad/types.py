"""The few types everything speaks, and the one error a user ever sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # types.py is below everything and must never load torch
    from torch import Tensor

BONAFIDE = "bonafide"
ATTACK = "attack"
SPLITS = ("train", "dev", "test")


def is_rendered(dataset: str) -> bool:
    """Whether a data set of this name shows rendered faces rather than people."""
    return dataset.startswith("synth")


class BadInput(ValueError):  # noqa: N818 - it names what happened, and the CLI prints it as one line
    """Something the user gave cannot be used.

    The message is one line that names the file, the row or the key, and what to do. The command
    line prints it without a traceback and ends with exit code 2.
    """


class Modality(StrEnum):
    """A kind of image. The order RGB, depth, IR holds wherever there is an axis M."""

    RGB = "rgb"
    DEPTH = "depth"
    IR = "ir"

    @property
    def letter(self) -> str:
        """Its letter in the name of a condition: R, D or I."""
        return self.value[0].upper()


MODALITIES = tuple(Modality)
CONDITIONS = ("R", "D", "I", "RD", "RI", "DI", "RDI")
SINGLE = CONDITIONS[: len(MODALITIES)]  # the view of the FMM-RPL paper's Table 1
FUSED = CONDITIONS[len(MODALITIES) :]  # those with several modalities to put together


def condition_of(modalities: Iterable[Modality]) -> str:
    """Name the condition that shows a model these modalities.

    Raises:
        BadInput: There are none; a model that sees nothing has nothing to say.

    >>> condition_of([Modality.IR, Modality.RGB])
    'RI'
    """
    chosen = set(modalities)
    if not chosen:
        raise BadInput(f"no modality is given; give at least one of {', '.join(MODALITIES)}")
    return "".join(modality.letter for modality in MODALITIES if modality in chosen)


def modalities_of(condition: str) -> tuple[Modality, ...]:
    """List the modalities a condition shows, in the order RGB, depth, IR.

    Raises:
        BadInput: The condition is none of R, D, I, RD, RI, DI, RDI.

    >>> [m.value for m in modalities_of("RI")]
    ['rgb', 'ir']
    """
    if condition not in CONDITIONS:
        raise BadInput(f"condition {condition!r} is unknown; choose from {', '.join(CONDITIONS)}")
    return tuple(modality for modality in MODALITIES if modality.letter in condition)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a method is given.

    Attributes:
        images: Normalised images, (B, M, 3, H, W). What stands where a modality is absent is
            never read.
        present: Which modalities an item has, (B, M) bool, at least one True per row.
        target: 1 for bona fide, 0 for attack, (B,) int64.
        ids: The sample_id of each item, B of them.
    """

    images: Tensor
    present: Tensor
    target: Tensor
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a method returns. Every logit is log-odds of bona fide against attack.

    Attributes:
        logits: One score logit per modality, (B, M); NaN where absent.
        fused: The score logit of all present modalities together, (B,).
        patches: Patch evidence, (B, M, h, w) logits; NaN where absent.
        embeddings: Global features, (B, M, P); zero where absent.
        gates: Router gates by name, (n, E) for the n present images in row-major (B, M) order.
        parts: Whatever else the method's own loss or fusion needs, by name, each (B, ...): what is
            said of items can be put together over processes, a mean over a batch cannot.
    """

    logits: Tensor
    fused: Tensor
    patches: Tensor
    embeddings: Tensor
    gates: Mapping[str, Tensor] = field(default_factory=dict)
    parts: Mapping[str, Tensor] = field(default_factory=dict)


class Outcome(StrEnum):
    """What a decision says about one presentation."""

    BONAFIDE = "bona fide"
    ATTACK = "attack"
    NO_RESPONSE = "no response"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one presentation. An attack is an answer, never an exception.

    Attributes:
        outcome: Bona fide iff ``score >= threshold``; no response where there is no score.
        score: In [0, 1], higher = more bona fide; None without a response.
        threshold: What the score was held against.
        operating_point: Where the threshold comes from, e.g. ``eer@dev``.
        condition: The modalities that were seen, e.g. ``RI``.
        reason: One sentence a person can read.
        probability: Of bona fide, where the scores were calibrated and a presentation is as likely
            an attack as not. It stands beside the score and decides nothing.
    """

    outcome: Outcome
    score: float | None
    threshold: float | None
    operating_point: str | None
    condition: str | None
    reason: str
    probability: float | None = None
