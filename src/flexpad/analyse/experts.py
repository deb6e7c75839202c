"""Which experts were used: by modality, by bona fide or species, and by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from flexpad.analyse.features import BONAFIDE_KIND, Answers
from flexpad.types import MODALITIES

Json = dict[str, Any]

ALL = "all"


def expert_usage(test: Answers) -> Json | None:
    """Average the gates of each modality's images, of all of them and of each kind alone.

    Args:
        test: Answers of a method; without gates there is nothing to say.

    Returns:
        ``layers``, and ``usage`` by modality and kind: ``n`` images and ``share`` (L, E), whose
        lines sum to what the gates of an image do.
    """
    if test.gates is None:
        return None
    kinds = test.features.kinds
    usage: Json = {}
    for place, modality in enumerate(MODALITIES):
        here = test.features.modality == place
        if not here.any():
            continue
        groups = {ALL: here} | {kind: here & (kinds == kind) for kind in ordered(kinds[here])}
        usage[str(modality)] = {
            kind: {
                "n": int(chosen.sum()),
                "share": test.gates[chosen].mean(axis=0, dtype=np.float64).tolist(),
            }
            for kind, chosen in groups.items()
        }
    return {"layers": list(test.layers), "usage": usage}


def ordered(kinds: np.ndarray[Any, Any]) -> list[str]:
    """The different kinds: bona fide first, then species by name."""
    return sorted(set(kinds.tolist()), key=lambda kind: (kind != BONAFIDE_KIND, kind))
