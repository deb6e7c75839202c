"""Items to look at, chosen by a rule and not by their looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexpad.analyse.experts import ordered
from flexpad.analyse.features import BONAFIDE_KIND, Answers, Floats32, items_of
from flexpad.checkpoint import Model
from flexpad.data.transforms import CLIP_MEAN, CLIP_STD
from flexpad.types import MODALITIES, BadInput, Modality

Json = dict[str, Any]

RULE = (
    "of each kind the item with the median score among those with the most modalities;"
    " of an even number the lower of the middle two, of equal scores the first sample_id"
)


@dataclass(frozen=True, slots=True)
class View:
    """An image as the model saw it, and what its patches say.

    Attributes:
        pixels: (H, W, 3) in [0, 1].
        patches: Log odds of bona fide, (h, w).
    """

    pixels: Floats32
    patches: Floats32


@dataclass(frozen=True, slots=True)
class Example:
    """An item that stands for its kind.

    Attributes:
        kind: ``bona fide`` or a species.
        sample_id: The item.
        score: Its score by all it has.
        of: How many items the choice was among.
        views: What is present of it.
    """

    kind: str
    sample_id: str
    score: float
    of: int
    views: dict[Modality, View]


def median_place(
    scores: NDArray[np.float64], names: Sequence[str], modalities: NDArray[np.int64]
) -> tuple[int, int] | None:
    """Choose an item by :data:`RULE`.

    Args:
        scores: NaN = no response, which is never chosen; (S,).
        names: sample_ids, S of them.
        modalities: How many each item has, (S,).

    Returns:
        Its place, and of how many it was chosen; None if none was answered.
    """
    answered = [place for place in range(len(scores)) if np.isfinite(scores[place])]
    if not answered:
        return None
    most = max(modalities[place] for place in answered)
    able = [place for place in answered if modalities[place] == most]
    able.sort(key=lambda place: (scores[place], names[place]))
    return able[(len(able) - 1) // 2], len(able)


def examples(model: Model, test: Answers) -> list[Example]:
    """An item for bona fide and one for each species, with images and patch evidence.

    Of a method without patch evidence there are none.
    """
    if not np.isfinite(test.patches).any():
        return []
    rows = list(test.rows)
    kinds = np.array([BONAFIDE_KIND if row.is_bonafide else row.pai_species for row in rows])
    modalities = np.bincount(test.item, minlength=len(rows))
    found = []
    for kind in ordered(kinds):
        places = np.flatnonzero(kinds == kind)
        names = [rows[place].sample_id for place in places]
        chosen = median_place(test.scores[places], names, modalities[places])
        if chosen is not None:
            place, of = int(places[chosen[0]]), chosen[1]
            views = _views(model, test, place)
            score = float(test.scores[place])
            found.append(Example(kind, rows[place].sample_id, score, of, views))
    return found


def described(found: Sequence[Example]) -> Json:
    """What analysis.json says of the examples."""
    return {
        "rule": RULE,
        "items": [
            {
                "kind": one.kind,
                "sample_id": one.sample_id,
                "score": one.score,
                "chosen_of": one.of,
                "evidence": {
                    str(modality): {
                        "mean": float(view.patches.mean()),
                        "lowest": float(view.patches.min()),
                        "highest": float(view.patches.max()),
                    }
                    for modality, view in one.views.items()
                },
            }
            for one in found
        ],
    }


def _views(model: Model, test: Answers, place: int) -> dict[Modality, View]:
    item = items_of(model, test.rows)[place]
    if isinstance(item, BadInput):  # pragma: no cover - it was readable a moment ago
        raise item
    views = {}
    for image in np.flatnonzero(test.item == place):
        index = int(test.features.modality[image])
        pixels = item.images[index].numpy().transpose(1, 2, 0) * CLIP_STD + CLIP_MEAN
        views[MODALITIES[index]] = View(pixels.clip(0, 1), test.patches[image])
    return views
