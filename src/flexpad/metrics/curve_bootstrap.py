"""Clustered intervals of what is read off the whole curve: EER, AUC, BPCER@APCER, TPR@FPR.

A draw gives each subject a weight, and each presentation that of its subject. The scores are sorted
once; a draw is then running sums of weights along them, and every figure is a binary search or a
sum over those. Where every weight is 1 they are the figures of :mod:`flexpad.metrics.curve`.
"""

from __future__ import annotations

import math
import os
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import polars as pl

from flexpad.metrics.bootstrap import (
    DRAWS,
    ONE_SUBJECT,
    RARE,
    ClusteredInterval,
    draw,
    is_rare,
    no_interval,
    percentile_interval,
)
from flexpad.metrics.curve import APCER_TARGETS, FPR_TARGETS, exact_target
from flexpad.metrics.presentations import (
    NO_ATTACK,
    NO_BONAFIDE,
    SILENT_SPECIES,
    Floats,
    IntArray,
    check_one_condition,
)
from flexpad.metrics.proportion import CONFIDENCE, rule_of_three
from flexpad.metrics.subjects import species_of, subject_codes, without_subject
from flexpad.score_table import ScoreTable
from flexpad.types import ATTACK, BONAFIDE

_APCER = {repr(target): exact_target(target) for target in APCER_TARGETS}
_FPR = {repr(target): exact_target(target) for target in FPR_TARGETS}
KEYS = (
    "eer",
    "auc",
    *(f"bpcer@apcer_{kind}:{target}" for kind in ("max", "pooled") for target in _APCER),
    *(f"tpr@fpr:{target}" for target in _FPR),
)


@dataclass(frozen=True, slots=True)
class _Attacks:
    """Attacks of one pool by rising score, S of them.

    Attributes:
        subject: Of each, (S,).
        bonafide_not_above: How many bona fides score at most as much as each, (S,).
    """

    subject: IntArray
    bonafide_not_above: IntArray


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The answered presentations of one condition by rising score.

    Attributes:
        bonafide: The subject of each bona fide, (S_bonafide,).
        pooled: All attacks.
        species: The attacks of each PAI species.
        attacks_below: How many attacks score less than each bona fide, (S_bonafide,).
        attacks_not_above: How many score at most as much, (S_bonafide,).
        candidates: How many attacks, and how many bona fides, score less than each candidate
            threshold, (2, T).
    """

    bonafide: IntArray
    pooled: _Attacks
    species: tuple[_Attacks, ...]
    attacks_below: IntArray
    attacks_not_above: IntArray
    candidates: IntArray


def clustered_curve(
    table: ScoreTable, draws: int = DRAWS, seed: int = 0
) -> dict[str, ClusteredInterval]:
    """Intervals of :data:`KEYS` for a table of one condition, clustered by subject.

    The threshold is found anew in every draw. A draw that lacks a PAI species altogether has no
    BPCER at a worst-case APCER and is left out there; if most do there is no interval. Where a
    figure is 0 or 1, the limit is at least that of the rule of three on the subjects of the smaller
    class (for BPCER and TPR: on those of bona fides). For AUC it holds because as many disjoint
    pairs of a bona fide and an attack would all be in order with at most probability AUC to their
    number.

    Raises:
        BadInput: The table holds several conditions.
        ValueError: A score is infinite.
    """
    check_one_condition(table)
    reason = without_subject(table)
    if reason:
        return {key: no_interval(reason, 0, draws, seed) for key in KEYS}
    subjects, items = _sort(table)
    n_bonafide, n_attack = len(np.unique(items.bonafide)), len(np.unique(items.pooled.subject))
    if not n_bonafide or not n_attack:
        reason = NO_ATTACK if n_bonafide else NO_BONAFIDE
        return {key: no_interval(reason, 0, draws, seed) for key in KEYS}
    rates = _figures(items, np.ones(len(subjects), dtype=np.int64))
    drawn = _drawn(items, len(subjects), draws, seed)

    def interval(key: str, rate: float, values: Floats) -> ClusteredInterval:
        n = n_bonafide if "@" in key else min(n_bonafide, n_attack)
        reason = SILENT_SPECIES if math.isnan(rate) else RARE if is_rare(values) else None
        if not reason and rate not in (0, 1) and min(n_bonafide, n_attack) < 2:
            reason = ONE_SUBJECT
        if reason:
            return no_interval(reason, n, draws, seed)
        low, high = percentile_interval(rate, values, CONFIDENCE)
        if rate not in (0, 1):
            return ClusteredInterval(low, high, n, draws, seed, "bootstrap")
        bound = rule_of_three(n)
        low, high = (0.0, max(high, bound)) if rate == 0 else (min(low, 1 - bound), 1.0)
        return ClusteredInterval(low, high, n, draws, seed, "rule of three")

    return {
        key: interval(key, rate, drawn[:, k])
        for k, (key, rate) in enumerate(zip(KEYS, rates, strict=True))
    }


def _sort(table: ScoreTable) -> tuple[tuple[str, ...], _Sorted]:
    """Number the subjects, sort the answered presentations and place each class in the other."""
    names, rows = subject_codes(table)
    answered = rows.drop_nulls("score").sort("score")
    of_bonafide = answered.filter(pl.col("label") == BONAFIDE)
    of_attacks = answered.filter(pl.col("label") == ATTACK)
    bonafide, attacks = (part["score"].to_numpy() for part in (of_bonafide, of_attacks))
    candidates = np.append(np.unique(answered["score"].to_numpy()), np.inf)
    pooled = _Attacks(_subjects(of_attacks), np.searchsorted(bonafide, attacks, "right"))
    kinds = of_attacks["pai_species"].to_numpy()
    species = tuple(
        _Attacks(pooled.subject[kinds == kind], pooled.bonafide_not_above[kinds == kind])
        for kind in species_of(table)
    )
    return names, _Sorted(
        bonafide=_subjects(of_bonafide),
        pooled=pooled,
        species=species,
        attacks_below=np.searchsorted(attacks, bonafide, "left"),
        attacks_not_above=np.searchsorted(attacks, bonafide, "right"),
        candidates=np.stack(
            [np.searchsorted(scores, candidates, "left") for scores in (attacks, bonafide)]
        ),
    )


def _subjects(rows: pl.DataFrame) -> IntArray:
    return rows["subject"].to_numpy().astype(np.int64)


def _drawn(items: _Sorted, n_subjects: int, draws: int, seed: int) -> Floats:
    """The figures of every draw, (draws, len(KEYS)); threads help, because numpy lets go."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = threads.map(lambda i: _figures(items, draw(n_subjects, i, seed)), range(draws))
        return np.array(list(found))


