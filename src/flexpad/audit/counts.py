"""Videos, frames and subjects per split and species, beside what the authors published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from flexpad.data.findings import Findings
from flexpad.data.manifest import Manifest
from flexpad.data.reading import Published
from flexpad.types import ATTACK, BONAFIDE, SPLITS

UNITS = ("videos", "frames", "subjects")
ALL = "all"


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are of one kind in one split.

    Attributes:
        split: train, dev or test.
        what: ``bonafide``, a PAI species, ``attack`` for all species, or ``all``.
        videos: Recordings that were found.
        frames: Items that were found; None where only lists of videos were read.
        subjects: People that were found.
        published: What the authors say; None where they say nothing of this kind.
    """

    split: str
    what: str
    videos: int
    frames: int | None
    subjects: int
    published: Published | None = None

    def differs(self, unit: str) -> bool:
        """Whether the published number of a unit is another one than was found."""
        said = getattr(self.published, unit) if self.published else None
        found = getattr(self, unit)
        return said is not None and found is not None and said != found


def count(
    manifest: Manifest, published: Iterable[Published] = (), *, frames: bool = True
) -> list[Count]:
    """Count a manifest.

    Args:
        manifest: The rows.
        published: What to set beside.
        frames: Whether rows are frames; False if a row stands for a whole video.

    Returns:
        In the order of splits: bona fide, each species by name, all attacks, all; and last what was
        published but not found, with zeros.
    """
    said = {(p.split, p.what): p for p in published}
    table = manifest.rows.table
    species = pl.when(pl.col("label") == BONAFIDE).then(pl.lit(BONAFIDE))
    by_kind = _tally(table, species.otherwise(pl.col("pai_species")))
    by_label = _tally(table.filter(pl.col("label") == ATTACK), pl.lit(ATTACK))
    tallies = {**by_kind, **by_label, **_tally(table, pl.lit(ALL))}
    keys = sorted(tallies.keys() | said.keys(), key=_order)
    return [
        Count(split, what, videos, items if frames else None, subjects, said.get((split, what)))
        for split, what in keys
        for videos, items, subjects in [tallies.get((split, what), (0, 0, 0))]
    ]


def note_differences(counts: Iterable[Count], findings: Findings, *, frames: bool) -> None:
    """Note each published number that is not the one that was found.

    Args:
        counts: As :func:`count` gives them.
        findings: Gets ``count_differs``.
        frames: Whether frames are to be compared: not if only some were asked for.
    """
    for entry in counts:
        for unit in UNITS:
            if entry.differs(unit) and (frames or unit != "frames"):
                found, said = getattr(entry, unit), getattr(entry.published, unit)
                findings.note(
                    "count_differs",
                    f"{entry.split} {entry.what}: {found:,} {unit}, published {said:,}",
                )


def _tally(table: pl.DataFrame, what: pl.Expr) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Count videos, items and subjects by split and kind."""
    keyed = table.select(
        "split",
        what.alias("what"),
        video=pl.struct("dataset", "video_id"),
        subject=pl.struct("dataset", "subject_id"),
    )
    tallied = keyed.group_by("split", "what").agg(
        pl.col("video").n_unique(), pl.len(), pl.col("subject").n_unique()
    )
    return {
        (split, kind): (videos, frames, subjects)
        for split, kind, videos, frames, subjects in tallied.iter_rows()
    }


def _order(key: tuple[str, str]) -> tuple[int, int, str]:
    split, what = key
    place = {BONAFIDE: 0, ATTACK: 2, ALL: 3}.get(what, 1)
    return SPLITS.index(split), place, what
