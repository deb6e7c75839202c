"""Points of a DET curve, as many as an eye can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.special import ndtri

from flexpad.metrics.curve import ApcerKind, apcer_groups, candidate_thresholds, worst_apcer
from flexpad.metrics.presentations import SILENT_SPECIES, Floats, Presentations
from flexpad.types import BadInput

STEPS = 100  # points closer than 1 / STEPS on both probit axes are drawn as one


@dataclass(frozen=True, slots=True)
class DetPoints:
    """A detection error trade-off curve, by rising threshold.

    Attributes:
        thresholds: (P,), the last one +inf.
        apcer: (P,) falling to 0.
        bpcer: (P,) rising from 0.
        smallest_apcer: Half an error of the largest species: where a rate of 0 is drawn.
        smallest_bpcer: Half an error of the bona fides.
        reason: Why there are no points.
    """

    thresholds: Floats
    apcer: Floats
    bpcer: Floats
    smallest_apcer: float | None
    smallest_bpcer: float | None
    reason: str | None = None

    def clamped(self) -> tuple[Floats, Floats]:
        """APCER and BPCER with 0 and 1 moved by half an error, for probit axes only, (P,) each."""
        low_a, low_b = self.smallest_apcer or 0.0, self.smallest_bpcer or 0.0
        return np.clip(self.apcer, low_a, 1 - low_a), np.clip(self.bpcer, low_b, 1 - low_b)


def det_points(items: Presentations, of: str = "max") -> DetPoints:
    """BPCER against the APCER of the worst species, of all attacks in one pool or of one species.

    Args:
        items: The presentations of one condition.
        of: ``max``, ``pooled`` or the name of a PAI species.

    Returns:
        The points that differ on probit axes; each is exact, and between two neighbours on the
        whole curve none is left out that lies further than 1 / :data:`STEPS` from both.

    Raises:
        BadInput: There is no such species.
    """
    if of not in ("max", "pooled", *items.attacks):
        raise BadInput(f"there is no PAI species {of!r}; known: {', '.join(items.attacks)}")
    groups = (
        [items.attacks[of]] if of in items.attacks else apcer_groups(items, cast(ApcerKind, of))
    )
    reason = items.undefined
    if not reason and not all(len(scores) for scores in groups):
        reason = SILENT_SPECIES if of == "max" else f"no {of} was answered"
    if reason:
        nothing = np.empty(0)
        return DetPoints(nothing, nothing, nothing, None, None, reason)
    thresholds = candidate_thresholds(items)
    apcer = worst_apcer(groups, thresholds)
    bpcer = np.searchsorted(items.bonafide, thresholds, "left") / len(items.bonafide)
    half_attack = 0.5 / max(len(scores) for scores in groups)  # below every rate but 0
    whole = DetPoints(thresholds, apcer, bpcer, half_attack, 0.5 / len(items.bonafide))
    return _thinned(whole)


def _thinned(points: DetPoints) -> DetPoints:
    turn = np.zeros(len(points.thresholds) - 1, dtype=np.bool_)
    for rate in points.clamped():
        cell = np.rint(ndtri(rate) * STEPS)
        turn |= cell[1:] != cell[:-1]
    first, last = np.append(True, turn), np.append(turn, True)  # both ends of every run
    chosen = first | last
    return DetPoints(
        points.thresholds[chosen],
        points.apcer[chosen],
        points.bpcer[chosen],
        points.smallest_apcer,
        points.smallest_bpcer,
    )
