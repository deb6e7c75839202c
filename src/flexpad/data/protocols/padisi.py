"""PADISI-Face: three folds by participant, as published with the set.

Counts of the first fold: its partition file at https://github.com/vimal-isi-edu/PADISI_USC_Dataset,
with which the lists ``P`` of the MMDG benchmark agree; of the others only test was counted.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from flexpad.data.manifest import Manifest, Rows
from flexpad.data.protocols.protocol import Protocol
from flexpad.data.reading import Published
from flexpad.data.row import GROUP_PREFIX
from flexpad.types import SPLITS, BadInput

FOLDS = ("part0", "part1", "part2")
GROUP = "split_{fold}"  # the group that says which split a row is in, in each fold
PUBLISHED = {
    "part0": {"train": 1090, "dev": 272, "test": 667},
    "part1": {"test": 676},
    "part2": {"test": 686},
}


def published(fold: str) -> tuple[Published, ...]:
    """Give the counts of a fold."""
    return tuple(Published(split, "all", videos=n) for split, n in PUBLISHED[fold].items())


def _fold(fold: str, manifest: Manifest) -> Manifest:
    """Take the splits of a fold, which every row tells as a group."""
    column = GROUP_PREFIX + GROUP.format(fold=fold)
    table = manifest.rows.table
    if column not in table.columns:
        raise BadInput(
            f"{manifest.name}: has no column {column}; read PADISI-Face with the partition file of"
            f" {fold}"
        )
    told = table.filter(pl.col(column).is_in(SPLITS)).with_columns(split=pl.col(column))
    return Manifest(manifest.root, Rows(told), manifest.header, manifest.name)


PROTOCOLS = {
    f"padisi@3folds_{fold}": Protocol(
        f"unseen participants, fold {number} of 3",
        ("padisi",),
        partial(_fold, fold),
        published(fold),
    )
    for number, fold in enumerate(FOLDS, start=1)
}
