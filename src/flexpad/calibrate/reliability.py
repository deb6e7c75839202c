"""How far a number that claims to be a probability is one: ECE, Brier score, reliability bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.calibrate.probability import PRIOR
from flexpad.metrics import Presentations
from flexpad.metrics.presentations import Floats

BINS = 15
NOT_A_PROBABILITY = "the scores are no probabilities: some lie outside [0, 1]"


@dataclass(frozen=True, slots=True)
class Bin:
    """The presentations whose probability falls between two edges.

    Attributes:
        low: Lower edge, inside.
        high: Upper edge, outside but for the last bin's 1.
        n: Presentations in it.
        weight: Their share of all, both classes weighing one half.
        mean: Mean probability claimed, weighted; None if the bin is empty.
        bonafide: Share that is bona fide, weighted; None if the bin is empty.
    """

    low: float
    high: float
    n: int
    weight: float
    mean: float | None
    bonafide: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """What claimed probabilities are worth.

    Attributes:
        ece: Expected calibration error: mean over the bins, by weight, of the distance between the
            probability claimed and the share of bona fides; None if undefined.
        brier: Mean squared distance of the probability from 1 for bona fide and 0 for attack.
        bins: :data:`BINS` of equal width over [0, 1].
        reason: Why there are no figures.
    """

    ece: float | None
    brier: float | None
    bins: tuple[Bin, ...] = ()
    reason: str | None = None


def reliability(bonafide: Floats, attacks: Floats, n_bins: int = BINS) -> Reliability:
    """Hold claimed probabilities of bona fide against what the presentations were.

    The variant: 15 bins of equal width, absolute distance, of the probability of *bona fide* (not
    of whichever class is likelier), both classes weighing one half as in the fit. Source: M. Naeini
    et al., "Obtaining well calibrated probabilities using Bayesian binning" (2015); G. Brier,
    Monthly Weather Review 78 (1950) 1-3.

    Args:
        bonafide: Probabilities of answered bona fide presentations (S_bonafide,).
        attacks: Of answered attacks (S_attack,).
        n_bins: How many bins.
    """
    if not len(bonafide) or not len(attacks):
        empty = Presentations(bonafide, {}, attacks, 0, {}).undefined
        return Reliability(None, None, reason=empty)
    claimed = np.concatenate([bonafide, attacks])
    if claimed.min() < 0 or claimed.max() > 1:
        return Reliability(None, None, reason=NOT_A_PROBABILITY)
    truth = np.repeat([1.0, 0.0], [len(bonafide), len(attacks)])
    weights = np.repeat(
        [PRIOR / len(bonafide), (1 - PRIOR) / len(attacks)], [len(bonafide), len(attacks)]
    )
    place = np.minimum((claimed * n_bins).astype(np.int64), n_bins - 1)
    counts, weight, mean, share = (
        np.bincount(place, values, n_bins)
        for values in (None, weights, weights * claimed, weights * truth)
    )
    bins = tuple(
        Bin(
            low=b / n_bins,
            high=(b + 1) / n_bins,
            n=int(counts[b]),
            weight=float(weight[b]),
            mean=float(mean[b] / weight[b]) if counts[b] else None,
            bonafide=float(share[b] / weight[b]) if counts[b] else None,
        )
        for b in range(n_bins)
    )
    return Reliability(
        ece=float(np.abs(mean - share).sum()),
        brier=float(np.sum(weights * (claimed - truth) ** 2)),
        bins=bins,
    )
