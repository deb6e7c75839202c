"""Maps from a score to the probability of a bona fide, one per condition, fitted on dev.

A score means something else with RGB alone than with all three modalities: 0.7 may be strong
evidence in one condition and none in the other. A map makes one number mean the same in all.

**Prior.** The probability presumes that a presentation is as likely an attack as a bona fide: each
class has half of the weight in the fit. How many attacks dev holds was decided by who recorded it
and says nothing about how often a door is attacked, and APCER and BPCER do not depend on it
either. Whoever knows the share ``q`` of bona fides at hand adds ``log(q / (1 - q))`` to the
log-odds.

**Order.** A map never changes which of two scores is higher. Temperature and Platt keep the order
strictly (as far as float64 tells the results apart); isotonic makes neighbours equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from scipy.optimize import brentq, isotonic_regression, minimize
from scipy.special import expit, logit

from flexpad import metrics, score_table
from flexpad.metrics import Presentations
from flexpad.metrics.presentations import Floats
from flexpad.registry import did_you_mean
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

Method = Literal["temperature", "platt", "isotonic"]
Scale = Literal["probability", "logit"]
METHODS: tuple[Method, ...] = get_args(Method)
PRIOR = 0.5
FLAT = 1e-9  # what rises less than this, rises by rounding
HALF_ULP = 2.0**-53  # log-odds of 0 and 1 are infinite; this is as near as 1 - x can be told


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """``1 / (1 + exp(-(slope * z + offset)))`` of the log-odds ``z`` of a score.

    Attributes:
        slope: Above 0; one over the temperature.
        offset: 0 for a temperature.
        scale: ``probability``: scores lie in [0, 1] and ``z`` is their logit. ``logit``: the score
            is ``z`` itself.
    """

    slope: float
    offset: float
    scale: Scale

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities of bona fide (S,) of scores (S,); NaN stays NaN."""
        return expit(self.slope * log_odds(scores, self.scale) + self.offset)


@dataclass(frozen=True, slots=True)
class Steps:
    """A rising line through knots, flat beyond both ends.

    Attributes:
        scores: Of the knots, rising (K,).
        probabilities: At the knots, not falling (K,).
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities of bona fide (S,) of scores (S,); NaN stays NaN."""
        return np.interp(scores, self.scores, self.probabilities)


ScoreMap = Sigmoid | Steps
Vector = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """The maps of every condition, with their origin.

    Attributes:
        method: ``temperature``, ``platt`` or ``isotonic``.
        unit: The unit of the scores they were fitted to.
        maps: By condition.
        table: Name of the score table of dev they come from.
        table_sha256: Of that table.
    """

    method: Method
    unit: str
    maps: Mapping[str, ScoreMap]
    table: str
    table_sha256: str


def fit(
    dev: ScoreTable, method: Method, unit: str, conditions: tuple[str, ...] | None = None
) -> ScoreCalibration:
    """Fit a map for each condition by maximum likelihood, both classes weighing the same.

    The fit knows nothing of subjects or species: an attack is an attack.

    Args:
        dev: Scores of frames.
        method: ``temperature``, ``platt`` or ``isotonic``.
        unit: ``frame`` or ``video``.
        conditions: Those to fit; by default all the table has.

    Raises:
        BadInput: The method is unknown, or in some condition a class is missing or no rising map
            fits, as the scores are constant or the wrong way round.
    """
    if method not in METHODS:
        raise BadInput(f"calibration {method!r} is unknown; {did_you_mean(method, METHODS)}")
    table = score_table.per_unit(dev, unit)
    wanted = conditions if conditions is not None else table.conditions
    items = {name: metrics.of_table(table.condition(name)) for name in wanted}
    scale: Scale = "probability" if all(map(are_probabilities, items.values())) else "logit"
    maps = {}
    for name, presented in items.items():
        found = None if presented.undefined else _fit_one(presented, method, scale)
        if found is None:
            lack = presented.undefined or "the scores do not rise with bona fides; check polarity"
            raise BadInput(
                f"{table.name}: condition {name} cannot be calibrated: {lack}, or use"
                " calibration none"
            )
        maps[name] = found
    return ScoreCalibration(method, unit, maps, Path(dev.name).name, dev.sha256)


def are_probabilities(items: Presentations) -> bool:
    """Whether every answered score lies in [0, 1]."""
    ends = [s for scores in (items.bonafide, items.pooled) for s in (*scores[:1], *scores[-1:])]
    return all(0 <= score <= 1 for score in ends)


def log_odds(scores: Floats, scale: Scale) -> Floats:
    """Log-odds of bona fide; those of 0 and 1 are held at the last finite ones, near ±36.7."""
    if scale == "logit":
        return scores
    return logit(np.clip(scores, HALF_ULP, 1 - HALF_ULP))


