"""A share of errors with its exact interval, and figures made from such shares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of errors with its two-sided Clopper-Pearson interval.

    Attributes:
        errors: How many.
        n: Of how many.
        rate: errors / n, a fraction; None if n is 0.
        low: Lower limit, None if n is 0.
        high: Upper limit, None if n is 0.
        reason: Why the rate is None.
    """

    errors: int
    n: int
    rate: float | None
    low: float | None
    high: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is no plain proportion: ACER or AUC.

    Attributes:
        value: A fraction, None if undefined.
        low: Lower limit of its interval, None if it has none.
        high: Upper limit, likewise.
        reason: Why the value is None.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def clopper_pearson(errors: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact two-sided interval of a binomial proportion.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404-413, by quantiles of the beta
    distribution. It presumes independent trials: frames of one video, and videos of one subject,
    are not, so that at these units it is too narrow.

    Raises:
        ValueError: Not 0 <= errors <= n with n > 0.
    """
    if not 0 <= errors <= n or n == 0:
        raise ValueError(f"{errors} errors of {n} have no interval")
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else float(beta.ppf(tail, errors, n - errors + 1))
    high = 1.0 if errors == n else float(beta.ppf(1 - tail, errors + 1, n - errors))
    return low, high


def rule_of_three(n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided upper limit of a rate of which n independent trials showed no error.

    Source: exact, ``1 - (1 - confidence) ** (1 / n)``; 3 / n is its usual approximation at 95 %.

    Raises:
        ValueError: n is not positive.

    >>> round(rule_of_three(60), 4)
    0.0487
    """
    if n < 1:
        raise ValueError(f"{n} trials have no limit")
    return float(-np.expm1(np.log1p(-confidence) / n))


def proportion(errors: int, n: int, reason: str) -> Proportion:
    """``errors`` of ``n`` with the interval; undefined for ``reason`` if n is 0."""
    if n == 0:
        return Proportion(0, 0, None, None, None, reason)
    return Proportion(errors, n, errors / n, *clopper_pearson(errors, n))


def acer(apcer: Proportion, bpcer: Proportion) -> Figure:
    """Mean of an APCER and BPCER, with a conservative 95 % interval.

    The two proportions come from different presentations. If each one's Clopper-Pearson interval
    holds its true rate with probability sqrt(0.95), both do with at least 0.95, and then the mean
    of the limits holds the true mean. So the limits are the means of the two limits at confidence
    sqrt(0.95) = 0.9747 (Šidák's product rule, J. Am. Stat. Assoc. 62 (1967) 626-633). The interval
    is wider than it need be, never narrower.
    """
    if apcer.rate is None or bpcer.rate is None:
        return Figure(None, reason=bpcer.reason or apcer.reason)
    joint = math.sqrt(CONFIDENCE)
    apcer_limits = clopper_pearson(apcer.errors, apcer.n, joint)
    bpcer_limits = clopper_pearson(bpcer.errors, bpcer.n, joint)
    low, high = ((a + b) / 2 for a, b in zip(apcer_limits, bpcer_limits, strict=True))
    return Figure((apcer.rate + bpcer.rate) / 2, low, high)
