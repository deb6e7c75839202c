"""The families of rendered sets: one file, one real data set to be modelled on."""

from __future__ import annotations

from collections.abc import Mapping

from flexpad.synth.config import SynthConfig
from flexpad.synth.families import cefa, surf, wmca
from flexpad.synth.plan import Family, Subject

FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (surf.FAMILY, cefa.FAMILY, wmca.FAMILY)
}


def subjects_of(config: SynthConfig) -> list[Subject]:
    """Everybody in a set, train first."""
    family = FAMILIES[config.family]
    counts = family.sizes[config.size]
    return list(family.subjects(counts.part(config.part) if config.part else counts))