def lowest_reaching(score_map: ScoreMap, probability: float) -> float:
    """The lowest float64 score that is mapped to at least ``probability``; +inf if none is.

    So a threshold on probabilities becomes the same threshold on scores, to the last bit: it is
    found by halving the integers that number the floats.
    """

    def reaches(number: int) -> bool:
        return bool(score_map(np.array([_float(number)]))[0] >= probability)

    low, high = _number(-1.0), _number(2.0)  # beyond the ends of [0, 1]
    if not (isinstance(score_map, Sigmoid) and score_map.scale == "probability"):
        low, high = _number(-np.finfo(np.float64).max), _number(np.finfo(np.float64).max)
    if not reaches(high):
        return math.inf
    if reaches(low):
        return _float(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return _float(high)


def _number(value: float) -> int:
    """The place of a float64 in the order of all of them; -0.0 and 0.0 share place 0."""
    bits = int(np.float64(value).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _float(number: int) -> float:
    magnitude = float(np.int64(abs(number)).view(np.float64))
    return -magnitude if number < 0 else magnitude


def _fit_one(items: Presentations, method: Method, scale: Scale) -> ScoreMap | None:
    """The map of one condition, or None where no rising one fits."""
    if method == "isotonic":
        return _isotonic(items)
    z = log_odds(np.concatenate([items.bonafide, items.pooled]), scale)
    targets = _smoothed_targets(len(items.bonafide), len(items.pooled))
    weights = _class_weights(len(items.bonafide), len(items.pooled))
    fitted = (_temperature if method == "temperature" else _platt)(z, targets, weights)
    return Sigmoid(*fitted, scale) if fitted else None


def _smoothed_targets(n_bonafide: int, n_attack: int) -> Floats:
    """Targets just inside 0 and 1, so that the fit stays finite where the classes do not overlap.

    Source: J. Platt, "Probabilistic outputs for support vector machines" (1999), eq. 10 and 11:
    (N+ + 1) / (N+ + 2) and 1 / (N- + 2). Taken for the temperature too  # inferred
    """
    return np.repeat(
        [(n_bonafide + 1) / (n_bonafide + 2), 1 / (n_attack + 2)], [n_bonafide, n_attack]
    )


def _class_weights(n_bonafide: int, n_attack: int) -> Floats:
    """Half of the weight to each class: the prior :data:`PRIOR`."""
    shares = [PRIOR / n_bonafide, (1 - PRIOR) / n_attack]
    return np.repeat(shares, [n_bonafide, n_attack])


def _temperature(z: Floats, targets: Floats, weights: Floats) -> tuple[float, float] | None:
    """Slope of the sigmoid without offset; the loss is convex, its derivative has one root.

    Source: C. Guo et al., "On calibration of modern neural networks" (2017), section 4.2.
    """
    size = float(np.abs(z).max())
    if z.min() == z.max():
        return None

    def derivative(slope: float) -> float:
        return float(np.sum(weights * (expit(slope * z / size) - targets) * z / size))

    if derivative(0.0) > -FLAT:
        return None
    high = 1.0
    while derivative(high) < 0:  # ends: with targets inside (0, 1) it is positive far out
        high *= 2
    return float(brentq(derivative, 0.0, high, xtol=1e-14 * high, rtol=1e-14)) / size, 0.0


def _platt(z: Floats, targets: Floats, weights: Floats) -> tuple[float, float] | None:
    """Slope and offset of the sigmoid, by Newton steps in a trust region on a convex loss."""
    centre = float(np.sum(weights * z))
    spread = math.sqrt(float(np.sum(weights * (z - centre) ** 2)))
    if spread == 0:
        return None
    design = np.stack([(z - centre) / spread, np.ones_like(z)])  # (2, S), of comparable size

    def loss(beta: Vector) -> float:
        u = beta @ design
        return float(np.sum(weights * (np.logaddexp(0, u) - targets * u)))

    def gradient(beta: Vector) -> Floats:
        return design @ (weights * (expit(beta @ design) - targets))

    def curvature(beta: Vector) -> Floats:
        p = expit(beta @ design)
        return (design * (weights * p * (1 - p))) @ design.T

    start: Vector = np.array([1.0, 0.0])
    found = minimize(
        loss, start, method="trust-exact", jac=gradient, hess=curvature, options={"gtol": 1e-11}
    )
    slope, offset = map(float, found.x)
    return (slope / spread, offset - slope * centre / spread) if slope > FLAT else None


def _isotonic(items: Presentations) -> Steps | None:
    """The best rising map: pool adjacent violators, scipy's, with the two ends of each block."""
    scores = np.concatenate([items.bonafide, items.pooled])
    weights = _class_weights(len(items.bonafide), len(items.pooled))
    is_bonafide = np.arange(len(scores)) < len(items.bonafide)
    knots, place = np.unique(scores, return_inverse=True)
    weight = np.bincount(place, weights)  # ties are one point
    share = np.bincount(place, weights * is_bonafide) / weight
    fitted = isotonic_regression(share, weights=weight).x
    if fitted[-1] - fitted[0] < FLAT:
        return None
    inside = np.zeros(len(fitted), dtype=np.bool_)
    inside[1:-1] = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])
    return Steps(tuple(knots[~inside].tolist()), tuple(fitted[~inside].tolist()))
