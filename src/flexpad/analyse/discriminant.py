"""Fisher's linear discriminant: one axis, and how far it parts bona fides from attacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from flexpad.metrics import Floats

PERMUTATIONS = 20
Shrinkage = Literal["auto"] | float | None


@dataclass(frozen=True, slots=True)
class Axis:
    """A direction in feature space, in units of the deviation within a class.

    Attributes:
        direction: (P,), from attacks to bona fides.
        middle: Where the midpoint of both class means lies on it; it becomes 0.
        gap: How far the class means lie apart.
    """

    direction: Floats
    middle: float
    gap: float

    def place(self, features: ArrayLike) -> Floats:
        """Where features lie on it, (n, P) to (n,): above 0 on the side of the bona fides."""
        return np.asarray(features, dtype=np.float64) @ self.direction - self.middle


def fisher_ratio(
    features: ArrayLike, is_bonafide: ArrayLike, shrinkage: Shrinkage = "auto"
) -> float:
    """Fisher's ratio tr(S_w^-1 S_b) of two classes that weigh the same.

    S_w is the mean of both class covariances and S_b that of the class means around their middle,
    so that for two classes the ratio is a quarter of the squared Mahalanobis distance of the means
    and depends on no class's share. By default each class covariance is shrunk towards its own
    diagonal of variances by the weight of Ledoit and Wolf (J. Multivariate Analysis 88, 2004),
    found on standardised features, since few images in many dimensions would else part by chance.

    Args:
        features: (n, P), two or more of each class.
        is_bonafide: (n,) bool.
        shrinkage: ``auto`` as above; a weight from 0 to 1; None = none.
    """
    return _ratio(_fit(features, is_bonafide, shrinkage))


def ratio_by_chance(features: ArrayLike, is_bonafide: NDArray[np.bool_], seed: int = 0) -> float:
    """Mean ratio of the same features with labels dealt out anew: what no difference at all gives.

    Args:
        features: (n, P).
        is_bonafide: (n,) bool.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = [fisher_ratio(features, rng.permutation(is_bonafide)) for _ in range(PERMUTATIONS)]
    return float(np.mean(drawn))


def axis(features: ArrayLike, is_bonafide: ArrayLike, shrinkage: Shrinkage = "auto") -> Axis | None:
    """Find the axis along which :func:`fisher_ratio` is reached; None where nothing differs."""
    fitted = _fit(features, is_bonafide, shrinkage)
    ratio = _ratio(fitted)
    if not ratio > 0:
        return None
    gap = float(np.sqrt(4 * ratio))
    direction = fitted.coef_[0] / gap  # coef_ @ S_w @ coef_ is the squared gap
    return Axis(direction, float(fitted.means_.mean(axis=0) @ direction), gap)


def _fit(
    features: ArrayLike, is_bonafide: ArrayLike, shrinkage: Shrinkage
) -> LinearDiscriminantAnalysis:
    discriminant = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=shrinkage, priors=np.array([0.5, 0.5])
    )
    return discriminant.fit(np.asarray(features, dtype=np.float64), np.asarray(is_bonafide))


def _ratio(fitted: LinearDiscriminantAnalysis) -> float:
    gap = fitted.means_[1] - fitted.means_[0]
    return float(gap @ fitted.coef_[0]) / 4  # coef_ is S_w^-1 times the gap
