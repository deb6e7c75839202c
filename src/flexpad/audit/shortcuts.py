"""Can attacks be told without looking at faces? Logistic regression on global statistics.

For each modality a regression is fitted on train to the statistics of :mod:`flexpad.audit.cues`:
to all of them; to those that tell how a picture was taken rather than what is in it, which leaves
out the spread of values in depth and infrared; and to the background alone. Its threshold is
chosen at the equal error rate of dev, and its errors are counted on test. An ACER near 50 % means
that the statistics say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from flexpad import metrics
from flexpad.audit.cues import BACKGROUND, Floats, Mask, measure, names_of, of_capture
from flexpad.data import protocols
from flexpad.data.manifest import Manifest, Row
from flexpad.log import progress
from flexpad.metrics import Rates
from flexpad.types import MODALITIES, SPLITS, BadInput, Modality

SCHEMA = "flexpad.shortcuts/1"
PENALTY = 1.0  # of the squared weights, as scikit-learn's default
LEADING = 3  # single statistics that are named
WHOLE, CAPTURE, SURROUNDINGS = "whole image", "capture alone", "background alone"

Cues = Mapping[str, Mapping[Modality, tuple[Floats, Floats]]]  # by sample_id


@dataclass(frozen=True)
class Shortcut:
    """How far statistics of one modality get in one protocol.

    Attributes:
        protocol: The rows, e.g. ``synth-surf@1``.
        modality: What was measured.
        what: ``whole image``, ``capture alone`` or ``background alone``.
        rates: On test, at the threshold of the equal error rate on dev.
        auc: Of the regression on test.
        leading: The single statistics that tell most on test, each with its AUC; one below 0.5 is
            higher for attacks.
    """

    protocol: str
    modality: Modality
    what: str
    rates: Rates
    auc: float
    leading: tuple[tuple[str, float], ...]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "protocol": self.protocol,
            "modality": self.modality.value,
            "what": self.what,
            "threshold": self.rates.threshold,
            "bpcer": self.rates.bpcer.rate,
            "apcer_pooled": self.rates.apcer_pooled.rate,
            "apcer_max": self.rates.apcer_max.rate,
            "acer_pooled": self.rates.acer_pooled.value,
            "acer_max": self.rates.acer_max.value,
            "auc": self.auc,
            "species": {s.name: s.apcer.rate for s in self.rates.species},
            "leading": dict(self.leading),
        }


def audit_shortcuts(manifest: Manifest, names: Sequence[str] = ()) -> list[Shortcut]:
    """Fit and measure every modality, in every protocol.

    Args:
        manifest: Its images are opened once, however many protocols there are.
        names: Protocols to apply to it; without any, its rows are taken as they stand.

    Raises:
        BadInput: A protocol does not fit, an image cannot be read, or a split lacks a class in a
            modality.
    """
    chosen = {name: protocols.apply(name, manifest) for name in names}
    if not chosen:
        chosen = {manifest.header.get("protocol", "all rows"): manifest}
    cues = measure_all(manifest)
    return [
        shortcut
        for name, rows in chosen.items()
        for modality in MODALITIES
        for shortcut in _of_modality(name, rows, modality, cues)
    ]


def measure_all(manifest: Manifest) -> Cues:
    """Measure the images of all rows."""
    rows = list(manifest)
    with ThreadPoolExecutor(2) as pool, progress("measuring", len(rows)) as tick:
        found = {}
        for row, cues in zip(rows, pool.map(partial(measure, manifest.root), rows), strict=True):
            found[row.sample_id] = cues
            tick()
    return found


def _of_modality(
    name: str, manifest: Manifest, modality: Modality, cues: Cues
) -> Iterator[Shortcut]:
    """The shortcuts of a modality; none if no row has it, and no second one that is the first."""
    having = [row for row in manifest if modality in cues[row.sample_id]]
    if not having:
        return
    by_split = {split: [row for row in having if row.split == split] for split in SPLITS}
    for split, rows in by_split.items():
        if len({row.is_bonafide for row in rows}) < 2:
            raise BadInput(
                f"{manifest.name}: {split} has no {modality.value} images of both classes"
            )
    names, capture = np.array(names_of(modality)), np.array(of_capture(modality))
    groups = [(WHOLE, 0, names, np.ones_like(capture))]
    if not capture.all():
        groups.append((CAPTURE, 0, names, capture))
    groups.append((SURROUNDINGS, 1, np.array(BACKGROUND), np.ones(len(BACKGROUND), bool)))
    for what, place, statistics, used in groups:
        values = {
            split: np.array([cues[row.sample_id][modality][place][used] for row in rows])
            for split, rows in by_split.items()
        }
        rates, auc = _evaluate(values, by_split)
        leading = _leading(statistics[used].tolist(), values["test"], by_split["test"])
        yield Shortcut(name, modality, what, rates, auc, leading)


def _evaluate(
    values: Mapping[str, Floats], rows: Mapping[str, Sequence[Row]]
) -> tuple[Rates, float]:
    """Fit on train, choose the threshold on dev, count on test; and the AUC there."""
    centre, spread = values["train"].mean(axis=0), values["train"].std(axis=0)
    scale = np.where(spread > 1e-9, spread, np.inf)  # what does not vary says nothing
    plain = {split: (found - centre) / scale for split, found in values.items()}
    weights = fit(plain["train"], np.array([row.is_bonafide for row in rows["train"]]))
    dev, test = (
        _presentations(plain[split] @ weights[1:] + weights[0], rows[split])
        for split in ("dev", "test")
    )
    threshold, auc = metrics.eer(dev).threshold, metrics.auc(test).value
    assert threshold is not None  # both classes are there
    assert auc is not None
    return metrics.rates(test, threshold), auc


def fit(values: Floats, is_bonafide: Mask) -> Floats:
    """Fit a logistic regression in which both classes weigh the same.

    Args:
        values: (n, k), each column about of unit variance.
        is_bonafide: (n,).

    Returns:
        Offset and weights, (k + 1,): ``weights[0] + values @ weights[1:]`` are log-odds.
    """
    sign = np.where(is_bonafide, 1.0, -1.0)
    share = np.where(is_bonafide, is_bonafide.mean(), 1 - is_bonafide.mean())
    weight = 0.5 / share
    design = np.column_stack([np.ones(len(values)), values])

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ weights)
        plain = np.concatenate([[0.0], weights[1:]])
        value = (weight * np.logaddexp(0, -margin)).sum() + 0.5 * PENALTY * plain @ plain
        slope = -(weight * sign * expit(-margin)) @ design + PENALTY * plain
        return float(value), slope

    start = np.zeros(design.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    return np.asarray(found.x, np.float64)


def _leading(
    names: Sequence[str], values: Floats, rows: Sequence[Row]
) -> tuple[tuple[str, float], ...]:
    """The single statistics whose AUC is furthest from one half."""
    told = []
    for name, column in zip(names, values.T, strict=True):
        auc = metrics.auc(_presentations(column, rows)).value
        told.append((name, 0.5 if auc is None else auc))
    told.sort(key=lambda pair: -abs(pair[1] - 0.5))
    return tuple(told[:LEADING])


def _presentations(scores: Floats, rows: Sequence[Row]) -> metrics.Presentations:
    return metrics.presentations(
        scores, [row.is_bonafide for row in rows], [row.pai_species for row in rows]
    )
