"""Paired differences of error rates, with the same subjects drawn for both systems."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flexpad import metrics
from flexpad.compare.cell import Measured
from flexpad.metrics import CONFIDENCE, IntArray, SubjectCounts
from flexpad.metrics.bootstrap import draw_blocks, percentile_interval
from flexpad.metrics.presentations import Floats

RATES = ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled")
# With fewer clusters not even a unanimous one could be told from chance: 2 * 0.5**5 is above 0.05.
FEWEST = 6
DIGITS = 12  # what differs by less is arithmetic: rates are shares of counts


@dataclass(frozen=True, slots=True)
class Difference:
    """The rate of the other system less that of the first.

    Attributes:
        value: A difference of fractions, negative where the other makes fewer errors; None if one
            of the rates is undefined.
        low: Lower limit of its 95 % interval, None if there is none.
        high: Upper limit, likewise.
        p: Two-sided, of no difference; None if there is no interval.
        clusters: How many the rate comes from; for a worst species, of that species; for ACER the
            lesser of both sides.
        method: ``bootstrap``: percentiles of the drawn differences, widened to hold the value.
            ``exact``: every draw shows the same difference, so that the limits come from the number
            of clusters.
        reason: Why value or interval is None.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    clusters: int
    method: str
    reason: str | None = None


def drawn(measured: Sequence[Measured], draws: int, seed: int) -> list[dict[str, Floats]]:
    """The rates of every system of a cell in every draw, (draws,) each.

    Every system has the same draws: that is what pairs them.
    """
    blocks: list[list[dict[str, Floats]]] = [[] for _ in measured]
    for block in draw_blocks(len(measured[0].counts.subjects), draws, seed):
        for found, one in zip(blocks, measured, strict=True):
            found.append(metrics.drawn_rates(one.counts, block))
    return [
        {rate: np.concatenate([block[rate] for block in found]) for rate in RATES}
        for found in blocks
    ]


def differences(
    first: Measured,
    other: Measured,
    first_drawn: Mapping[str, Floats],
    other_drawn: Mapping[str, Floats],
) -> dict[str, Difference]:
    """The difference of every rate.

    Args:
        first: What is compared against.
        other: What is compared.
        first_drawn: From :func:`drawn`.
        other_drawn: Likewise, of the same draws.
    """
    clusters = _clusters(first, other)
    one, two = _rates(first.counts), _rates(other.counts)
    return {
        rate: _difference(
            two[rate] - one[rate], other_drawn[rate] - first_drawn[rate], clusters[rate]
        )
        for rate in RATES
    }


def _difference(value: float, values: Floats, clusters: int) -> Difference:
    """A difference from the drawn ones, (draws,), NaN where a draw lacks a class."""
    if math.isnan(value):
        reason = "one of the rates is undefined: nothing of that class was answered"
        return Difference(None, None, None, None, clusters, "bootstrap", reason)
    if clusters < FEWEST:
        reason = f"{clusters} clusters are too few: not even a unanimous difference would be shown"
        return Difference(round(value, DIGITS), None, None, None, clusters, "bootstrap", reason)
    value = round(value, DIGITS)
    values = np.round(values[~np.isnan(values)], DIGITS)
    if not len(values):
        reason = "no draw has presentations of that class; take more draws"
        return Difference(value, None, None, None, clusters, "bootstrap", reason)
    if np.ptp(values) == 0:
        return _constant(value, clusters)
    low, high = percentile_interval(value, values, CONFIDENCE)
    return Difference(value, low, high, _p(values), clusters, "bootstrap")


def _constant(value: float, clusters: int) -> Difference:
    """A difference that every draw shows, 0 where the systems never err apart.

    Drawing again says nothing here. No cluster departs from the value; if one of any size did with
    probability q, none of n would with (1 - q)**n. That bounds q on both sides, each at half the
    risk. The p-value is that of the sign test of the clusters.
    """
    margin = metrics.rule_of_three(clusters, (1 + CONFIDENCE) / 2)
    p = 1.0 if value == 0 else 2 * 0.5**clusters
    return Difference(
        value, max(-1.0, value - margin), min(1.0, value + margin), p, clusters, "exact"
    )


def _p(values: Floats) -> float:
    """Twice the share of draws on the far side of no difference, the data counted as a draw.

    Source: the percentile interval turned round (Efron and Tibshirani, An Introduction to the
    Bootstrap, 1993, section 15.4), with Davison and Hinkley's 1 added (1997, section 4.2.3), so
    that it is never 0.
    """
    far = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return min(1.0, 2 * (far + 1) / (len(values) + 1))


def _rates(counts: SubjectCounts) -> dict[str, float]:
    """The rates themselves: every cluster once."""
    once = metrics.drawn_rates(counts, np.ones((1, len(counts.subjects)), dtype=np.int64))
    return {rate: float(once[rate][0]) for rate in RATES}


def _clusters(first: Measured, other: Measured) -> dict[str, int]:
    """How many clusters each difference comes from: of two systems the lesser number."""
    found = [dict(_clusters_of(one)) for one in (first, other)]
    return {rate: min(numbers[rate] for numbers in found) for rate in RATES}


def _clusters_of(measured: Measured) -> Iterator[tuple[str, int]]:
    counts = measured.counts
    bonafide, pooled = _some(counts.bonafide[:, None]), _some(counts.attacks)
    worst = measured.rates.worst_species
    place = counts.species.index(worst) if worst else None
    species = 0 if place is None else _some(counts.attacks[:, place, None])
    yield "bpcer", bonafide
    yield "apcer_max", species
    yield "apcer_pooled", pooled
    yield "acer_max", min(bonafide, species)
    yield "acer_pooled", min(bonafide, pooled)


def _some(answered: IntArray) -> int:
    """How many clusters have an answered presentation, of (C, kinds) counts."""
    return int((answered > 0).any(axis=1).sum())
