"""What a method says of a batch in each condition."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from flexpad.data.loader import restrict
from flexpad.methods import Method
from flexpad.types import MODALITIES, Batch, modalities_of

BATCH = 32  # items that are judged at once


@torch.no_grad()
def answer(method: Method, batch: Batch, conditions: Sequence[str]) -> dict[str, Tensor]:
    """Give score logits, higher = more bona fide, per condition.

    A method that encodes modalities independently encodes each image once and answers every
    condition from that. A condition is what a model is allowed to see: an item without depth is
    judged by its RGB alone under RD, and not at all under D.

    Args:
        method: In evaluation mode.
        batch: With all that is present.
        conditions: E.g. ``R``, ``RDI``.

    Returns:
        (B,) float64 logits a condition, NaN where nothing the condition allows is present.
    """
    everything = method(batch) if method.encodes_independently else None
    answers: dict[str, Tensor] = {}
    for condition in conditions:
        allowed = [modality in modalities_of(condition) for modality in MODALITIES]
        shown = restrict(batch, allowed)
        judged = shown.present.any(dim=1)
        # A row has to show something to be encoded; what a blind row answers is struck out below.
        visible = torch.where(judged[:, None], shown.present, batch.present)
        if everything is not None:
            logits = method.fuse(everything, visible)
        else:
            logits = method(Batch(batch.images, visible, batch.target, batch.ids)).fused
        answers[condition] = logits.double().masked_fill(~judged, torch.nan)
    return answers
