"""Intervals that know that presentations of one subject are alike: subjects are drawn anew.

Subjects are drawn with replacement, bona fide and attack presentations of a subject together, and
every rate is computed again on what was drawn. The limits are percentiles over the draws. A draw
weighs subjects with how often it has them, so that counts per subject are all it takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from flexpad.metrics.presentations import Floats, IntArray, check_one_condition
from flexpad.metrics.proportion import CONFIDENCE, rule_of_three
from flexpad.metrics.subjects import (
    SubjectCounts,
    non_response_counts,
    species_of,
    subject_counts,
    without_subject,
)
from flexpad.score_table import ScoreTable

DRAWS = 2000
BLOCK = 4_000_000  # subjects times draws held at once
ONE_SUBJECT = "all presentations are of one subject"
RARE = "fewer than half of the draws have such presentations"
RATES = ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled")


@dataclass(frozen=True, slots=True)
class ClusteredInterval:
    """The 95 % interval of a rate, clustered by subject.

    Attributes:
        low: Lower limit, None if there is no interval.
        high: Upper limit, likewise.
        subjects: How many subjects the rate comes from; for a worst species, of that species; for
            ACER the lesser of both sides.
        draws: How many draws.
        seed: Of the draws.
        method: ``bootstrap``: percentiles, widened to hold the rate itself where they do not.
            ``rule of three``: no error was seen, or nothing but errors, so that every draw shows
            the same and the limit comes from the number of subjects.
        reason: Why there is no interval.
    """

    low: float | None
    high: float | None
    subjects: int
    draws: int
    seed: int
    method: str
    reason: str | None = None


def subject_draws(n_subjects: int, draws: int = DRAWS, seed: int = 0) -> IntArray:
    """How often each draw has each subject, (draws, C); every row sums to C.

    Draw number i depends on the seed and i alone, so that any part can be made by itself.
    """
    return np.concatenate(list(draw_blocks(n_subjects, draws, seed)))


def drawn_rates(counts: SubjectCounts, draws: IntArray) -> dict[str, Floats]:
    """Every rate of every draw.

    Args:
        counts: Of C subjects.
        draws: How often each draw has each subject, (draws, C).

    Returns:
        ``bpcer``, ``apcer_max``, ``apcer_pooled``, ``acer_max``, ``acer_pooled`` and
        ``apcer:<species>``, each (draws,), NaN where a draw has no such presentation. The worst
        species of a draw is that of the draw.
    """
    weights = draws.astype(np.float64)  # whole numbers below 2**53: the products are exact
    bpcer = _share(weights @ counts.bonafide_errors, weights @ counts.bonafide)
    errors, answered = weights @ counts.attack_errors, weights @ counts.attacks  # (draws, K)
    apcer = _share(errors, answered)
    pooled = _share(errors.sum(axis=1), answered.sum(axis=1))
    worst = np.fmax.reduce(apcer, axis=1, initial=-np.inf)
    worst[np.isneginf(worst)] = np.nan
    return {
        "bpcer": bpcer,
        "apcer_max": worst,
        "apcer_pooled": pooled,
        "acer_max": (worst + bpcer) / 2,
        "acer_pooled": (pooled + bpcer) / 2,
        **{f"apcer:{name}": apcer[:, k] for k, name in enumerate(counts.species)},
    }


def clustered_intervals(
    table: ScoreTable, threshold: float, draws: int = DRAWS, seed: int = 0
) -> dict[str, ClusteredInterval]:
    """Intervals of every rate at a threshold, and of the non-response rates.

    Returns:
        The keys of :func:`drawn_rates`, and ``bpnrr``, ``apnrr`` and ``apnrr:<species>``. Without
        subject_id in some row every interval is None, with the reason.

    Raises:
        BadInput: The table holds several conditions.
        ValueError: The threshold is NaN or a score is infinite.
    """
    check_one_condition(table)
    if math.isnan(threshold):
        raise ValueError("the threshold is NaN")
    species = species_of(table)
    reason = without_subject(table)
    if reason:
        kinds = [f"{rate}:{name}" for rate in ("apcer", "apnrr") for name in species]
        keys = [*RATES, "bpnrr", "apnrr", *kinds]
        return {key: no_interval(reason, 0, draws, seed) for key in keys}
    rates = _intervals(subject_counts(table, threshold), draws, seed)
    silence = _intervals(non_response_counts(table), draws, seed)
    named = {"bpcer": "bpnrr", "apcer_pooled": "apnrr"}
    named |= {f"apcer:{name}": f"apnrr:{name}" for name in species}
    return rates | {new: silence[old] for old, new in named.items()}


def is_rare(values: Floats) -> bool:
    """Whether most of the draws lack what a figure needs, so that the rest would mislead."""
    return bool(np.isnan(values).mean() > 0.5)


def percentile_interval(rate: float, values: Floats, confidence: float) -> tuple[float, float]:
    """Percentiles of the drawn values, (draws,), widened to hold the rate; NaN draws are left out.

    Source: Efron's percentile interval. That of a maximum may lie above the rate itself, because a
    draw's worst species is at least as bad as any; hence the widening.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(values[~np.isnan(values)], [tail, 1 - tail])
    return min(rate, float(low)), max(rate, float(high))