def _figures(items: _Sorted, weights: IntArray) -> list[float]:
    """The figures of :data:`KEYS` where subjects count as often as ``weights``, (C,), says."""
    of_bonafide = weights[items.bonafide]
    bonafide = _running(of_bonafide)
    pooled = _running(weights[items.pooled.subject])
    if not bonafide[-1] or not pooled[-1]:
        return [math.nan] * len(KEYS)
    pool = [(items.pooled, pooled)]
    kinds = [(attacks, _running(weights[attacks.subject])) for attacks in items.species]
    at_max = [_bpcer(bonafide, kinds, target) for target in _APCER.values()]
    at_pooled = [_bpcer(bonafide, pool, target) for target in _APCER.values()]
    rejected = [_bpcer(bonafide, pool, target) for target in _FPR.values()]
    below = pooled[items.attacks_below] + pooled[items.attacks_not_above]
    auc = int(of_bonafide @ below) / (2 * int(bonafide[-1]) * int(pooled[-1]))
    equal = _eer(items.candidates, bonafide, pooled)
    return [equal, auc, *at_max, *at_pooled, *(1 - rate for rate in rejected)]


def _running(weights: IntArray) -> IntArray:
    """The weight of the first 0, 1, ... S presentations, (S + 1,)."""
    sums = np.zeros(len(weights) + 1, dtype=np.int64)
    np.cumsum(weights, out=sums[1:])
    return sums


def _bpcer(
    bonafide: IntArray, pools: Sequence[tuple[_Attacks, IntArray]], target: Fraction
) -> float:
    """BPCER where no pool's APCER exceeds the target; NaN if a pool is empty.

    In each pool the threshold has to lie above the highest score that may not be accepted; bona
    fides up to that one are rejected.
    """
    rejected = 0
    for attacks, running in pools:
        n = int(running[-1])
        if not n:
            return math.nan
        refused = n - math.floor(target * n)  # at least so many, the lowest ones
        highest = int(np.searchsorted(running, refused, "left")) - 1
        rejected = max(rejected, int(bonafide[attacks.bonafide_not_above[highest]]))
    return rejected / int(bonafide[-1])


def _eer(candidates: IntArray, bonafide: IntArray, pooled: IntArray) -> float:
    """As :func:`flexpad.metrics.curve.eer`; a candidate that a draw lacks is like the next one."""
    n_bonafide, n_attack = int(bonafide[-1]), int(pooled[-1])

    def errors(place: int) -> tuple[int, int]:
        attacks_below, bonafide_below = candidates[:, place]
        accepted, rejected = n_attack - pooled[attacks_below], bonafide[bonafide_below]
        return int(accepted) * n_bonafide, int(rejected) * n_attack

    def gap(place: int) -> int:
        accepted, rejected = errors(place)
        return accepted - rejected

    places = range(candidates.shape[1])
    after = bisect_left(places, 0, key=lambda place: -gap(place))
    nearest = min(after - 1, after, key=lambda place: abs(gap(place)))
    return sum(errors(nearest)) / (2 * n_bonafide * n_attack)
