"""Subjects, videos and files that stand in more than one split."""

from __future__ import annotations

import polars as pl

from flexpad.data.findings import EXAMPLES, Findings
from flexpad.data.manifest import Manifest
from flexpad.data.row import PATHS
from flexpad.types import SPLITS

# One recording is one file in these containers; elsewhere ("a.tar::b.jpg") a member is a file.
_RECORDING = r"(\.(?:hdf5|h5))::.*$"


def note_overlaps(manifest: Manifest, findings: Findings) -> None:
    """Note what two splits share.

    A subject or video is told by its id within its data set, a file by its path; frames of one
    HDF5 file are one file.

    Args:
        manifest: Rows of several splits.
        findings: Gets ``subject_overlap``, ``video_overlap`` and ``file_overlap``.
    """
    table = manifest.rows.table
    for what in ("subject", "video"):
        keyed = table.select("split", "dataset", key=pl.col(f"{what}_id"))
        _note(f"{what}_overlap", what, keyed, manifest.name, findings)
    paths = pl.concat([table.select("split", key=pl.col(column)) for column in PATHS])
    files = paths.filter(pl.col("key") != "").with_columns(
        pl.lit("").alias("dataset"), pl.col("key").str.replace(_RECORDING, "$1")
    )
    plain = pl.col("key").str.replace(r"^(\./+)+", "").str.replace_all(r"/(\.?/)+", "/")
    _note("file_overlap", "file", files.with_columns(plain), manifest.name, findings)


def _note(kind: str, what: str, keyed: pl.DataFrame, name: str, findings: Findings) -> None:
    """Note the keys, told by data set, that have rows in more than one split."""
    distinct = keyed.unique(maintain_order=True)
    shared = distinct.filter(~pl.struct("dataset", "key").is_unique())
    if shared.is_empty():
        return
    by_key = shared.group_by("dataset", "key", maintain_order=True).agg("split")
    for _, key, splits in by_key.head(EXAMPLES).iter_rows():
        where = " and ".join(split for split in SPLITS if split in splits)
        findings.note(kind, f"{name}: {what} {key!r} stands in {where}")
    if by_key.height > EXAMPLES:
        findings.note(kind, "", count=by_key.height - EXAMPLES)
