"""What the whole curve says, over every threshold, and thresholds that keep a target."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from flexpad.metrics.presentations import (
    NO_ATTACK,
    NO_BONAFIDE,
    SILENT_SPECIES,
    Floats,
    IntArray,
    Presentations,
)
from flexpad.metrics.proportion import Figure, Proportion, proportion
from flexpad.metrics.rates import Rates, count_accepted, rates

ApcerKind = Literal["max", "pooled"]
APCER_TARGETS = (0.1, 0.05, 0.02, 0.01)  # BPCER10, 20, 50 and 100
FPR_TARGETS = (0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """The point where the share of accepted attacks equals the share of rejected bona fides.

    Attributes:
        rate: Mean of ``fpr`` and ``fnr`` at the candidate threshold where they are nearest.
        threshold: That candidate; of several the lowest.
        fpr: Pooled APCER there.
        fnr: BPCER there.
        interpolated: Where the straight line between the two candidates around the crossing meets.
        reason: Why all of the above are None.
    """

    rate: float | None
    threshold: float | None
    fpr: float | None
    fnr: float | None
    interpolated: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TprAtFpr:
    """The share of bona fides accepted where at most ``target`` of the pooled attacks are.

    Attributes:
        target: The allowed pooled APCER.
        tpr: Accepted bona fides; here ``errors`` counts the accepted, not the rejected.
        threshold: The lowest candidate that keeps the target; +inf if only rejecting all does.
        supported: Whether there are enough attacks (at least 1 / target) for the target to differ
            from "no attack at all".
        reason: Why tpr and threshold are None.
    """

    target: float
    tpr: Proportion
    threshold: float | None
    supported: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MinAcer:
    """The least ACER over all thresholds, taken from the very scores it is measured on.

    Attributes:
        value: Mean of ``apcer`` and ``bpcer``.
        threshold: Where it is reached; of several the lowest.
        apcer: There, of the kind that was asked for.
        bpcer: There.
        reason: Why all of the above are None.
        oracle: Always True: no operating point that was chosen beforehand is as good.
    """

    value: float | None
    threshold: float | None
    apcer: float | None
    bpcer: float | None
    reason: str | None = None
    oracle: Literal[True] = True


def auc(items: Presentations) -> Figure:
    """Probability that a bona fide outscores an attack, a tie counting one half.

    Source: the Mann-Whitney statistic; exact, counted in integers. All species are in one pool, so
    that a species with many presentations weighs more.
    """
    if items.undefined:
        return Figure(None, reason=items.undefined)
    below = np.searchsorted(items.pooled, items.bonafide, "left").sum(dtype=np.int64)
    not_above = np.searchsorted(items.pooled, items.bonafide, "right").sum(dtype=np.int64)
    pairs = len(items.bonafide) * len(items.pooled)
    return Figure(int(below + not_above) / (2 * pairs))


def candidate_thresholds(items: Presentations) -> Floats:
    """Each observed score once, in rising order, and +inf: every threshold that differs, (T,)."""
    both = np.concatenate([items.bonafide, items.pooled])
    both.sort(kind="stable")  # two rising runs are merged, not sorted anew
    first = np.append(True, both[1:] != both[:-1])[: len(both)]
    return np.append(both[first], np.inf)


def error_curve(items: Presentations) -> tuple[Floats, IntArray, IntArray]:
    """Count both errors at every candidate threshold.

    Returns:
        The candidates in rising order, that is each observed score once and +inf, (T,); the number
        of pooled attacks accepted there, falling to 0, (T,); the number of bona fides rejected
        there, rising from 0, (T,).
    """
    candidates = candidate_thresholds(items)
    accepted = len(items.pooled) - np.searchsorted(items.pooled, candidates, "left")
    rejected = np.searchsorted(items.bonafide, candidates, "left")
    return candidates, accepted.astype(np.int64), rejected.astype(np.int64)


def eer(items: Presentations) -> EqualErrorRate:
    """Equal error rate of pooled attacks against bona fides, nearest and interpolated.

    The candidates are compared in integers, so that ties are ties: the nearest one is where
    ``|accepted * S_bonafide - rejected * S_attack|`` is least. What stands between the bars falls
    from candidate to candidate, so that the crossing is found by bisection.
    """
    if items.undefined:
        return EqualErrorRate(None, None, None, None, None, items.undefined)
    candidates = candidate_thresholds(items)
    n_bonafide, n_attack = len(items.bonafide), len(items.pooled)

    def errors(place: int) -> tuple[int, int]:
        accepted = count_accepted(items.pooled, candidates[place])
        return accepted, n_bonafide - count_accepted(items.bonafide, candidates[place])

    def gap(place: int) -> int:
        accepted, rejected = errors(place)
        return accepted * n_bonafide - rejected * n_attack

    places = range(len(candidates))
    after = bisect_left(places, 0, key=lambda place: -gap(place))  # never 0: there all is accepted
    before = after - 1
    nearest = min(before, after, key=lambda place: abs(gap(place)))
    accepted, rejected = errors(nearest)
    fpr, fnr = accepted / n_attack, rejected / n_bonafide
    weight = gap(before) / (gap(before) - gap(after))
    step = weight * (errors(after)[0] - errors(before)[0])
    return EqualErrorRate(
        rate=(fpr + fnr) / 2,
        threshold=float(candidates[nearest]),
        fpr=fpr,
        fnr=fnr,
        interpolated=(errors(before)[0] + step) / n_attack,
    )


def min_acer(items: Presentations, kind: ApcerKind) -> MinAcer:
    """The lowest ACER any threshold gives on the scores it is measured on: an oracle.

    With ``pooled`` this is what papers call the minimum HTER.
    """
    groups = apcer_groups(items, kind)
    reason = items.undefined or _silent(groups)
    if reason:
        return MinAcer(None, None, None, None, reason)
    thresholds = candidate_thresholds(items)
    apcer = worst_apcer(groups, thresholds)
    bpcer = np.searchsorted(items.bonafide, thresholds, "left") / len(items.bonafide)
    best = int(np.argmin(np.round((apcer + bpcer) / 2, 12)))  # equal but for rounding is equal
    value = float(apcer[best] + bpcer[best]) / 2
    return MinAcer(value, float(thresholds[best]), float(apcer[best]), float(bpcer[best]))


def apcer_groups(items: Presentations, kind: ApcerKind) -> list[Floats]:
    """The attack scores an APCER is taken of: one pool, or one array a species."""
    return [items.pooled] if kind == "pooled" else list(items.attacks.values())


def worst_apcer(groups: Sequence[Floats], thresholds: Floats) -> Floats:
    """The highest APCER of any group at each threshold, (T,); each group's scores are sorted."""
    worst = np.zeros(len(thresholds))
    for scores in groups:
        share = np.searchsorted(scores, thresholds, "left") / -len(scores)
        share += 1
        np.maximum(worst, share, out=worst)
    return worst


