"""Ranks over cells and how far apart they have to be; Holm's correction for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from flexpad.metrics import CONFIDENCE
from flexpad.metrics.presentations import Floats

RISK = 1 - CONFIDENCE


@dataclass(frozen=True, slots=True)
class Ranks:
    """Average ranks of k systems over N cells, 1 = fewest errors.

    Attributes:
        average: (k,); None without a cell.
        cells: N, those where every system has a rate.
        friedman_p: Of all systems being alike; None for two systems or where all ranks are tied.
        critical_difference: Average ranks closer than this are not told apart; None if N is so
            small that no ranks could be.
        alike: Groups of systems, by place, that are not told apart: the bars of a
            critical-difference diagram.
        reason: Why there is no critical difference.
    """

    average: tuple[float, ...] | None
    cells: int
    friedman_p: float | None
    critical_difference: float | None
    alike: tuple[tuple[int, ...], ...]
    reason: str | None = None


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment of p-values; None stays None and does not count.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    order = sorted((value, place) for place, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, place) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * value))
        adjusted[place] = highest
    return adjusted


def critical_difference(systems: int, cells: int) -> float:
    """How far average ranks have to be apart by the Nemenyi test at 5 %.

    Source: Demsar, Journal of Machine Learning Research 7 (2006) 1-30: the quantile of the
    studentized range at infinite degrees of freedom by the root of 2, times
    ``sqrt(k (k + 1) / (6 N))``.

    >>> round(critical_difference(4, 14), 2)  # his example
    1.25
    """
    quantile = float(studentized_range.ppf(CONFIDENCE, systems, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(systems * (systems + 1) / (6 * cells))


def ranks(rates: Floats) -> Ranks:
    """Rank systems in every cell, lower rates first, ties shared.

    Args:
        rates: (N, k) error rates, NaN where undefined; such cells are left out.
    """
    known = rates[~np.isnan(rates).any(axis=1)]
    cells, systems = known.shape
    if cells == 0:
        return Ranks(None, 0, None, None, (), "no cell has a rate of every system")
    placed = rankdata(known, axis=1)
    average = placed.mean(axis=0)
    p = _friedman(placed) if systems > 2 and cells > 1 else None
    distance = critical_difference(systems, cells)
    if distance >= systems - 1:
        reason = f"{cells} cells are too few for {systems} systems: no ranks could be told apart"
        return Ranks(tuple(average.tolist()), cells, p, None, (), reason)
    differ = systems == 2 or (p is not None and p < RISK)
    alike = _alike(average, distance if differ else math.inf)
    return Ranks(tuple(average.tolist()), cells, p, distance, alike)


def _friedman(placed: Floats) -> float | None:
    if (placed == placed[:, :1]).all():
        return None
    return float(friedmanchisquare(*placed.T).pvalue)


def _alike(average: Floats, distance: float) -> tuple[tuple[int, ...], ...]:
    """The largest groups whose average ranks lie within the distance, best first."""
    order = np.argsort(average, kind="stable").tolist()
    groups: list[tuple[int, ...]] = []
    for start, first in enumerate(order):
        group = tuple(n for n in order[start:] if average[n] - average[first] <= distance)
        if len(group) > 1 and not any(set(group) <= set(known) for known in groups):
            groups.append(group)
    return tuple(groups)
