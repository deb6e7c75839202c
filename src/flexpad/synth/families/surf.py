"""Prints with holes, as in CASIA-SURF: three kinds to train on, three others to be tested on.

Every subject has one bona fide take and one of each of the three cuts of its split, as the author
lists have it. Cuts and what they are called: Zhang et al., "CASIA-SURF: A Large-Scale Multi-Modal
Benchmark for Face Anti-Spoofing", TBIOM 2020.
"""

from __future__ import annotations

from collections.abc import Iterator

from flexpad.data.protocols.surf import SURF_SPECIES
from flexpad.data.rendered import SUBJECT_PREFIX
from flexpad.synth.instruments import BONAFIDE_VIDEO
from flexpad.synth.plan import Counts, Family, Subject, Take
from flexpad.synth.recording import frame_numbers
from flexpad.types import BONAFIDE, SPLITS

CUTS = {
    "01_e_s": "flat_cut_e",
    "02_e_b": "bent_cut_e",
    "03_en_s": "flat_cut_en",
    "04_en_b": "bent_cut_en",
    "05_enm_s": "flat_cut_enm",
    "06_enm_b": "bent_cut_enm",
}
FIRST = {"train": 1, "dev": 4001, "test": 5001}  # a subject's number tells its split, in any size
SIZES = {
    "small": Counts((150, 50, 100), bonafide_frames=5, attack_frames=3),
    "standard": Counts((225, 75, 150), bonafide_frames=5, attack_frames=3),
}


def subjects(counts: Counts) -> list[Subject]:
    """Everybody in a set, train first."""
    return [
        _subject(FIRST[split] + number, split, counts)
        for split, count in zip(SPLITS, counts.subjects, strict=True)
        for number in range(count)
    ]


def _subject(number: int, split: str, counts: Counts) -> Subject:
    name = f"{SUBJECT_PREFIX}RS{number:04d}"  # CASIA-SURF's own are CLKJ_AS0005 and so on
    return Subject(name, split, tuple(_takes(name, split, counts)))


def _takes(subject: str, split: str, counts: Counts) -> Iterator[Take]:
    frames = frame_numbers(counts.bonafide_frames)
    yield Take(BONAFIDE_VIDEO, "", "", f"{subject}/{BONAFIDE}", frames)
    for cut in SURF_SPECIES[split]:
        frames = frame_numbers(counts.attack_frames)
        yield Take(cut, CUTS[cut], cut, f"{subject}/{cut}", frames)


FAMILY = Family("surf", "synth_surf", SIZES, subjects)
