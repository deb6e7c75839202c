"""Several modalities answered by what each says alone: calibrated log-odds, added up.

A map to a probability with prior 1/2 makes of a score the log of a likelihood ratio, and where what
modalities show is independent within a class, the ratio of several is the product of theirs
(K. Nandakumar et al., "Likelihood ratio-based biometric score fusion", TPAMI 2008). That is never
quite so; but a modality which hardly tells the classes apart on dev gets a flat map, and cannot
drown one that does. A fusion learned on train does not know that: there every modality looks good.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from scipy.special import expit

from flexpad.calibrate.operating_point import check_conditions
from flexpad.calibrate.probability import Method, ScoreCalibration, fit, log_odds
from flexpad.score_table import ScoreTable
from flexpad.types import FUSED, SINGLE, BadInput

SUM = "sum of calibrated singles"
ITEM = ("dataset", "protocol", "sample_id")


def fuse(
    dev: ScoreTable, test: ScoreTable, method: Method = "platt"
) -> tuple[ScoreTable, ScoreTable]:
    """Answer dev and test under every pair and all three by their scores in R, D and I.

    Args:
        dev: Scores of frames in two or all of R, D and I, which the maps are fitted to.
        test: Scores of frames of the same system, in the same conditions at least.
        method: ``platt``, ``temperature`` or ``isotonic``, see :func:`flexpad.calibrate.fit`.

    Returns:
        Tables of frames, without R, D and I themselves.

    Raises:
        BadInput: Fewer than two of R, D and I are there, test lacks one of them, or one cannot be
            calibrated.
    """
    singles = tuple(condition for condition in SINGLE if condition in dev.conditions)
    maps = fit(dev, method, "frame", singles)
    return add_up(dev, maps), add_up(test, maps)


def add_up(table: ScoreTable, calibration: ScoreCalibration) -> ScoreTable:
    """Answer every pair, and all three, of the single modalities that have a map.

    As when a model is scored, an item is judged by what it has of a condition: one without depth by
    its RGB alone under RD. It has no score where nothing that the condition shows is answered.

    Args:
        table: Scores of frames.
        calibration: Maps of at least two of R, D and I, fitted to frames.

    Returns:
        Probabilities of bona fide, with a prior of 1/2; rows are in the order in which items come.

    Raises:
        BadInput: There are maps of fewer than two, the table lacks a condition that has a map, or
            says different things of one item.
    """
    singles = [condition for condition in SINGLE if condition in calibration.maps]
    made = [condition for condition in FUSED if set(condition) <= set(singles)]
    if not made:
        raise BadInput(f"{table.name}: has nothing to add up; score it in two or all of R, D and I")
    check_conditions(table, singles)
    items, spoken = _items(table, singles), _log_odds(table, calibration, singles)
    parts = []
    for condition in made:
        said = pl.concat([spoken[letter] for letter in condition]).drop_nulls("score")
        total = said.group_by(ITEM).agg(pl.col("score").sum())
        joined = items.join(total, on=ITEM, how="left", maintain_order="left")
        parts.append(joined.with_columns(pl.lit(condition).alias("condition")))
    rows = pl.concat(parts).select(table.rows.columns)
    probabilities = expit(rows["score"].fill_null(np.nan).to_numpy())
    header = {
        **table.header,
        "method": f"{table.header.get('method', 'unknown')}, {SUM}",
        "conditions": " ".join(made),
        "fused_from_sha256": table.sha256,
        "calibration": f"{calibration.method} on {calibration.table}",
        "calibration_sha256": calibration.table_sha256,
    }
    scores = pl.Series("score", probabilities).fill_nan(None)
    return replace(table, rows=rows.with_columns(scores), header=header, file_sha256="")


def _items(table: ScoreTable, singles: list[str]) -> pl.DataFrame:
    """One row an item, with all that is said of it but scores."""
    rows = table.rows.filter(pl.col("condition").is_in(singles)).drop("score", "condition")
    items = rows.unique(maintain_order=True)
    twice = items.filter(items.select(ITEM).is_duplicated())
    if len(twice):
        raise BadInput(
            f"{table.name}: {twice['sample_id'][0]!r} has rows that differ in more than condition"
            " and score; its label, species, subject, video, split and groups should be the same"
        )
    return items


def _log_odds(
    table: ScoreTable, calibration: ScoreCalibration, singles: list[str]
) -> dict[str, pl.DataFrame]:
    """Calibrated log-odds of the items of each single modality, null where it is silent."""
    spoken = {}
    for condition in singles:
        part = table.condition(condition)
        odds = log_odds(calibration.maps[condition](part.scores), "probability")
        scores = pl.Series("score", odds).fill_nan(None)
        spoken[condition] = part.rows.select(ITEM).with_columns(scores)
    return spoken