def threshold_at_bpcer(items: Presentations, target: float) -> float | None:
    """The highest candidate threshold whose BPCER is at most ``target``.

    Source: the rule of WMCA (BPCER 1 % on its dev set). None without bona fides.

    Raises:
        ValueError: The target is outside [0, 1].
    """
    n = len(items.bonafide)
    if n == 0:
        return None
    allowed = _allowed(target, n)
    return float(items.bonafide[allowed]) if allowed < n else math.inf


def threshold_at_apcer(items: Presentations, target: float, kind: ApcerKind) -> float | None:
    """The lowest candidate threshold whose APCER is at most ``target``.

    It is +inf if only rejecting everything keeps the target. None without answered attacks; for
    ``max`` also if any species has no answer, because then its APCER is not known to keep it.

    Raises:
        ValueError: The target is outside [0, 1].
    """
    groups = apcer_groups(items, kind)
    if _silent(groups):
        return None
    bounds = []  # the threshold has to exceed each of these
    for scores in groups:
        allowed = _allowed(target, len(scores))
        bounds.append(scores[-1 - allowed] if allowed < len(scores) else -math.inf)
    bound = max(bounds)
    candidates = [math.inf]
    for scores in (items.bonafide, items.pooled):
        place = int(np.searchsorted(scores, bound, "right"))
        if place < len(scores):
            candidates.append(float(scores[place]))
    return min(candidates)


def bpcer_at_apcer(items: Presentations, target: float, kind: ApcerKind = "max") -> Rates | None:
    """Rates where APCER is at most ``target``: BPCER10, 20, 100 for 0.1, 0.05, 0.01.

    The threshold comes from the very scores that are measured, so this describes a curve and is no
    operating point. Source: ISO/IEC 30107-3, with the worst species as in bob.pad.base. None where
    :func:`threshold_at_apcer` is None or there is no bona fide.
    """
    threshold = threshold_at_apcer(items, target, kind)
    if threshold is None or not len(items.bonafide):
        return None
    return rates(items, threshold)


def tpr_at_fpr(items: Presentations, target: float) -> TprAtFpr:
    """Accepted bona fides where at most ``target`` of the pooled attacks are accepted.

    Source: the main figure of the CASIA-SURF challenge (1e-2, 1e-3, 1e-4). Nothing is interpolated.
    """
    supported = len(items.pooled) * exact_target(target) >= 1
    threshold = threshold_at_apcer(items, target, "pooled")
    if items.undefined or threshold is None:
        reason = items.undefined or NO_ATTACK
        return TprAtFpr(target, proportion(0, 0, reason), None, supported, reason)
    accepted = count_accepted(items.bonafide, threshold)
    tpr = proportion(accepted, len(items.bonafide), NO_BONAFIDE)
    return TprAtFpr(target, tpr, threshold, supported)


def _silent(groups: Sequence[Floats]) -> str | None:
    """Why the APCER of these attacks is not known; None if it is."""
    if not groups:
        return NO_ATTACK
    return None if all(map(len, groups)) else SILENT_SPECIES


def exact_target(target: float) -> Fraction:
    """The decimal number a person wrote: 0.29 is 29/100, not the float just below it."""
    return Fraction(repr(float(target)))


def _allowed(target: float, n: int) -> int:
    """How many errors of n keep the target."""
    if not 0 <= target <= 1:
        raise ValueError(f"a target rate lies in [0, 1], not at {target}")
    return math.floor(exact_target(target) * n)
