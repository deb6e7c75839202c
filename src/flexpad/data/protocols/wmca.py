"""WMCA: seen attacks, and each of seven species left out of training in turn.

Counts: the lists ``p1_video_*`` of https://github.com/liuajian/CASIA-FAS-Dataset, with which
``WMCA_Grandtest.txt`` there agrees. Rule of the protocols that leave a species out: bob.pad.face
2.2.3.
"""

from __future__ import annotations

from functools import partial, reduce
from operator import or_

import polars as pl

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import Protocol, with_rendered
from flexpad.data.reading import Published
from flexpad.types import ATTACK, BONAFIDE, SPLITS, BadInput

DATA_SETS = ("wmca",)
# Videos in train, dev and test.
_VIDEOS = {
    BONAFIDE: (124, 108, 115),
    "fakehead": (53, 52, 17),
    "flexiblemask": (111, 131, 137),
    "glasses": (31, 22, 22),
    "papermask": (0, 0, 71),
    "prints": (68, 66, 66),
    "replay": (152, 116, 80),
    "rigidmask": (26, 62, 49),
}
_SUBJECTS = (35, 34, 34)
SPECIES = tuple(name for name in _VIDEOS if name != BONAFIDE)


def is_left_in(species: str, split: str, of_row: str) -> bool:
    """Whether a row is used where a species is left out of training.

    Args:
        species: What is left out.
        split: The split of the row.
        of_row: Its species, "" for bona fide.
    """
    return of_row in ("", species) if split == "test" else of_row != species


def _counts(left_out: str = "") -> tuple[Published, ...]:
    """Count what grandtest has, or what a protocol that leaves a species out has."""
    published = []
    for place, split in enumerate(SPLITS):
        videos = {
            name: counts[place]
            for name, counts in _VIDEOS.items()
            if name != BONAFIDE and (not left_out or is_left_in(left_out, split, name))
        }
        bonafide, attacks = _VIDEOS[BONAFIDE][place], sum(videos.values())
        published += [
            Published(split, BONAFIDE, videos=bonafide),
            *(Published(split, name, videos=count) for name, count in videos.items() if count),
            Published(split, ATTACK, videos=attacks),
            Published(
                split,
                "all",
                videos=bonafide + attacks,
                subjects=None if left_out else _SUBJECTS[place],
            ),
        ]
    return tuple(published)


def _grandtest(manifest: Manifest) -> Manifest:
    """Take the splits as listed."""
    return manifest


def _leave_out(species: str, manifest: Manifest) -> Manifest:
    """Take a species out of train and dev, and every other one out of test."""
    if species not in manifest.rows.table["pai_species"]:
        raise BadInput(f"{manifest.name}: has no attack of species {species!r} to leave out")
    of_row = pl.col("pai_species")
    rules = {
        "train": of_row != species,
        "dev": of_row != species,
        "test": of_row.is_in(["", species]),
    }
    return manifest.where(
        reduce(or_, ((pl.col("split") == split) & rule for split, rule in rules.items()))
    )


PUBLISHED = _counts()
_REAL = {
    "wmca@grandtest": Protocol(
        "seen attacks of unseen subjects; paper masks are in test alone, so one is unseen",
        DATA_SETS,
        _grandtest,
        PUBLISHED,
    )
} | {
    f"wmca@loo_{_species}": Protocol(
        f"an unseen attack: no {_species} in train and dev, no other attack in test",
        DATA_SETS,
        partial(_leave_out, _species),
        _counts(_species),
    )
    for _species in SPECIES
}
PROTOCOLS = with_rendered(_REAL, "synth_wmca")
