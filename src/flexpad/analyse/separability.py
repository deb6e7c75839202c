"""How well features part bona fides from attacks, and whether they tell which camera took them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from flexpad import metrics
from flexpad.analyse import discriminant, probe
from flexpad.analyse.features import Features
from flexpad.analyse.probe import Probe
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, SPLITS, Modality

Json = dict[str, Any]

POOLED = "pooled"
PROBED = ("balanced_accuracy", "acer_pooled", "acer_max", "dev_eer", "threshold", "strength")
PARTED = ("fisher_ratio", "fisher_ratio_by_chance")
NAMED = ("balanced_accuracy", "dev_balanced_accuracy", "chance", "strength", "confusion")


def separability(features: Mapping[str, Features]) -> Json:
    """Measure the features of each modality alone, and of all modalities in one pool.

    Args:
        features: Of train, dev and test.

    Returns:
        By modality, and ``pooled``, what :func:`part` gives.
    """
    parts: dict[str, Modality | None] = {str(m): m for m in MODALITIES} | {POOLED: None}
    return {
        name: part({split: found.of(modality) for split, found in features.items()})
        for name, modality in parts.items()
    }


def part(features: Mapping[str, Features]) -> Json:
    """Probe some features and give their Fisher ratio; what cannot be known is None, with a reason.

    Args:
        features: Of train, dev and test.
    """
    numbers = {split: _counts(features[split]) for split in SPLITS}
    short = next(filter(None, (_lacking(features[s], s) for s in SPLITS)), None)
    probed = _undefined(PROBED, short) if short else _probe(features)
    few = _lacking(features["test"], "test", least=2)
    return {"n": numbers, **probed, **(_undefined(PARTED, few) if few else _fisher(features))}


def modality_probe(features: Mapping[str, Features]) -> Json:
    """Ask which modality a bona fide image is of, from its feature alone.

    Attacks are left out, so that what an instrument does to a camera helps nobody.

    Args:
        features: Of train, dev and test.

    Returns:
        Balanced accuracy on test, what guessing gives, and the confusion matrix, a row for each
        true modality.
    """
    bonafide = {split: found.where(found.is_bonafide) for split, found in features.items()}
    seen = {split: set(found.modality.tolist()) for split, found in bonafide.items()}
    everywhere = sorted(set.intersection(*seen.values()))
    names = [str(MODALITIES[place]) for place in everywhere]
    if len(everywhere) < 2:
        reason = "fewer than two modalities have bona fide images in train, dev and test"
        return {"modalities": names, **_undefined(NAMED, reason)}
    known = {s: found.where(np.isin(found.modality, everywhere)) for s, found in bonafide.items()}

    def accuracy(one: Probe, split: str) -> float:
        return probe.balanced_accuracy(known[split].modality, one.name(known[split].values))

    train = known["train"]
    chosen = probe.choose(train.values, train.modality, lambda one: 1 - accuracy(one, "dev"))
    named = chosen.name(known["test"].values)
    confusion = confusion_matrix(known["test"].modality, named, labels=everywhere)
    return {
        "modalities": names,
        "balanced_accuracy": accuracy(chosen, "test"),
        "dev_balanced_accuracy": 1 - chosen.error_on_dev,
        "chance": 1 / len(everywhere),
        "strength": chosen.strength,
        "confusion": confusion.tolist(),
    }


def _probe(features: Mapping[str, Features]) -> Json:
    train, dev, test = (features[split] for split in SPLITS)
    chosen, threshold = probe.choose_pad(train, dev)
    rates = metrics.rates(probe.judged(chosen, test), threshold)
    named = chosen.decide(test.values) > 0
    return {
        "balanced_accuracy": probe.balanced_accuracy(test.is_bonafide, named),
        "acer_pooled": rates.acer_pooled.value,
        "acer_max": rates.acer_max.value,
        "dev_eer": chosen.error_on_dev,
        "threshold": threshold,
        "strength": chosen.strength,
    }


def _fisher(features: Mapping[str, Features]) -> Json:
    test = features["test"]
    found = (
        discriminant.fisher_ratio(test.values, test.is_bonafide),
        discriminant.ratio_by_chance(test.values, test.is_bonafide),
    )
    return dict(zip(PARTED, found, strict=True))


def _lacking(features: Features, split: str, least: int = 1) -> str | None:
    """Why some features cannot be told apart; None if they can."""
    if not len(features):
        return f"{split} has no image"
    for kind, number in _counts(features).items():
        if number < least:
            word = "bona fide" if kind == BONAFIDE else kind
            return f"{split} has {'no' if not number else f'only {number}'} {word} image"
    return None


def _counts(features: Features) -> dict[str, int]:
    bonafide = int(features.is_bonafide.sum())
    return {BONAFIDE: bonafide, ATTACK: len(features) - bonafide}


def _undefined(names: tuple[str, ...], reason: str) -> Json:
    return {
        key: value for name in names for key, value in ((name, None), (f"{name}_reason", reason))
    }
