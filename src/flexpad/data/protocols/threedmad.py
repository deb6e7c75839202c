"""3DMAD: one fixed split by subject, and each subject left out in turn.

Papers leave one subject out and draw the others at random into train and dev, which nobody can
repeat. Here both are fixed by the subjects' numbers. # inferred
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import polars as pl

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import Protocol
from flexpad.data.reading import Published
from flexpad.types import ATTACK, BONAFIDE

SUBJECTS = tuple(f"{number:02d}" for number in range(1, 18))
MASK = "rigid_mask"
_LAST = {"train": "07", "dev": "12", "test": "17"}  # 7, 5 and 5 subjects
_IN_TRAIN = 8  # of the 16 subjects that are not left out
_BONAFIDE, _ATTACKS = 10, 5  # videos of a subject: two sessions and one, five shots each


def split_of(subject: str) -> str:
    """Say which split a subject is in; "" for one 3DMAD does not have.

    >>> split_of("07"), split_of("08"), split_of("18")
    ('train', 'dev', '')
    """
    known = subject if subject in SUBJECTS else ""
    return next((split for split, last in _LAST.items() if known and known <= last), "")


def split_without(left_out: str, subject: str) -> str:
    """Say which split a subject is in where one is left out for test.

    The eight subjects after it, counted in a circle, are train, and the eight before it dev.
    """
    distance = (SUBJECTS.index(subject) - SUBJECTS.index(left_out)) % len(SUBJECTS)
    if not distance:
        return "test"
    return "train" if distance <= _IN_TRAIN else "dev"


def _counts(split_of: Callable[[str], str]) -> tuple[Published, ...]:
    subjects = [split_of(subject) for subject in SUBJECTS]
    counts = {split: subjects.count(split) for split in _LAST}
    return tuple(
        Published(split, what, videos=count * videos, subjects=count)
        for split, count in counts.items()
        for what, videos in ((BONAFIDE, _BONAFIDE), (MASK, _ATTACKS), (ATTACK, _ATTACKS))
    )


def _fixed(manifest: Manifest) -> Manifest:
    """Take the split of the reader."""
    return manifest


def _leave_out(left_out: str, manifest: Manifest) -> Manifest:
    """Put every subject into the split it has where one is left out."""
    splits = {subject: split_without(left_out, subject) for subject in SUBJECTS}
    table = manifest.rows.table.with_columns(
        split=pl.col("subject_id").replace_strict(splits, return_dtype=pl.String)
    )
    return replace(manifest, rows=type(manifest.rows)(table))


PUBLISHED = _counts(split_of)
PROTOCOLS = {
    "threedmad@1": Protocol(
        "unseen subjects: 01-07 train, 08-12 dev, 13-17 test; a split of this project",
        ("threedmad",),
        _fixed,
        PUBLISHED,
    )
} | {
    f"threedmad@loo_{_subject}": Protocol(
        f"subject {_subject} left out for test; a fixed order of the rest",
        ("threedmad",),
        partial(_leave_out, _subject),
        _counts(partial(split_without, _subject)),
    )
    for _subject in SUBJECTS
}
