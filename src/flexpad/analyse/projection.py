"""Features in one and two dimensions, for people to look at: axes from train, points from test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.decomposition import PCA

from flexpad import table_file
from flexpad.analyse import discriminant
from flexpad.analyse.features import Answers, Features
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, BadInput

Json = dict[str, Any]

POINTS = "points.csv"
AXES = ("lda", "pca_1", "pca_2")
COLUMNS = {
    "sample_id": pl.String,
    "modality": pl.String,
    "label": pl.String,
    "pai_species": pl.String,
    "score": pl.Float64,
    **dict.fromkeys(AXES, pl.Float64),
}


def project(train: Features, test: Answers) -> tuple[pl.DataFrame, Json]:
    """Place the images of test on axes that were found on train, all modalities in one pool.

    Args:
        train: What the axes are fitted to.
        test: What is placed.

    Returns:
        A row for each image of test, with columns :data:`COLUMNS`, and what is to be said of the
        axes: how far train's class means lie apart on the first, and what share of train's
        variance the others hold. ``lda`` is in deviations within a class and 0 midway between the
        class means of train; it is NaN where they do not differ.
    """
    found = discriminant.axis(train.values, train.is_bonafide)
    values = test.features.values
    lda = np.full(len(values), np.nan) if found is None else found.place(values)
    varies = bool(np.ptp(train.values, axis=0).any())
    pca = PCA(n_components=2, svd_solver="full").fit(train.values) if varies else None
    across, up = np.zeros((2, len(values))) if pca is None else pca.transform(values).T
    rows = list(test.rows)
    table = pl.DataFrame(
        {
            "sample_id": [rows[item].sample_id for item in test.item],
            "modality": [str(MODALITIES[place]) for place in test.features.modality],
            "label": np.where(test.features.is_bonafide, BONAFIDE, ATTACK),
            "pai_species": test.features.species,
            "score": test.scores[test.item],
            "lda": lda,
            "pca_1": across,
            "pca_2": up,
        },
        schema=COLUMNS,
    )
    said: Json = {"lda_gap": None if found is None else found.gap}
    if found is None:
        said["lda_gap_reason"] = "the class means of train do not differ"
    said["pca_explained"] = None if pca is None else pca.explained_variance_ratio_.tolist()
    if pca is None:
        said["pca_explained_reason"] = "the features of train are all the same"
    return table, said


def read_points(path: Path) -> pl.DataFrame:
    """Read the table that :func:`project` made.

    Raises:
        BadInput: It is missing or no such table.
    """
    rows = table_file.read(path).rows
    if tuple(rows.columns) != tuple(COLUMNS):
        raise BadInput(f"{path}: is not a table of points; run flexpad analyse again")
    try:
        return rows.with_columns(
            pl.col(name).replace("", "NaN").cast(kind)
            for name, kind in COLUMNS.items()
            if kind == pl.Float64
        )
    except pl.exceptions.InvalidOperationError as error:
        raise BadInput(f"{path}: holds what is no number; run flexpad analyse again") from error
