"""Mean and standard deviation of a rate over sub-protocols or seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """How a rate varies over runs. This is no confidence interval.

    Attributes:
        mean: Of the runs; None if there is none or one of them is undefined.
        std: Sample standard deviation, with n - 1 in the denominator; None for fewer than two runs.
        n: How many runs.
        reason: Why mean or std is None.
    """

    mean: float | None
    std: float | None
    n: int
    reason: str | None = None


def spread(values: Sequence[float | None]) -> Spread:
    """Mean and sample standard deviation, as papers print them over CeFA's sub-protocols.

    Source: the published 6.7 +- 2.2 of 4.2, 8.4 and 7.6 (CASIA-SURF CeFA, WACV 2021) is the sample
    standard deviation. The sub-protocols of CeFA share their mask videos, so that this is not a
    standard error either.

    >>> spread([4.2, 8.4, 7.6])  # doctest: +ELLIPSIS
    Spread(mean=6.733..., std=2.230..., n=3, reason=None)
    """
    known = [value for value in values if value is not None]
    if not values:
        return Spread(None, None, 0, "there is no run")
    if len(known) < len(values):
        missing = len(values) - len(known)
        return Spread(None, None, len(values), f"undefined in {missing} of {len(values)} runs")
    mean = float(np.mean(known))
    if len(known) == 1:
        return Spread(mean, None, 1, "one run does not vary")
    return Spread(mean, float(np.std(known, ddof=1)), len(known))