def no_interval(reason: str, subjects: int, draws: int, seed: int) -> ClusteredInterval:
    """Why there is none."""
    return ClusteredInterval(None, None, subjects, draws, seed, "bootstrap", reason)


def draw_blocks(n_subjects: int, draws: int, seed: int) -> Iterator[IntArray]:
    """The rows of :func:`subject_draws`, as many at once as fit comfortably into memory."""
    size = max(1, BLOCK // max(1, n_subjects))
    for start in range(0, draws, size):
        numbers = range(start, min(start + size, draws))
        yield np.stack([draw(n_subjects, number, seed) for number in numbers])


def draw(n_subjects: int, number: int, seed: int) -> IntArray:
    """How often one draw has each subject, (C,)."""
    rng = np.random.default_rng((seed, number))
    return np.bincount(rng.integers(n_subjects, size=n_subjects), minlength=n_subjects)


def _share(errors: Floats, n: Floats) -> Floats:
    """NaN of nothing."""
    return np.divide(errors, n, out=np.full_like(errors, np.nan), where=n > 0)


def _intervals(counts: SubjectCounts, draws: int, seed: int) -> dict[str, ClusteredInterval]:
    """An interval of every rate of the counts."""
    n_subjects = len(counts.subjects)
    once = drawn_rates(counts, np.ones((1, n_subjects), dtype=np.int64))
    rates = {key: float(values[0]) for key, values in once.items()}
    blocks = [drawn_rates(counts, block) for block in draw_blocks(n_subjects, draws, seed)]
    drawn = {key: np.concatenate([block[key] for block in blocks]) for key in rates}
    subjects = _subjects(counts, rates)

    def interval(key: str) -> ClusteredInterval:
        sides = ("bpcer", key.replace("acer", "apcer")) if key.startswith("acer") else (key,)
        n = min(subjects[side] for side in sides)
        lacking = [reason for side in sides if (reason := _lack(rates[side], subjects[side], side))]
        if lacking:
            return no_interval(lacking[0], n, draws, seed)
        if is_rare(drawn[key]):
            return no_interval(RARE, n, draws, seed)
        if not any(rates[side] in (0, 1) for side in sides):
            low, high = percentile_interval(rates[key], drawn[key], CONFIDENCE)
            return ClusteredInterval(low, high, n, draws, seed, "bootstrap")
        # A side that never varies says nothing by being drawn again. Of two sides each is taken at
        # half the risk (Bonferroni: they may depend on each other), and the limits averaged.
        confidence = 1 - (1 - CONFIDENCE) / len(sides)
        limits = [_limits(rates[s], drawn[s], subjects[s], confidence) for s in sides]
        low, high = (sum(ends) / len(sides) for ends in zip(*limits, strict=True))
        return ClusteredInterval(low, high, n, draws, seed, "rule of three")

    return {key: interval(key) for key in rates}


def _subjects(counts: SubjectCounts, rates: Mapping[str, float]) -> dict[str, int]:
    """How many subjects a rate comes from. Of equally bad species that with the fewest counts."""
    species = {
        f"apcer:{name}": int((counts.attacks[:, k] > 0).sum())
        for k, name in enumerate(counts.species)
    }
    worst = [n for key, n in species.items() if rates[key] == rates["apcer_max"]]
    return species | {
        "bpcer": int((counts.bonafide > 0).sum()),
        "apcer_max": min(worst, default=0),
        "apcer_pooled": int((counts.attacks > 0).any(axis=1).sum()),
    }


def _lack(rate: float, subjects: int, key: str) -> str | None:
    if math.isnan(rate):
        of = "bona fide" if key == "bpcer" else "attack"
        return f"no {of} presentation was answered"
    if subjects < 2 and rate not in (0, 1):
        return ONE_SUBJECT
    return None


def _limits(rate: float, values: Floats, subjects: int, confidence: float) -> tuple[float, float]:
    if rate == 0:
        return 0.0, rule_of_three(subjects, confidence)
    if rate == 1:
        return 1 - rule_of_three(subjects, confidence), 1.0
    return percentile_interval(rate, values, confidence)
