"""Error rates at a threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flexpad.metrics.presentations import NO_ATTACK, NO_BONAFIDE, Floats, Presentations
from flexpad.metrics.proportion import Figure, Proportion, acer, proportion


@dataclass(frozen=True, slots=True)
class SpeciesRate:
    """The rates of one PAI species.

    Attributes:
        name: The species.
        apcer: Answered attacks that were accepted as bona fide.
        apnrr: Attacks that got no response, of all attacks of the species.
    """

    name: str
    apcer: Proportion
    apnrr: Proportion


@dataclass(frozen=True, slots=True)
class Rates:
    """Every error rate at one threshold.

    Attributes:
        threshold: Accepted iff ``score >= threshold``.
        bpcer: Answered bona fide presentations that were rejected.
        species: One entry per PAI species, by name; a species without an answer is listed too.
        worst_species: The species ``apcer_max`` belongs to.
        apcer_max: The APCER of the worst species, with that species' interval. Of species with the
            same APCER it is the one with the wider upper bound, that is the smaller sample. The
            interval is not corrected for having chosen the worst.
        apcer_pooled: All attacks in one pool, never above ``apcer_max``.
        acer_max: Mean of ``apcer_max`` and ``bpcer``.
        acer_pooled: Mean of ``apcer_pooled`` and ``bpcer``.
        bpnrr: Bona fide presentations that got no response, of all of them.
        apnrr: Attacks that got no response, all species together.
    """

    threshold: float
    bpcer: Proportion
    species: tuple[SpeciesRate, ...]
    worst_species: str | None
    apcer_max: Proportion
    apcer_pooled: Proportion
    acer_max: Figure
    acer_pooled: Figure
    bpnrr: Proportion
    apnrr: Proportion


def rates(items: Presentations, threshold: float) -> Rates:
    """Every error rate at a threshold.

    Source: APCER of a species, its maximum over species, BPCER, APNRR and BPNRR as ISO/IEC 30107-3
    defines them; the pooled APCER and ACER as papers of the field use them.

    Raises:
        ValueError: The threshold is NaN.
    """
    if math.isnan(threshold):
        raise ValueError("the threshold is NaN")
    species = tuple(
        _species_rate(name, items.attacks[name], items.silent_attacks[name], threshold)
        for name in sorted(items.attacks)
    )
    worst = _worst(species)
    rejected = int(np.searchsorted(items.bonafide, threshold, "left"))
    bpcer = proportion(rejected, len(items.bonafide), NO_BONAFIDE)
    pooled = proportion(count_accepted(items.pooled, threshold), len(items.pooled), NO_ATTACK)
    apcer_max = worst.apcer if worst else proportion(0, 0, NO_ATTACK)
    n_bonafide = len(items.bonafide) + items.silent_bonafide
    silent = sum(items.silent_attacks.values())
    return Rates(
        threshold=threshold,
        bpcer=bpcer,
        species=species,
        worst_species=worst.name if worst else None,
        apcer_max=apcer_max,
        apcer_pooled=pooled,
        acer_max=acer(apcer_max, bpcer),
        acer_pooled=acer(pooled, bpcer),
        bpnrr=proportion(items.silent_bonafide, n_bonafide, "there is no bona fide presentation"),
        apnrr=proportion(silent, len(items.pooled) + silent, "there is no attack presentation"),
    )


def hter(items: Presentations, threshold: float) -> Figure:
    """Half total error rate: mean of the pooled APCER and BPCER at a threshold.

    It is ``acer_pooled`` under the name of domain-generalisation papers, which take the threshold
    from the equal error rate of the test data itself; flexpad takes the one it is given.

    Raises:
        ValueError: The threshold is NaN.
    """
    return rates(items, threshold).acer_pooled


def count_accepted(scores: Floats, threshold: float) -> int:
    """How many of the sorted scores reach the threshold."""
    return len(scores) - int(np.searchsorted(scores, threshold, "left"))


def _species_rate(name: str, scores: Floats, silent: int, threshold: float) -> SpeciesRate:
    missing = f"no attack of species {name} was answered"
    return SpeciesRate(
        name,
        apcer=proportion(count_accepted(scores, threshold), len(scores), missing),
        apnrr=proportion(silent, len(scores) + silent, missing),
    )


def _worst(species: tuple[SpeciesRate, ...]) -> SpeciesRate | None:
    """The species with the highest APCER; of several the one with the widest upper bound."""
    answered = [entry for entry in species if entry.apcer.rate is not None]
    return max(
        answered, key=lambda entry: (entry.apcer.rate or 0, entry.apcer.high or 0), default=None
    )
