"""Linear probes of frozen features: logistic regressions whose strength is chosen on dev."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from flexpad import metrics
from flexpad.metrics import Floats, Presentations

# scikit-learn's C, the inverse of the weight of the squared coefficients
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
STEPS = 3000  # at most, of the solver


@dataclass(frozen=True, slots=True)
class Labelled:
    """Features of n presentations.

    Attributes:
        values: (n, P).
        is_bonafide: (n,) bool.
        species: PAI species, "" for bona fide, (n,).
    """

    values: NDArray[np.float32]
    is_bonafide: NDArray[np.bool_]
    species: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted probe.

    Attributes:
        pipeline: Scales features by the deviations of train, then a logistic regression.
        strength: The chosen C.
        error_on_dev: Which made it the chosen one.
    """

    pipeline: Pipeline
    strength: float
    error_on_dev: float

    def decide(self, features: ArrayLike) -> Floats:
        """Log odds of the second of two classes, (n, P) to (n,)."""
        return np.asarray(self.pipeline.decision_function(features), dtype=np.float64)

    def name(self, features: ArrayLike) -> NDArray[Any]:
        """The more probable class of each, (n, P) to (n,)."""
        return np.asarray(self.pipeline.predict(features))


def choose(
    features: ArrayLike,
    classes: ArrayLike,
    error_on_dev: Callable[[Probe], float],
    *,
    strengths: Sequence[float] = STRENGTHS,
    balanced: bool = True,
) -> Probe:
    """Fit a probe for each strength on train and take the one with the least error on dev.

    Args:
        features: Of train, (n, P).
        classes: Their classes, (n,).
        error_on_dev: Measures a probe; of equal ones the most regularised is taken.
        strengths: The grid of C in rising order.
        balanced: Whether classes weigh the same, however many images they have.
    """
    weight = "balanced" if balanced else None
    probes = []
    for strength in strengths:
        regression = LogisticRegression(C=strength, max_iter=STEPS, class_weight=weight)
        pipeline = make_pipeline(StandardScaler(), regression).fit(features, classes)
        error = error_on_dev(Probe(pipeline, strength, np.nan))
        probes.append(Probe(pipeline, strength, error))
    return min(probes, key=lambda probe: probe.error_on_dev)


def choose_pad(train: Labelled, dev: Labelled, *, balanced: bool = True) -> tuple[Probe, float]:
    """Fit a probe of bona fide against attack; the least equal error rate on dev decides.

    Args:
        train: Of both classes.
        dev: Likewise.
        balanced: As in :func:`choose`.

    Returns:
        The probe, and the threshold where both errors are equal on dev.
    """
    chosen = choose(
        train.values,
        train.is_bonafide,
        lambda one: metrics.eer(judged(one, dev)).rate or 0.0,
        balanced=balanced,
    )
    threshold = metrics.eer(judged(chosen, dev)).threshold
    if threshold is None:
        raise ValueError("dev has to have both classes")
    return chosen, threshold


def judged(one: Probe, shown: Labelled) -> Presentations:
    """The log odds a probe gives to presentations, as error rates are computed from."""
    return metrics.presentations(one.decide(shown.values), shown.is_bonafide, shown.species)


def balanced_accuracy(classes: ArrayLike, named: ArrayLike) -> float:
    """Mean over classes of the share that was named rightly."""
    return float(balanced_accuracy_score(classes, named))
