"""From frames to the unit that is measured. Units are never mixed."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from flexpad.score_table.table import ScoreTable
from flexpad.types import BadInput

UNITS = ("frame", "video")
FRAMES_TO_VIDEO = {
    "mean": "mean of the answered frames",
    "median": "median of the answered frames",
    "first": "first answered frame",
}
OF_A_VIDEO = ("label", "pai_species", "subject_id", "split")  # the same for all its frames
_SUMMARY = {"mean": pl.Expr.mean, "median": pl.Expr.median, "first": pl.Expr.first}


def per_unit(table: ScoreTable, unit: str, how: str = "mean") -> ScoreTable:
    """Turn a table of frames into the unit that is measured: ``frame`` or ``video``.

    A video's score is the mean, the median or the first of its answered frames' scores, in the
    order of the table; without an answered frame the video is a non-response. Its sample_id is its
    video_id; a group its frames do not share becomes "". A table of videos says so in its header,
    and how they were made, and is never summed up again.

    Args:
        table: Of frames, or already of the unit.
        unit: ``frame`` or ``video``.
        how: ``mean``, ``median`` or ``first``.

    Raises:
        BadInput: The unit or the way is unknown, the table is of another unit or its videos were
            made another way, a row has no video_id, or the frames of one video have several labels,
            species, subjects or splits.
    """
    if unit not in UNITS:
        raise BadInput(f"unit {unit!r} is unknown; choose {' or '.join(UNITS)}")
    if how not in FRAMES_TO_VIDEO:
        raise BadInput(f"frames to video: {how!r} is unknown; choose {', '.join(FRAMES_TO_VIDEO)}")
    already = table.header.get("unit", "frame")
    if already == unit:
        made = table.header.get("frames_to_video")
        if unit == "video" and made not in (None, FRAMES_TO_VIDEO[how]):
            raise BadInput(
                f"{table.name}: a video's score is the {made}, not the {FRAMES_TO_VIDEO[how]};"
                " give the frames' table"
            )
        return table
    if already != "frame":
        raise BadInput(f"{table.name}: its rows are of unit {already!r}; give the frames' table")
    key = ["dataset", "protocol", "condition", "video_id"]
    _check_videos(table, key)
    videos = table.rows.group_by(key, maintain_order=True).agg(
        pl.col("video_id").first().alias("sample_id"),
        pl.col(OF_A_VIDEO).first(),
        *(_if_shared(column) for column in table.groups),
        _SUMMARY[how](pl.col("score").fill_nan(None).drop_nulls()),
    )
    header = {**table.header, "unit": unit, "frames_to_video": FRAMES_TO_VIDEO[how]}
    return replace(table, rows=videos.select(table.rows.columns), header=header)


def _if_shared(column: str) -> pl.Expr:
    several = pl.col(column).n_unique() > 1
    return pl.when(several).then(pl.lit("")).otherwise(pl.col(column).first()).alias(column)


def _check_videos(table: ScoreTable, key: list[str]) -> None:
    """Refuse rows that are of no video, and videos that are of two minds about what they show."""
    if (table.rows["video_id"] == "").any():
        sample = table.rows.filter(pl.col("video_id") == "")["sample_id"][0]
        raise BadInput(f"{table.name}: {sample!r} has no video_id; measure in unit 'frame'")
    kinds = table.rows.select(*key, *OF_A_VIDEO).unique(maintain_order=True)
    twice = kinds.filter(~pl.struct(key).is_unique())
    if twice.is_empty():
        return
    video = twice.filter(pl.struct(key) == pl.struct(key).first())
    column = next(column for column in OF_A_VIDEO if video[column].n_unique() > 1)
    found = " and ".join(map(repr, sorted(set(video[column]))))
    raise BadInput(
        f"{table.name}: video {video['video_id'][0]!r} has {column} {found}; give each video one"
    )
