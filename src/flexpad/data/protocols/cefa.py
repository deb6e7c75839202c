"""CASIA-SURF CeFA: unseen ethnicities, unseen attacks, unseen modalities.

Every protocol is a rule over the one split of the data set, which goes by the subject's number;
``casia_cefa`` holds the author lists against it.

Protocols: Liu et al., "CASIA-SURF CeFA: A Benchmark for Multi-Modal Cross-Ethnicity Face
Anti-Spoofing", WACV 2021; lists ``CASIA_CeFA@p*`` and their counts: the authors' readme at
https://github.com/liuajian/CASIA-FAS-Dataset. The lists are called p1.1, p1.3, p1.5 and p4.1, p4.3,
p4.5 where the paper says 1_1, 1_2, 1_3 and 4_1, 4_2, 4_3. # inferred from the order of the readme
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import or_

import polars as pl

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import Protocol, with_rendered
from flexpad.data.reading import Published
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, SPLITS, BadInput, Modality

ETHNICITIES = ("african", "central_asian", "east_asian")
CLOTH_PRINT, REPLAY = "cloth_print", "replay"
MASKS = ("mask_3d", "mask_silicone")
CHALLENGE = "challenge"  # the group that tells the rows of the challenge's sub-protocols apart
DATA_SETS = ("casia_cefa",)


@dataclass(frozen=True)
class Part:
    """What a protocol uses of a split: bona fide and some species, of some ethnicities.

    Attributes:
        ethnicities: Whose bona fide presentations, prints and replays; masks are of no ethnicity.
        species: Which attacks.
    """

    ethnicities: tuple[str, ...]
    species: tuple[str, ...]

    def has(self, species: str, ethnicity: str) -> bool:
        """Whether a video is used.

        Args:
            species: Its PAI species, "" for bona fide.
            ethnicity: That of its subject, "" for a mask.
        """
        if species in MASKS:
            return species in self.species
        return ethnicity in self.ethnicities and (not species or species in self.species)

    def rows(self) -> pl.Expr:
        """The same as a condition on the columns of a manifest."""
        species, ethnicity = pl.col("pai_species"), pl.col("group_ethnicity")
        is_mask = species.is_in(MASKS)
        is_used = species.is_in(["", *self.species])
        return is_used & (is_mask | ethnicity.is_in(self.ethnicities))


Rule = Mapping[str, Part]  # by split


def _one_ethnicity(place: int, seen: tuple[str, ...], unseen: tuple[str, ...]) -> Rule:
    """Train and choose thresholds on one ethnicity, test on the two others."""
    one = ETHNICITIES[place : place + 1]
    others = tuple(name for name in ETHNICITIES if name not in one)
    part = Part(one, seen)
    return {"train": part, "dev": part, "test": Part(others, (*unseen, *MASKS))}


def _all_ethnicities(seen: tuple[str, ...], unseen: tuple[str, ...]) -> Rule:
    part = Part(ETHNICITIES, seen)
    return {"train": part, "dev": part, "test": Part(ETHNICITIES, unseen)}


_2D = (CLOTH_PRINT, REPLAY)
_MODALITY = _all_ethnicities(_2D, _2D)
RULES: dict[str, Rule] = {
    **{f"1.{place + 1}": _one_ethnicity(place, _2D, _2D) for place in range(3)},
    "2.1": _all_ethnicities((CLOTH_PRINT,), (REPLAY, *MASKS)),
    "2.2": _all_ethnicities((REPLAY,), (CLOTH_PRINT, *MASKS)),
    **{f"3.{place + 1}": _MODALITY for place in range(3)},
    **{f"4.{place + 1}": _one_ethnicity(place, (REPLAY,), (CLOTH_PRINT,)) for place in range(3)},
}
# Which rule each author list follows; there is one list for all of protocol 3.
AUTHOR_LISTS = {
    "p1.1": "1.1",
    "p1.3": "1.2",
    "p1.5": "1.3",
    "p2.1": "2.1",
    "p2.2": "2.2",
    "p3": "3.1",
    "p4.1": "4.1",
    "p4.3": "4.2",
    "p4.5": "4.3",
}
# Frames in train, dev and test, from the readme. Its list of protocol 3 has 438,764 test images,
# two for each of 219,382 frames. Twice the test of 2.2 taken from those of 4.x leaves 42,110 frames
# of masks, and with these those of 1.x leave 219,382 others: protocol 3 has no masks. # inferred
_FRAMES = {
    "1.1": (71_915, 36_298, 191_161),
    "1.2": (73_304, 37_855, 185_833),
    "1.3": (71_704, 36_193, 188_100),
    "2.1": (166_255, 83_499, 151_807),
    "2.2": (109_632, 56_070, 210_252),
    "3.1": (216_923, 110_346, 219_382),
    "3.2": (216_923, 110_346, 219_382),
    "3.3": (216_923, 110_346, 219_382),
    "4.1": (36_513, 18_468, 155_967),
    "4.2": (37_167, 19_093, 152_717),
    "4.3": (35_952, 18_509, 153_930),
}
_WHOLE_FRAMES = (216_923, 110_346, 219_382 + 42_110)
SUBJECTS = {"train": 200, "dev": 100, "test": 200}  # of each ethnicity
_VIDEOS = {CLOTH_PRINT: 2, REPLAY: 1}  # of each subject
_MASK_COUNTS = {"mask_3d": (1079, 99), "mask_silicone": (44, 8)}  # videos, subjects


def counts(rule: Rule, frames: tuple[int, ...] = ()) -> Iterator[Published]:
    """Count what a rule has, by the numbers of subjects and videos that were published.

    Args:
        rule: A protocol's, or one that takes everything.
        frames: How many frames train, dev and test have.
    """
    for place, (split, part) in enumerate(rule.items()):
        people = SUBJECTS[split] * len(part.ethnicities)
        of_species = {
            name: _MASK_COUNTS[name] if name in MASKS else (people * _VIDEOS[name], people)
            for name in part.species
        }
        attacks = sum(videos for videos, _ in of_species.values())
        in_masks = sum(wearers for name, (_, wearers) in of_species.items() if name in MASKS)
        yield Published(split, BONAFIDE, videos=people, subjects=people)
        for name, (videos, subjects) in of_species.items():
            yield Published(split, name, videos=videos, subjects=subjects)
        yield Published(split, ATTACK, videos=attacks, subjects=people + in_masks)
        total = frames[place] if frames else None
        yield Published(split, "all", people + attacks, total, people + in_masks)


PUBLISHED = tuple(counts({**_MODALITY, "test": Part(ETHNICITIES, (*_2D, *MASKS))}, _WHOLE_FRAMES))


def _choose(name: str, manifest: Manifest) -> Manifest:
    """Take the rows of a rule."""
    columns = manifest.rows.table.columns
    if f"group_{CHALLENGE}" in columns:
        raise BadInput(
            f"{manifest.name}: the challenge's dev and test are anonymous, so cefa@{name} cannot be"
            " told from them; use cefa@challenge_4.1, 4.2 or 4.3"
        )
    if "group_ethnicity" not in columns:
        raise BadInput(
            f"{manifest.name}: lacks the column group_ethnicity, which cefa@{name} needs"
        )
    parts = ((pl.col("split") == split) & part.rows() for split, part in RULES[name].items())
    return manifest.where(reduce(or_, parts))


def _cross_modality(name: str, seen: Modality, manifest: Manifest) -> Manifest:
    """Leave train and dev one modality, and test the two others."""
    is_test = pl.col("split") == "test"
    blank = {
        modality.value: is_test if modality is seen else ~is_test for modality in MODALITIES
    } | {"thermal": pl.lit(value=True)}
    blank |= {f"{modality}_encoding": blank[modality] for modality in ("depth", "ir")}
    whole = _choose(name, manifest).rows.table.with_columns(
        pl.when(gone).then(pl.lit("")).otherwise(pl.col(column)).alias(column)
        for column, gone in blank.items()
    )
    left = whole.filter(pl.any_horizontal(pl.col(m.value) != "" for m in MODALITIES))
    absent = {f"absent_{m.value}": str((left[m.value] == "").sum()) for m in MODALITIES}
    lost = f"{whole.height - left.height} rows without the modality of their split"
    header = {**manifest.header, **absent, "protocol_dropped": lost}
    return replace(manifest, rows=type(manifest.rows)(left), header=header)


def _challenge(number: int, manifest: Manifest) -> Manifest:
    """Take what the lists of one sub-protocol of the challenge name."""
    column = f"group_{CHALLENGE}"
    if column not in manifest.rows.table.columns:
        raise BadInput(f"{manifest.name}: is not the challenge's layout; use cefa@4.{number}")
    chosen = manifest.where(pl.col(column).str.split(" ").list.contains(f"4@{number}"))
    if chosen.rows and "test" not in chosen.rows.table["split"]:
        raise BadInput(
            f"{manifest.name}: the challenge's test has no labels, so nothing can be measured on"
            f" it; write them to phase2/4@{number}_test_ref.txt as 'test/000001 1' (1 = bona fide),"
            " or train and choose thresholds without --protocol"
        )
    return chosen


_ETHNICITY = ("African", "Central Asian", "East Asian")
_SUMMARIES = {
    **{
        f"1.{place + 1}": f"unseen ethnicities: train and dev {name}, test the two others and masks"
        for place, name in enumerate(_ETHNICITY)
    },
    "2.1": "unseen attacks: train and dev cloth prints, test replays and masks",
    "2.2": "unseen attacks: train and dev replays, test cloth prints and masks",
    **{
        f"4.{place + 1}": "unseen ethnicities and attacks: train and dev replays,"
        f" {name}; test cloth prints of the two others and masks"
        for place, name in enumerate(_ETHNICITY)
    },
}
_NAMES = {Modality.RGB: "RGB", Modality.DEPTH: "depth", Modality.IR: "infrared"}
_REAL = {
    f"cefa@{name}": Protocol(
        summary, DATA_SETS, partial(_choose, name), tuple(counts(RULES[name], _FRAMES[name]))
    )
    for name, summary in _SUMMARIES.items()
}
# Which modality is which sub-protocol's is in the order R, D, I. # inferred: nobody says
for _place, _seen in enumerate(MODALITIES, start=1):
    _REAL[f"cefa@3.{_place}"] = Protocol(
        f"unseen modalities: train and dev {_NAMES[_seen]} alone, test the two others; no masks",
        DATA_SETS,
        partial(_cross_modality, f"3.{_place}", _seen),
        tuple(counts(RULES[f"3.{_place}"], _FRAMES[f"3.{_place}"])),
    )
PROTOCOLS = with_rendered(_REAL, "synth_cefa")
for _number in (1, 2, 3):
    PROTOCOLS[f"cefa@challenge_4.{_number}"] = Protocol(
        f"4@{_number} of the CVPR 2020 challenge; its anonymous test is of use once it has labels",
        DATA_SETS,
        partial(_challenge, _number),
        tuple(
            Published(split, what, videos=videos)
            for split, numbers in zip(SPLITS, ((200, 200), (100, 100), (400, 1800)), strict=True)
            for what, videos in zip((BONAFIDE, ATTACK), numbers, strict=True)
        ),
    )
